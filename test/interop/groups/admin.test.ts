// What the admins of librdkafka and kafkajs say of groups with members, and what they may do to groups without any: one speaks
// the newest versions of each request, the other those of 2018.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { errors } from '../../../src/wire/errors.ts'
import { ClientProgram } from '../programs/client-program.ts'
import { startGroupBroker, withGroup } from '../programs/group-scenarios.ts'
import { installPackagesOf } from '../programs/node-packages.ts'
import { pythonEnvironment, pythonInterpreter, pythonSource } from '../python/environment.ts'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { runOk, waitFor } from '../support/processes.ts'
import { pythonVariants } from './members.ts'

interface Looked {
  readonly listed: Readonly<Record<string, readonly [state: string, type: string]>>
  readonly described: readonly [state: string, type: string, assignor: string]
  readonly members: readonly string[]
  readonly assigned: readonly string[]
  readonly offsets: Readonly<Record<string, number>>
  /** Codes. */
  readonly alter: number
  readonly delete: number
}

const variants = pythonVariants.filter(({ name }) => /librdkafka, (eager|consumer)/.test(name))
const skip = variants[0]!.skip

describe('admins of groups', { skip }, () => {
  let broker: BrokerUnderTest
  let kafkajs: ClientProgram

  before(async () => {
    kafkajs = new ClientProgram(process.execPath, [`${await installPackagesOf('javascript')}/kafkajs.mjs`])
    broker = await startGroupBroker()
  })
  after(async () => {
    await kafkajs?.close()
    await broker?.stop()
  })

  const librdkafka = async <Result>(
    what: 'look' | 'change',
    group: string,
    topic: string,
  ): Promise<Result> => {
    const program = pythonSource('../groups/python/group_admin.py')
    const args = [program, what, broker.bootstrapServers, group, topic]
    const { stdout } = await runOk(await pythonInterpreter(), args, { env: pythonEnvironment })
    return JSON.parse(stdout)
  }
  const ask = <Result>(call: string, ...parameters: unknown[]) =>
    kafkajs.call<Result>(broker.bootstrapServers, 'admin', { call, parameters })

  for (const { name, program, args } of variants) {
    const isClassic = !name.includes('consumer')
    const type = isClassic ? 'CLASSIC' : 'CONSUMER'

    test(`a group of ${name}: librdkafka lists, describes, alters and deletes`, async () => {
      const group = `librdkafka-${type}`
      const topic = `topic-${group}`
      await withGroup(broker, await program(), { args, group, topics: { [topic]: 4 } }, async (scenario) => {
        const members = [scenario.join('one'), scenario.join('two')]
        await scenario.balanced(...members)
        await scenario.reading(...members)
        const seen = await waitFor('a stable group', async () => {
          const looked = await librdkafka<Looked>('look', group, topic)
          return looked.listed[group]?.[0] === 'STABLE' ? looked : undefined
        })
        assert.deepEqual(seen.listed, { [group]: ['STABLE', type] })
        assert.deepEqual(seen.described, ['STABLE', type, isClassic ? 'range' : 'uniform'])
        assert.deepEqual(seen.members, ['one', 'two'])
        assert.deepEqual(seen.assigned, scenario.topics.partitions)
        assert.equal(seen.alter, errors.UNKNOWN_MEMBER_ID.code)
        assert.equal(seen.delete, errors.NON_EMPTY_GROUP.code)
        await scenario.finish()
        const before = Object.fromEntries(await scenario.topics.committed(group))
        const changed = await librdkafka<object>('change', group, topic)
        assert.deepEqual(changed, {
          listed: { [group]: ['EMPTY', type] },
          alter: 0,
          offsets: { ...before, [`${topic}-0`]: 1 },
          delete: 0,
          deletedAgain: errors.GROUP_ID_NOT_FOUND.code,
          listedAfterwards: {},
        })
      })
    })
  }

  test('a classic group: kafkajs lists, describes, sets, resets and deletes', async () => {
    const { program, args } = variants.find(({ name }) => name.includes('eager'))!
    const [group, topic] = ['kafkajs', 'topic-kafkajs']
    await withGroup(broker, await program(), { args, group, topics: { [topic]: 2 } }, async (scenario) => {
      const member = scenario.join('one')
      await scenario.balanced(member)
      await scenario.reading(member)
      const { groups } = await ask<{ groups: { groupId: string; protocolType: string }[] }>('listGroups')
      assert.deepEqual(
        groups.filter(({ groupId }) => groupId === group),
        [{ groupId: group, protocolType: 'consumer' }],
      )
      interface Described {
        readonly groups: readonly {
          readonly state: string
          readonly protocol: string
          readonly members: readonly { readonly clientId: string; readonly clientHost: string }[]
        }[]
      }
      const { groups: described } = await ask<Described>('describeGroups', [group])
      assert.deepEqual([described[0]!.state, described[0]!.protocol], ['Stable', 'range'])
      const [first] = described[0]!.members
      assert.deepEqual([first!.clientId, first!.clientHost], ['one', '/127.0.0.1'])
      const partitions = [{ partition: 0, offset: '1' }]
      await assert.rejects(ask('setOffsets', { groupId: group, topic, partitions }), /must have no running/)
      await assert.rejects(ask('deleteGroups', [group]), /GroupId|NON_EMPTY_GROUP|delete/i)
      await scenario.finish()
      const positions = async () => {
        interface Fetched {
          readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
        }
        const [row] = await ask<Fetched[]>('fetchOffsets', { groupId: group, topics: [topic] })
        return [...row!.partitions]
          .sort((a, b) => a.partition - b.partition)
          .map(({ offset }) => Number(offset))
      }
      const ends = [...(await scenario.topics.committed(group))].sort().map(([, offset]) => offset)
      assert.deepEqual(await positions(), ends)
      await ask('setOffsets', { groupId: group, topic, partitions })
      assert.deepEqual(await positions(), [1, ends[1]])
      await ask('resetOffsets', { groupId: group, topic, earliest: true })
      // kafkajs commits the special offset of "earliest" as it is.
      assert.deepEqual(await positions(), [-2, -2])
      await ask('deleteGroups', [group])
      const left = await ask<{ groups: { groupId: string }[] }>('listGroups')
      assert.deepEqual(
        left.groups.filter(({ groupId }) => groupId === group),
        [],
      )
    })
  })
})
