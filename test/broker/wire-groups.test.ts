// Groups at a whole broker, over sockets: where they are kept, how the first one comes about, what a restart leaves of them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { startBroker } from '../../src/index.ts'
import { describeConfigs } from '../../src/wire/apis/describe-configs.ts'
import { describeGroups } from '../../src/wire/apis/describe-groups.ts'
import { findCoordinator } from '../../src/wire/apis/find-coordinator.ts'
import { heartbeat } from '../../src/wire/apis/heartbeat.ts'
import { joinGroup } from '../../src/wire/apis/join-group.ts'
import { listGroups } from '../../src/wire/apis/list-groups.ts'
import { metadata } from '../../src/wire/apis/metadata.ts'
import { offsetCommit } from '../../src/wire/apis/offset-commit.ts'
import { offsetFetch } from '../../src/wire/apis/offset-fetch.ts'
import { syncGroup } from '../../src/wire/apis/sync-group.ts'
import { makeTopic } from '../support/calls.ts'
import { startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import { RawClient } from '../support/raw-client.ts'
import { scratchDirectory } from '../support/scratch.ts'

const OFFSETS_TOPIC = '__consumer_offsets'
const NONE = 0
const INVALID_GROUP_ID = 24
const UNKNOWN_MEMBER_ID = 25
const COORDINATOR_NOT_AVAILABLE = 15
const NOT_COORDINATOR = 16

const find = (client: RawClient, key = 'group') => client.ask(findCoordinator, 3, { key })

async function partitionsOfOffsets(client: RawClient): Promise<number> {
  const { topics } = await client.ask(metadata, 12, {
    topics: [{ name: OFFSETS_TOPIC }],
    allowAutoTopicCreation: false,
  })
  return topics[0]!.partitions.length
}

/** A group of one member, which is its leader. */
async function joinAlone(client: RawClient, groupId: string) {
  const join = (memberId: string) =>
    client.ask(joinGroup, 5, {
      groupId,
      memberId,
      sessionTimeoutMs: 30_000,
      rebalanceTimeoutMs: 30_000,
      protocolType: 'test',
      protocols: [{ name: 'p', metadata: Buffer.from('m') }],
    })
  const first = await join('')
  const { memberId, generationId, errorCode } = await join(first.memberId)
  assert.equal(errorCode, NONE)
  const assignments = [{ memberId, assignment: Buffer.from('everything') }]
  const synced = await client.ask(syncGroup, 3, { groupId, memberId, generationId, assignments })
  assert.equal(synced.errorCode, NONE)
  assert.equal(synced.assignment.toString(), 'everything')
  return { groupId, memberId, generationId }
}

const commit = (client: RawClient, groupId: string, committedOffset: number) =>
  client.ask(offsetCommit, 5, {
    groupId,
    generationIdOrMemberEpoch: -1,
    memberId: '',
    topics: [{ name: 'topic', partitions: [{ partitionIndex: 0, committedOffset, committedMetadata: 'm' }] }],
  })

async function committed(client: RawClient, groupId: string): Promise<number> {
  const topics = [{ name: 'topic', partitionIndexes: [0] }]
  const answer = await client.ask(offsetFetch, 5, { groupId, topics })
  assert.equal(answer.errorCode, NONE)
  return answer.topics[0]!.partitions[0]!.committedOffset
}

describe('the topic that groups are kept in', () => {
  const lifetime = suiteLifetime()

  test('comes into being when somebody first looks for a group, once, with the settings of Kafka', async () => {
    const local = await startLocalBroker(lifetime)
    const client = await local.connect()
    assert.equal(await partitionsOfOffsets(client), 0, 'nobody has asked yet')
    const [one, other] = await Promise.all([find(client, 'a'), find(await local.connect(), 'b')])
    assert.deepEqual([one.errorCode, other.errorCode], [NONE, NONE])
    assert.equal(one.port, local.port)
    assert.equal(await partitionsOfOffsets(client), 50)
    const { results } = await client.ask(describeConfigs, 4, {
      resources: [{ resourceType: 2, resourceName: OFFSETS_TOPIC, configurationKeys: null }],
    })
    const configs = new Map(results[0]!.configs.map(({ name, value }) => [name, value]))
    assert.deepEqual(
      ['cleanup.policy', 'compression.type', 'segment.bytes'].map((name) => configs.get(name)),
      ['compact', 'producer', '104857600'],
    )
  })

  test('has as many partitions as the setting says', async () => {
    const local = await startLocalBroker(lifetime, { 'offsets.topic.num.partitions': '3' })
    const client = await local.connect()
    assert.equal((await find(client)).errorCode, NONE)
    assert.equal(await partitionsOfOffsets(client), 3)
  })

  test('that cannot be made is told with the reason', async () => {
    const local = await startLocalBroker(lifetime, { 'offsets.topic.replication.factor': '3' })
    const answer = await find(await local.connect())
    assert.equal(answer.errorCode, COORDINATOR_NOT_AVAILABLE)
    assert.match(answer.errorMessage!, /__consumer_offsets could not be created: .*3/)
  })

  test('before it is there, requests about groups are told to look for the coordinator, which makes it', async () => {
    const client = await (await startLocalBroker(lifetime)).connect()
    const { topics } = await commit(client, 'group', 1)
    // The topic that it is about is not there either, and Kafka looks at that first.
    assert.deepEqual(topics[0]!.partitions[0]!.errorCode, 3)
    const beat = await client.ask(heartbeat, 3, { groupId: 'group', memberId: 'm', generationId: 1 })
    assert.equal(beat.errorCode, NOT_COORDINATOR)
    assert.deepEqual((await client.ask(listGroups, 4, {})).groups, [])
  })
})

describe('groups', () => {
  const lifetime = suiteLifetime()

  async function broker(): Promise<RawClient> {
    const client = await (await startLocalBroker(lifetime)).connect()
    await find(client)
    await makeTopic(client, 'topic')
    return client
  }

  test('and their offsets are there again after a restart, and members go on where they were', async () => {
    const settings = { 'log.dirs': scratchDirectory() }
    const before = await startBroker({ config: settings })
    const client = await RawClient.connect(before.port)
    await find(client)
    await makeTopic(client, 'topic')
    const member = await joinAlone(client, 'members')
    assert.equal((await commit(client, 'offsets', 42)).topics[0]!.partitions[0]!.errorCode, NONE)
    client.close()
    await before.close()
    const local = await startLocalBroker(lifetime, settings)
    const again = await local.connect()
    assert.equal(await committed(again, 'offsets'), 42)
    assert.equal((await again.ask(heartbeat, 3, member)).errorCode, NONE)
    const { groups } = await again.ask(describeGroups, 5, { groups: ['members', 'offsets', 'nobody'] })
    assert.deepEqual(
      groups.map(({ groupState, protocolData, members }) => [groupState, protocolData, members.length]),
      [
        ['Stable', 'p', 1],
        ['Empty', '', 0],
        ['Dead', '', 0],
      ],
    )
    const listed = (await again.ask(listGroups, 4, {})).groups.map(({ groupId }) => groupId)
    assert.deepEqual(listed.sort(), ['members', 'offsets'])
  })

  test('without a name are refused, but for the offsets of old clients', async () => {
    const client = await broker()
    const beat = await client.ask(heartbeat, 3, { groupId: '', memberId: 'm', generationId: 1 })
    assert.equal(beat.errorCode, INVALID_GROUP_ID)
    await commit(client, '', 7)
    assert.equal(await committed(client, ''), 7)
  })

  test('that do not exist know no members', async () => {
    const client = await broker()
    const beat = await client.ask(heartbeat, 3, { groupId: 'nobody', memberId: 'm', generationId: 1 })
    assert.equal(beat.errorCode, UNKNOWN_MEMBER_ID)
  })
})
