// One partition, turn by turn: appends, writes and syncs, the high watermark, what readers see, and failures in between.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FetchWait } from '../../src/partition/waits.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'
import { batchOf } from '../support/calls.ts'
import { fillUp } from '../support/simulated-disk.ts'
import { endingsOf, PartitionStage, partitionImage, settle, topicConfig, valuesIn } from './stage.ts'

const T = 1_700_000_000_000
const records = (...values: string[]) => batchOf(values, { timestamp: T })
const numbered = (baseSequence: number, ...values: string[]) =>
  batchOf(values, { timestamp: T, producerId: 7, producerEpoch: 0, baseSequence })

const withCode = (error: { readonly code: number }) => (thrown: unknown) =>
  thrown instanceof KafkaError && thrown.code === error.code

describe('an append', () => {
  test('has its offset at once, is written at the end of the turn, and only then is to be seen', async () => {
    const stage = new PartitionStage()
    const { partition } = stage
    const appends = [stage.append(records('a', 'b')), stage.append(records('c'))]
    assert.deepEqual(
      appends.map(({ result }) => result.baseOffset),
      [0, 2],
    )
    assert.deepEqual([partition.highWatermark, stage.values(0)], [0, []])
    assert.equal(partition.committed(2, 1000) instanceof Promise, true)
    await stage.endTurn()
    assert.deepEqual(await endingsOf(appends.map(({ written }) => written)), ['done', 'done'])
    assert.deepEqual([partition.highWatermark, stage.values(0)], [3, ['a', 'b', 'c']])
    assert.equal(partition.committed(2, 1000), true)
  })

  test('of much is written before the turn is over', () => {
    const stage = new PartitionStage()
    stage.append(records('x'.repeat(600_000)))
    assert.equal(stage.partition.highWatermark, 0)
    stage.append(records('x'.repeat(600_000)))
    assert.equal(stage.partition.highWatermark, 2)
  })

  test('with flush.messages=1 is acknowledged and seen when it is on the device', async () => {
    const stage = new PartitionStage({ config: { 'flush.messages': '1' } })
    stage.files.holdSyncs()
    const { written } = stage.append(records('a'))
    await stage.endTurn()
    assert.deepEqual(await endingsOf([written]), ['pending'])
    assert.deepEqual([stage.partition.highWatermark, stage.values(0)], [0, []])
    stage.files.letSync()
    assert.deepEqual(await endingsOf([written]), ['done'])
    assert.deepEqual([stage.partition.highWatermark, stage.values(0)], [1, ['a']])
  })

  test('that comes during a sync waits for the next one', async () => {
    const stage = new PartitionStage({ config: { 'flush.messages': '1' } })
    stage.files.holdSyncs()
    const first = stage.append(records('a')).written
    await stage.endTurn()
    const second = stage.append(records('b')).written
    await stage.endTurn()
    assert.deepEqual(await endingsOf([first, second]), ['pending', 'pending'])
    stage.files.letSync()
    assert.deepEqual(await endingsOf([first, second]), ['done', 'done'])
    assert.equal(stage.partition.highWatermark, 2)
  })

  test('that repeats a batch which is still queued is answered with it', async () => {
    const stage = new PartitionStage()
    const appends = [stage.append(numbered(0, 'a')), stage.append(numbered(0, 'a'))]
    assert.deepEqual(
      appends.map(({ result }) => [result.baseOffset, result.duplicate]),
      [
        [0, false],
        [0, true],
      ],
    )
    assert.deepEqual(await endingsOf(appends.map(({ written }) => written)), ['pending', 'pending'])
    await stage.endTurn()
    assert.deepEqual(await endingsOf(appends.map(({ written }) => written)), ['done', 'done'])
    assert.deepEqual(stage.values(0), ['a'])
  })

  test('that repeats a batch which is written but not synced waits for the sync as well', async () => {
    const stage = new PartitionStage({ config: { 'flush.messages': '1' } })
    stage.files.holdSyncs()
    const original = stage.append(numbered(0, 'a')).written
    await stage.endTurn()
    const again = stage.append(numbered(0, 'a'), { acks: 1 })
    assert.equal(again.result.duplicate, true)
    await stage.endTurn()
    assert.deepEqual(await endingsOf([original, again.written]), ['pending', 'pending'])
    stage.files.letSync()
    assert.deepEqual(await endingsOf([original, again.written]), ['done', 'done'])
  })

  test('that repeats a batch whose sync then fails, fails with it', async () => {
    const stage = new PartitionStage({ config: { 'flush.messages': '1' } })
    stage.files.holdSyncs()
    const original = stage.append(numbered(0, 'a')).written
    await stage.endTurn()
    const again = stage.append(numbered(0, 'a')).written
    await stage.endTurn()
    stage.files.fail('sync', /topic-0/, 'EIO')
    stage.files.letSync()
    assert.deepEqual(await endingsOf([original, again]), ['KAFKA_STORAGE_ERROR', 'KAFKA_STORAGE_ERROR'])
    assert.equal(stage.partition.highWatermark, 0)
  })

  test('that repeats a batch long committed is answered at once', async () => {
    const stage = new PartitionStage({ config: { 'flush.messages': '1' } })
    const original = stage.append(numbered(0, 'a')).written
    await stage.endTurn()
    await original
    const again = stage.append(numbered(0, 'a'))
    assert.deepEqual([again.result.duplicate, await endingsOf([again.written])], [true, ['done']])
  })
})

describe('a failed write', () => {
  test('fails everything of its turn, repetitions too, and leaves the log as it was', async () => {
    const stage = new PartitionStage()
    stage.append(numbered(0, 'a'))
    await stage.endTurn()
    await fillUp(stage.files, 0)
    const appends = [numbered(1, 'b'), records('x'), numbered(1, 'b'), numbered(2, 'c')].map((batch) =>
      stage.append(batch),
    )
    assert.deepEqual(
      appends.map(({ result }) => result.baseOffset),
      [1, 2, 1, 3],
    )
    await stage.endTurn()
    const failed = 'KAFKA_STORAGE_ERROR'
    assert.deepEqual(await endingsOf(appends.map(({ written }) => written)), [failed, failed, failed, failed])
    assert.deepEqual(
      [stage.partition.highWatermark, stage.partition.log.endOffset, stage.values(0)],
      [1, 1, ['a']],
    )
    stage.files.capacityBytes = Number.POSITIVE_INFINITY
    assert.throws(() => stage.append(numbered(2, 'c')), withCode(errors.OUT_OF_ORDER_SEQUENCE_NUMBER))
    const again = stage.append(numbered(1, 'b'))
    assert.deepEqual([again.result.baseOffset, again.result.duplicate], [1, false])
    await stage.endTurn()
    assert.deepEqual(stage.values(0), ['a', 'b'])
  })

  test('that others made fails those who wait for their appends', async () => {
    const stage = new PartitionStage()
    stage.append(records('old'))
    await stage.endTurn()
    const lost = stage.append(records('lost')).written
    await fillUp(stage.files, 0)
    assert.throws(() => stage.partition.log.roll())
    stage.files.capacityBytes = Number.POSITIVE_INFINITY
    const { result, written } = stage.append(records('same turn'))
    assert.equal(result.baseOffset, 1)
    await stage.endTurn()
    assert.deepEqual(await endingsOf([lost, written]), ['KAFKA_STORAGE_ERROR', 'KAFKA_STORAGE_ERROR'])
  })

  test('is told in the log, and harms nobody when no one waits for it', async () => {
    const stage = new PartitionStage()
    stage.files.fail('write', /\.log$/, 'EIO')
    stage.append(records('a'), { acks: 0 })
    await stage.endTurn()
    const [line] = stage.notes.lines
    assert.equal(line!.level, 'error')
    assert.match(JSON.stringify(line), /topic.*EIO/)
  })

  test('does not count towards what waiting fetches have missed', async () => {
    const stage = new PartitionStage()
    const { clock, partition } = stage
    const size = records('a').length
    const wait = new FetchWait(clock, 10_000, 2 * size)
    wait.join(partition.fetchWaits)
    await fillUp(stage.files, 0)
    stage.append(records('a')).written.catch(() => {})
    await stage.endTurn()
    stage.files.capacityBytes = Number.POSITIVE_INFINITY
    stage.append(records('b'))
    await stage.endTurn()
    assert.deepEqual(await endingsOf([wait.promise]), ['pending'])
    stage.append(records('c'))
    await stage.endTurn()
    assert.deepEqual(await endingsOf([wait.promise]), ['done'])
  })
})

describe('a fetch that waits', () => {
  test('is woken by each commit, also when another append came before that', async () => {
    const stage = new PartitionStage({ config: { 'flush.messages': '1' } })
    stage.files.holdSyncs()
    stage.append(records('a'))
    await stage.endTurn()
    // Queued, but not written, when the first one is committed.
    stage.append(records('b'))
    stage.files.letSync()
    await settle()
    assert.deepEqual(stage.values(0), ['a'])
    const wait = new FetchWait(stage.clock, 10_000, 1)
    wait.join(stage.partition.fetchWaits)
    await stage.endTurn()
    assert.deepEqual(stage.values(1), ['b'])
    assert.deepEqual(await endingsOf([wait.promise]), ['done'])
  })
})

describe('a failed sync', () => {
  test('gives the partition up: nothing is appended or read, however well the disk seems later', async () => {
    const stage = new PartitionStage({ config: { 'flush.messages': '1' } })
    const mend = stage.files.fail('sync', /topic-0/, 'EIO')
    const { written } = stage.append(records('a'))
    await stage.endTurn()
    assert.deepEqual(await endingsOf([written]), ['KAFKA_STORAGE_ERROR'])
    mend()
    const isStorageError = withCode(errors.KAFKA_STORAGE_ERROR)
    assert.throws(() => stage.append(records('b')), isStorageError)
    assert.throws(() => stage.read(0), isStorageError)
    assert.throws(() => stage.partition.deleteRecords(-1), isStorageError)
    assert.equal(stage.partition.highWatermark, 0)
  })
})

describe('the high watermark', () => {
  test('after a start is what the log has, as the only replica leads', async () => {
    const stage = new PartitionStage()
    stage.append(records('a', 'b'))
    await stage.endTurn()
    for (const highWatermark of [0, 1, 2, 99]) {
      stage.open({ highWatermark })
      assert.equal(stage.partition.highWatermark, 2)
      assert.deepEqual(stage.values(0), ['a', 'b'])
    }
  })

  test('of a replica that does not lead is what was written down, within what the log has', async () => {
    const stage = new PartitionStage()
    stage.append(records('a', 'b'))
    await stage.endTurn()
    for (const [highWatermark, expected] of [
      [0, 0],
      [1, 1],
      [9, 2],
    ]) {
      stage.open({ highWatermark: highWatermark!, image: { leader: 5, replicas: [1, 5], isr: [1, 5] } })
      assert.equal(stage.partition.highWatermark, expected)
      assert.throws(() => stage.read(0), withCode(errors.NOT_LEADER_OR_FOLLOWER))
      assert.throws(() => stage.append(records('c')), withCode(errors.NOT_LEADER_OR_FOLLOWER))
    }
  })

  test('never goes back over appends, failures and deletions', async () => {
    const stage = new PartitionStage()
    let highest = 0
    for (let i = 0; i < 40; i++) {
      if (i % 5 === 3) await fillUp(stage.files, 0)
      stage.append(records(`${i}`)).written.catch(() => {})
      if (i % 7 === 6) stage.partition.deleteRecords(-1)
      await stage.endTurn()
      stage.files.capacityBytes = Number.POSITIVE_INFINITY
      assert.ok(stage.partition.highWatermark >= highest)
      highest = stage.partition.highWatermark
    }
    assert.equal(highest, 32)
  })
})

describe('acks = all', () => {
  test('is refused when too few replicas are in sync, and asks for no more than there are', () => {
    const config = { 'min.insync.replicas': '2' }
    const lonely = new PartitionStage({ config })
    assert.equal(lonely.append(records('a')).result.baseOffset, 0)
    const shrunk = new PartitionStage({ config, image: { replicas: [1, 2], isr: [1] } })
    assert.throws(() => shrunk.append(records('a')), withCode(errors.NOT_ENOUGH_REPLICAS))
    assert.equal(shrunk.append(records('a'), { acks: 1 }).result.baseOffset, 0)
  })
})

describe('a read', () => {
  test('checks the epoch of the reader', () => {
    const stage = new PartitionStage({ image: { leaderEpoch: 4 } })
    assert.throws(() => stage.read(0, { currentLeaderEpoch: 3 }), withCode(errors.FENCED_LEADER_EPOCH))
    assert.throws(() => stage.read(0, { currentLeaderEpoch: 5 }), withCode(errors.UNKNOWN_LEADER_EPOCH))
    assert.deepEqual(valuesIn(stage.read(0, { currentLeaderEpoch: 4 })), [])
  })

  test('beyond the log is out of range; between high watermark and end of the log it is empty', async () => {
    const stage = new PartitionStage({ config: { 'flush.messages': '1' } })
    stage.append(records('a'))
    await stage.endTurn()
    stage.files.holdSyncs()
    stage.append(records('b', 'c'))
    await stage.endTurn()
    assert.equal(stage.partition.highWatermark, 1)
    for (const offset of [1, 2, 3]) assert.deepEqual(stage.values(offset), [], `offset ${offset}`)
    for (const offset of [-1, 4])
      assert.throws(() => stage.read(offset), withCode(errors.OFFSET_OUT_OF_RANGE))
    stage.files.letSync()
    await settle()
    assert.deepEqual(stage.values(1), ['b', 'c'])
  })

  test('tells where the history of a reader from another epoch ends', async () => {
    const stage = new PartitionStage({ image: { leaderEpoch: 1 } })
    stage.append(records('a', 'b'))
    await stage.endTurn()
    stage.partition.update(partitionImage({ leaderEpoch: 3 }), topicConfig())
    stage.append(records('c'))
    await stage.endTurn()
    const ask = (offset: number, lastFetchedEpoch: number) => {
      const read = stage.read(offset, { lastFetchedEpoch })
      return read.divergingEpoch ?? valuesIn(read).join('')
    }
    assert.equal(ask(2, 1), 'c')
    assert.equal(ask(3, 3), '')
    assert.deepEqual(ask(3, 1), { leaderEpoch: 1, endOffset: 2 })
    assert.deepEqual(ask(2, 2), { leaderEpoch: 1, endOffset: 2 })
    assert.throws(() => ask(3, 9), withCode(errors.OFFSET_OUT_OF_RANGE))
  })
})
