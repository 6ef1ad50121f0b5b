// One partition as others change it: leaders, a stop, deleted records.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FetchWait } from '../../src/partition/waits.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'
import { batchOf } from '../support/calls.ts'
import { endingsOf, PartitionStage, partitionImage, settle, topicConfig } from './stage.ts'

const T = 1_700_000_000_000
const records = (...values: string[]) => batchOf(values, { timestamp: T })

const withCode = (error: { readonly code: number }) => (thrown: unknown) =>
  thrown instanceof KafkaError && thrown.code === error.code

describe('a change of leader', () => {
  test('ends what waits, and a return goes on where the log ends', async () => {
    const stage = new PartitionStage({ config: { 'flush.messages': '1' } })
    stage.files.holdSyncs()
    stage.append(records('a'))
    await stage.endTurn()
    const committed = stage.partition.committed(0, 10_000)
    const wait = new FetchWait(stage.clock, 10_000, 1)
    wait.join(stage.partition.fetchWaits)
    const config = topicConfig({ 'flush.messages': '1' })
    stage.partition.update(partitionImage({ leader: 2, leaderEpoch: 1, replicas: [1, 2] }), config)
    assert.deepEqual([await committed, await endingsOf([wait.promise])], [false, ['done']])
    stage.files.letSync()
    await settle()
    stage.partition.update(partitionImage({ leaderEpoch: 2 }), config)
    assert.equal(stage.append(records('b')).result.baseOffset, 1)
    await stage.endTurn()
    assert.deepEqual(stage.values(0), ['a', 'b'])
    assert.deepEqual(stage.partition.log.endOffsetForEpoch(0), { leaderEpoch: 0, endOffset: 1 })
  })

  test('closing writes what is queued and ends what waits', async () => {
    const stage = new PartitionStage()
    const { written } = stage.append(records('a'))
    const wait = new FetchWait(stage.clock, 10_000, 1000)
    wait.join(stage.partition.fetchWaits)
    stage.partition.close()
    assert.deepEqual(await endingsOf([written, wait.promise]), ['done', 'done'])
    assert.equal(stage.partition.log.writtenEndOffset, 1)
    assert.throws(() => stage.append(records('b')), withCode(errors.NOT_LEADER_OR_FOLLOWER))
    assert.equal(await stage.partition.committed(5, 10_000), false)
  })
})

describe('deleteRecords', () => {
  test('moves the start up to the high watermark at most', async () => {
    const stage = new PartitionStage()
    stage.append(records('a', 'b', 'c'))
    await stage.endTurn()
    stage.append(records('queued'))
    assert.equal(stage.partition.deleteRecords(1), 1)
    assert.equal(stage.partition.deleteRecords(0), 1)
    for (const offset of [4, -2]) {
      assert.throws(() => stage.partition.deleteRecords(offset), withCode(errors.OFFSET_OUT_OF_RANGE))
    }
    assert.equal(stage.partition.deleteRecords(-1), 3)
    assert.throws(() => stage.read(2), withCode(errors.OFFSET_OUT_OF_RANGE))
    await stage.endTurn()
    assert.deepEqual(stage.values(3), ['queued'])
  })

  test('is for topics that delete, or do nothing, but not for those that only compact', () => {
    for (const [policy, isDeletable] of [
      ['delete', true],
      ['compact,delete', true],
      ['', true],
      ['compact', false],
    ] as const) {
      assert.equal(
        new PartitionStage({ config: { 'cleanup.policy': policy } }).partition.isDeletable,
        isDeletable,
      )
    }
  })
})
