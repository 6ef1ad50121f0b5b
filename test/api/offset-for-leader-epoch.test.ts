// OffsetForLeaderEpoch over several leaders (KIP-101, KIP-320): where each epoch ended, and what a stale client is told.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { listOffsets } from '../../src/wire/apis/list-offsets.ts'
import { offsetForLeaderEpoch } from '../../src/wire/apis/offset-for-leader-epoch.ts'
import { partitionImage, topicImage } from '../partition/stage.ts'
import { batchOf, produceTo } from '../support/calls.ts'
import { DataBroker } from './data-broker.ts'

/** Leader epochs 1, 5 and 6 began at offsets 0, 2 and 5; the log ends at 6. Epoch 2 left no record, and so no trace. */
async function overSeveralLeaders(): Promise<DataBroker> {
  const broker = new DataBroker()
  for (const [leaderEpoch, records] of [
    [1, 2],
    [2, 0],
    [5, 3],
    [6, 1],
  ] as const) {
    broker.put({ ...topicImage('a'), partitions: [partitionImage({ leaderEpoch })] })
    for (let i = 0; i < records; i++) {
      const produced = produceTo(broker, 'a', batchOf(['x'], { timestamp: 1000 * leaderEpoch + i }))
      await broker.endTurn()
      assert.equal((await produced).errorCode, 0)
    }
  }
  return broker
}

async function endOf(broker: DataBroker, leaderEpoch: number, currentLeaderEpoch = -1, version = 4) {
  const partitions = [{ partition: 0, currentLeaderEpoch, leaderEpoch }]
  const { topics } = await broker.ask(offsetForLeaderEpoch, version, { topics: [{ topic: 'a', partitions }] })
  const { errorCode, leaderEpoch: epoch, endOffset } = topics[0]!.partitions[0]!
  return [errorCode, epoch, endOffset]
}

describe('OffsetForLeaderEpoch', () => {
  test('tells the end of the largest epoch that is not larger than the one asked for', async () => {
    const broker = await overSeveralLeaders()
    const table = []
    for (let epoch = 0; epoch <= 8; epoch++) table.push([epoch, ...(await endOf(broker, epoch))])
    assert.deepEqual(table, [
      [0, 0, 0, 0],
      [1, 0, 1, 2],
      [2, 0, 1, 2],
      [3, 0, 1, 2],
      [4, 0, 1, 2],
      [5, 0, 5, 5],
      [6, 0, 6, 6],
      [7, 0, -1, -1],
      [8, 0, -1, -1],
    ])
  })

  test('fences clients that know an older leader, and tells those that know a newer one', async () => {
    const broker = await overSeveralLeaders()
    assert.deepEqual(await endOf(broker, 5, 5), [74, -1, -1])
    assert.deepEqual(await endOf(broker, 5, 6), [0, 5, 5])
    assert.deepEqual(await endOf(broker, 5, 7), [75, -1, -1])
  })

  test('knows of partitions elsewhere', async () => {
    const broker = await overSeveralLeaders()
    broker.put({
      ...topicImage('a'),
      partitions: [partitionImage({ leader: 2, replicas: [1, 2], leaderEpoch: 7 })],
    })
    assert.deepEqual(await endOf(broker, 5), [6, -1, -1])
  })
})

describe('ListOffsets', () => {
  test('tells the leader epoch of the offset it found', async () => {
    const broker = await overSeveralLeaders()
    const ask = async (timestamp: number, currentLeaderEpoch = -1) => {
      const partitions = [{ partitionIndex: 0, timestamp, currentLeaderEpoch }]
      const { topics } = await broker.ask(listOffsets, 11, {
        replicaId: -1,
        topics: [{ name: 'a', partitions }],
      })
      const { errorCode, offset, leaderEpoch } = topics[0]!.partitions[0]!
      return [errorCode, offset, leaderEpoch]
    }
    assert.deepEqual(await ask(-2), [0, 0, 1])
    assert.deepEqual(await ask(-1), [0, 6, 6])
    assert.deepEqual(await ask(1500), [0, 2, 5])
    assert.deepEqual(await ask(6000), [0, 5, 6])
    assert.deepEqual(await ask(-1, 5), [74, -1, -1])
  })
})
