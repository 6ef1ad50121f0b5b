// A log of groups that no version would have written: any records in any order, with any values. Loading it, time, descriptions
// and requests afterwards must neither throw nor loop: one odd record is no reason for all groups of a partition to be gone.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { emptyImage } from '../../src/cluster/image.ts'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { resolveGroupConfig } from '../../src/config/group-config.ts'
import type { ClassicJoin } from '../../src/coordinator/group/classic/join.ts'
import type { GroupSurroundings } from '../../src/coordinator/group/group.ts'
import { GroupMachine } from '../../src/coordinator/group/group-machine.ts'
import {
  type GroupRecord,
  type GroupRecordType,
  groupRecordKinds,
} from '../../src/coordinator/group/records.ts'
import { TopicPatterns } from '../../src/coordinator/group/topic-patterns.ts'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { arbitraryValue } from '../wire/arbitrary.ts'
import { TraceShard } from './trace.ts'

const types = Object.keys(groupRecordKinds) as GroupRecordType[]
const GROUPS = ['g', 'h']
const MEMBERS = ['a', 'b', 'c']

const oneOf = (names: readonly string[]) => fc.constantFrom(...names)

/** Names from small sets, so that records are about the same things; everything else is anything. */
function arbitraryRecord(type: GroupRecordType): fc.Arbitrary<GroupRecord> {
  const { key, value } = groupRecordKinds[type]
  const names = fc.record({
    group: oneOf(GROUPS),
    groupId: oneOf(GROUPS),
    memberId: oneOf(MEMBERS),
    topic: oneOf(['t', 'u']),
    regularExpression: oneOf(['t.*', '[']),
  })
  const keys = names.map((all) =>
    Object.fromEntries(Object.keys(key.fields).map((field) => [field, all[field as keyof typeof all] ?? 0])),
  )
  const values = fc
    .tuple(arbitraryValue(value, value.versions[1]), fc.array(oneOf(MEMBERS), { minLength: 3, maxLength: 3 }))
    .map(([fields, memberIds]) => withNames(fields as Record<string, unknown>, memberIds))
  const all = fc.record({ type: fc.constant(type), key: keys, value: fc.option(values, { freq: 4 }) })
  return all as unknown as fc.Arbitrary<GroupRecord>
}

function withNames(fields: Record<string, unknown>, memberIds: readonly string[]): Record<string, unknown> {
  // An epoch has room for two billion changes; nobody waits for the last one.
  if ('epoch' in fields) return { ...fields, epoch: (fields.epoch as number) >> 1 }
  if (!('members' in fields)) return fields
  const members = (fields.members as object[]).map((member, index) => ({
    ...member,
    memberId: memberIds[index],
  }))
  return { ...fields, members, leader: memberIds[0] }
}

function newShard(): TraceShard<GroupRecord, GroupMachine> {
  const config = parseBrokerConfig({})
  const surroundings: GroupSurroundings = {
    config: () => config,
    groupConfig: () => resolveGroupConfig(config, new Map()),
    image: () => emptyImage('cluster'),
    random: new SeededRandom(1),
    patterns: new TopicPatterns({ clock: new SimulatedClock() }),
    note() {},
  }
  return new TraceShard(() => new GroupMachine(surroundings))
}

/** Everything that can be asked of groups without being a member. */
function askEverything({ machine }: TraceShard<GroupRecord, GroupMachine>): void {
  assert.ok(machine.listGroups().length <= GROUPS.length)
  for (const groupId of GROUPS) {
    machine.describeClassicGroup(groupId)
    if (machine.groups.get(groupId)?.type === 'consumer') machine.describeConsumerGroup(groupId)
  }
}

/** Somebody new joins each group, by either protocol. A group that cannot take it says so. */
function joinEverything(shard: TraceShard<GroupRecord, GroupMachine>): void {
  const client = { clientId: 'new', clientHost: '/127.0.0.1' }
  for (const groupId of GROUPS) {
    const protocols = [{ name: 'range', metadata: Buffer.from('000000000001000174ffffffff', 'hex') }]
    const join: ClassicJoin = {
      ...{ ...client, apiVersion: 3, groupId, memberId: '', groupInstanceId: null, reason: null },
      ...{ sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 10_000, protocolType: 'consumer', protocols },
    }
    shard.run((machine, step) => machine.joinGroup(join, step))
    const heartbeat = {
      ...{
        ...client,
        apiVersion: 1,
        groupId,
        memberId: 'new',
        memberEpoch: 0,
        instanceId: null,
        rackId: null,
      },
      ...{ rebalanceTimeoutMs: 10_000, subscribedTopicNames: ['t'], subscribedTopicRegex: null },
      ...{ serverAssignor: null, topicPartitions: [] },
    }
    shard.run((machine, step) => machine.consumerGroupHeartbeat(heartbeat, step))
  }
}

describe('a log with any records of groups', () => {
  test('is loaded, and its groups live on', () => {
    const log = fc.array(fc.oneof(...types.map(arbitraryRecord)), { maxLength: 12 })
    fc.assert(
      fc.property(log, (records) => {
        const shard = newShard()
        shard.run((_machine, step) => {
          for (const record of records) step.append(record)
        })
        askEverything(shard)
        shard.restart()
        askEverything(shard)
        joinEverything(shard)
        askEverything(shard)
        shard.advance(120_000)
        askEverything(shard)
        for (const groupId of GROUPS) shard.run((machine, step) => machine.deleteGroup(groupId, step))
        shard.restart()
        askEverything(shard)
      }),
      { numRuns: 400 },
    )
  })
})
