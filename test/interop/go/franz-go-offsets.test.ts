// franz-go's admin client (kadm) and single requests (kmsg) on offsets and leader epochs.
// Promises exact answers: what Apache Kafka 4.3 fills in, its error codes, and what a change leaves behind.
// Topics and configs are in franz-go-topics.test.ts, the cluster in franz-go-cluster.test.ts.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { base64, recordsAt, startMs } from '../programs/numbered-records.ts'
import { skipWithout } from '../support/languages.ts'
import { codeOf, type Failed, FranzGoAdmin, type Listed, type Named, type PerPartition } from './kadm.ts'

describe('franz-go admin: offsets', { skip: skipWithout('Go', ['go']) }, () => {
  let client: FranzGoAdmin

  before(async () => {
    client = await FranzGoAdmin.start()
  })
  after(() => client?.stop())

  const listOffsets = async (topic: string, Timestamp: number, version?: number, rest: object = {}) => {
    const partition = { Partition: 0, CurrentLeaderEpoch: -1, Timestamp, MaxNumOffsets: 1, ...rest }
    const answer = await client.request<{
      Topics: {
        Partitions: { ErrorCode: number; Offset: number; Timestamp: number; LeaderEpoch: number }[]
      }[]
    }>(
      2,
      {
        ReplicaID: -1,
        IsolationLevel: 0,
        TimeoutMillis: 5000,
        Topics: [{ Topic: topic, Partitions: [partition] }],
      },
      version,
    )
    const { ErrorCode, Offset, Timestamp: time, LeaderEpoch } = answer.Topics[0]!.Partitions[0]!
    return [ErrorCode, Offset, time, LeaderEpoch >= 0]
  }

  test('ListOffsets of every kind, before and after DeleteRecords', async () => {
    const topic = 'listed'
    await client.createTopic(topic)
    for (const times of [[1000, 3000], [2000], [3000, 2500]]) {
      await client.produce({ topic, codec: 'gzip', records: recordsAt(...times) })
    }
    const at = (time: number) => startMs + time
    const nothing = [0, -1, -1, false]
    const kinds: readonly (readonly [string, number, unknown[]])[] = [
      ['latest', -1, [0, 5, -1, true]],
      ['earliest', -2, [0, 0, -1, true]],
      ['largest timestamp', -3, [0, 1, at(3000), true]],
      ['earliest local', -4, [0, 0, -1, true]],
      ['latest tiered', -5, nothing],
      ['earliest to be tiered', -6, nothing],
      ['no such kind', -7, [35, -1, -1, false]],
      ['time 0', 0, [0, 0, at(1000), true]],
      ['the first time', at(1000), [0, 0, at(1000), true]],
      ['inside the first batch', at(1001), [0, 1, at(3000), true]],
      ['the last time', at(3000), [0, 1, at(3000), true]],
      ['after all', at(3001), nothing],
    ]
    for (const [name, timestamp, expected] of kinds) {
      assert.deepEqual(await listOffsets(topic, timestamp), expected, name)
    }
    await client.admin('deleteRecords', { offsets: { [topic]: { 0: 2 } } })
    assert.deepEqual(await listOffsets(topic, -2), [0, 2, -1, true])
    assert.deepEqual(await listOffsets(topic, -4), [0, 2, -1, true])
    assert.deepEqual(await listOffsets(topic, at(1000)), [0, 2, at(2000), true])
    assert.deepEqual(await listOffsets(topic, at(2001)), [0, 3, at(3000), true])
  })

  test('ListOffsets at every version; a kind younger than the version is refused', async () => {
    const topic = 'listed-by-version'
    await client.createTopic(topic)
    await client.produce({ topic, records: recordsAt(1000, 2000) })
    for (let version = 1; version <= 11; version += 1) {
      assert.deepEqual((await listOffsets(topic, -1, version)).slice(0, 3), [0, 2, -1], `latest, v${version}`)
      const found = await listOffsets(topic, startMs + 1500, version)
      assert.deepEqual(found, [0, 1, startMs + 2000, version >= 4], `by time, v${version}`)
    }
    for (const [timestamp, since] of [
      [-3, 7],
      [-4, 8],
      [-5, 9],
      [-6, 11],
    ] as const) {
      assert.equal((await listOffsets(topic, timestamp, since))[0], 0, `${timestamp} at v${since}`)
      assert.equal((await listOffsets(topic, timestamp, since - 1))[0], 35, `${timestamp} at v${since - 1}`)
    }
  })

  test('a leader epoch from the future is told so; unknown topics and partitions are errors', async () => {
    await client.createTopic('epochs')
    assert.equal((await listOffsets('epochs', -1, undefined, { CurrentLeaderEpoch: 99 }))[0], 75)
    await assert.rejects(listOffsets('absent', -1), { code: 3 })
    await assert.rejects(listOffsets('epochs', -1, undefined, { Partition: 1 }), { code: 3 })
  })

  test("kadm's listings: start, end, committed, by time, largest time", async () => {
    const topic = 'kadm-listed'
    await client.createTopic(topic, 2)
    await client.produce({ topic, records: recordsAt(1000, 2000, 3000) })
    const list = async (call: string, args: object = {}) => {
      const listed = (await client.admin<PerPartition<Listed>>(call, { topics: [topic], ...args }))[topic]!
      return [0, 1].map((partition) => {
        const { Offset, Timestamp, Err } = listed[partition]!
        return Err?.Message ?? [Offset, Timestamp]
      })
    }
    const pairs = {
      listStartOffsets: [
        [0, -1],
        [0, -1],
      ],
      listEndOffsets: [
        [3, -1],
        [0, -1],
      ],
      listCommittedOffsets: [
        [3, -1],
        [0, -1],
      ],
      listMaxTimestampOffsets: [
        [2, startMs + 3000],
        [-1, -1],
      ],
      listLocalLogStartOffsets: [
        [0, -1],
        [0, -1],
      ],
      listLatestRemoteOffsets: [
        [-1, -1],
        [-1, -1],
      ],
    }
    for (const [call, expected] of Object.entries(pairs)) assert.deepEqual(await list(call), expected, call)
    // Where nothing is that late, kadm gives the end of the partition.
    assert.deepEqual(await list('listOffsetsAfterMilli', { timestamp: startMs + 1001 }), [
      [1, startMs + 2000],
      [0, -1],
    ])
  })

  test('OffsetForLeaderEpoch: the end of an epoch, before and after the leader came back from kill -9', async () => {
    const topic = 'epoch-ends'
    await client.createTopic(topic)
    await client.produce({ topic, records: recordsAt(1, 2, 3) })
    const leaderEpoch = async () => {
      const listed = await client.admin<Named<{ Partitions: Named<{ LeaderEpoch: number }> }>>('listTopics', {
        topics: [topic],
      })
      return listed[topic]!.Partitions['0']!.LeaderEpoch
    }
    const endOf = async (epoch: number, current = -1) => {
      const partition = { Partition: 0, LeaderEpoch: epoch, CurrentLeaderEpoch: current }
      const body = { ReplicaID: -1, Topics: [{ Topic: topic, Partitions: [partition] }] }
      type Ends = {
        Topics: { Partitions: { ErrorCode: number; LeaderEpoch: number; EndOffset: number }[] }[]
      }
      const { ErrorCode, LeaderEpoch, EndOffset } = (await client.request<Ends>(23, body)).Topics[0]!
        .Partitions[0]!
      return [ErrorCode, LeaderEpoch, EndOffset]
    }
    const before = await leaderEpoch()
    assert.deepEqual(await endOf(before), [0, before, 3])
    assert.deepEqual(await endOf(before + 50), [0, -1, -1])
    assert.deepEqual((await endOf(before, before + 1))[0], 75)
    // A clean restart may keep the epoch: nothing can have been lost in it.
    await client.broker.kill9()
    await client.broker.restart()
    await client.produce({ topic, records: recordsAt(4, 5) })
    const later = await leaderEpoch()
    assert.ok(later > before, `leader epoch ${later} after a restart, ${before} before it`)
    assert.deepEqual(await endOf(before), [0, before, 3])
    assert.deepEqual(await endOf(later), [0, later, 5])
    assert.deepEqual((await endOf(later, before))[0], 74)
    const read = await client.consume(topic, 5)
    assert.deepEqual(
      read.map((record) => record.leaderEpoch),
      [before, before, before, later, later],
    )
    type Ends = PerPartition<{ EndOffset: number }>
    const byKadm = await client.admin<Ends>('offsetForLeaderEpoch', { epochs: { [topic]: { 0: later } } })
    assert.equal(byKadm[topic]?.['0']?.EndOffset, 5)
  })

  test('DeleteRecords moves the start, -1 to the end; beyond the end and unknown topics are errors', async () => {
    const topic = 'records-deleted'
    await client.createTopic(topic, 2)
    await client.produce({ topic, records: recordsAt(1, 2, 3, 4) })
    await client.produce({ topic, partition: 1, records: recordsAt(1, 2) })
    type Deleted = PerPartition<{ LowWatermark: number; Err: Failed }>
    const deleteTo = async (offsets: object) => {
      const answer = (await client.admin<Deleted>('deleteRecords', { offsets: { [topic]: offsets } }))[topic]!
      return Object.values(answer).map((of) => [codeOf(of), of.LowWatermark])
    }
    assert.deepEqual(await deleteTo({ 0: 3, 1: -1 }), [
      ['NONE', 3],
      ['NONE', 2],
    ])
    assert.deepEqual(await deleteTo({ 0: 1 }), [['NONE', 3]], 'the start never goes back')
    assert.deepEqual(await deleteTo({ 0: 5 }), [['OFFSET_OUT_OF_RANGE', -1]])
    const read = await client.consume(topic, 4, { offset: 3, silenceMs: 500 })
    assert.deepEqual(
      read.map(({ offset, value }) => [offset, value]),
      [[3, base64('at 4')]],
    )
    await assert.rejects(client.consume(topic, 1, { offset: 2 }), { code: 1 })
    await assert.rejects(client.admin('deleteRecords', { offsets: { absent: { 0: 1 } } }), { code: 3 })
  })

  test('DeleteRecords of a compacted topic is against its policy', async () => {
    await client.createTopic('compacted', 1, { 'cleanup.policy': 'compact' })
    const keyed = recordsAt(1).map((record) => ({ ...record, key: base64('key') }))
    await client.produce({ topic: 'compacted', records: keyed })
    const answer = await client.admin<PerPartition<{ Err: Failed }>>('deleteRecords', {
      offsets: { compacted: { 0: 1 } },
    })
    assert.equal(codeOf(answer.compacted?.['0']), 'POLICY_VIOLATION')
  })
})
