// InitProducerId and DescribeProducers below the sockets, and DeleteRecords where only the image tells.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deleteRecords } from '../../src/wire/apis/delete-records.ts'
import { describeProducers } from '../../src/wire/apis/describe-producers.ts'
import { initProducerId } from '../../src/wire/apis/init-producer-id.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'
import { partitionImage, topicImage } from '../partition/stage.ts'
import { batchOf, produceTo } from '../support/calls.ts'
import { DataBroker } from './data-broker.ts'

const request = { transactionalId: null, transactionTimeoutMs: 1000 }

describe('InitProducerId', () => {
  test('gives every id once, over blocks of the controller and requests at the same time', async () => {
    const broker = new DataBroker()
    const versions = [0, 1, 2, 3, 4, 5]
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        broker.start(initProducerId, versions[i % versions.length]!, request),
      ),
    )
    for (const { errorCode, producerEpoch } of answers) assert.deepEqual([errorCode, producerEpoch], [0, 0])
    assert.equal(new Set(answers.map(({ producerId }) => producerId)).size, 20)
  })

  test('tells what the controller could not do, and tries again at the next request', async () => {
    const broker = new DataBroker()
    const { producerIds } = broker.context as unknown as {
      producerIds: { controller: { allocateProducerIds(): Promise<unknown> } }
    }
    const { controller } = producerIds
    const real = controller.allocateProducerIds
    controller.allocateProducerIds = async () => {
      throw new KafkaError(errors.KAFKA_STORAGE_ERROR)
    }
    const refused = await broker.ask(initProducerId, 4, request)
    assert.deepEqual([refused.errorCode, refused.producerId, refused.producerEpoch], [56, -1, -1])
    controller.allocateProducerIds = real
    assert.equal((await broker.ask(initProducerId, 4, request)).errorCode, 0)
  })

  test('has no transactional ids to give, and none for an empty name', async () => {
    const broker = new DataBroker()
    const codeFor = async (transactionalId: string) =>
      (await broker.ask(initProducerId, 4, { ...request, transactionalId })).errorCode
    assert.deepEqual([await codeFor('pay'), await codeFor('')], [15, 42])
  })
})

describe('DescribeProducers', () => {
  test('lists producers of a partition that is led from here, and says why not otherwise', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a', { partitions: 2 }))
    for (const producerId of [5, 3]) {
      const batch = batchOf(['x', 'y'], { producerId, producerEpoch: 1, baseSequence: 10, timestamp: 77 })
      const produced = produceTo(broker, 'a', batch)
      await broker.endTurn()
      assert.equal((await produced).errorCode, 0)
    }
    const ask = async () => {
      const topics = [{ name: 'a', partitionIndexes: [0, 1, 7] }]
      const answer = await broker.ask(describeProducers, 0, { topics })
      return answer.topics[0]!.partitions
    }
    const [first, second, third] = await ask()
    assert.deepEqual(
      first!.activeProducers.map(({ producerId, lastSequence, lastTimestamp }) => [
        producerId,
        lastSequence,
        lastTimestamp,
      ]),
      [
        [5, 11, 78],
        [3, 11, 78],
      ],
    )
    assert.deepEqual([second!.errorCode, second!.activeProducers], [0, []])
    assert.equal(third!.errorCode, 3)
    const away = partitionImage({ leader: 2, replicas: [1, 2], leaderEpoch: 1 })
    broker.put({ ...topicImage('a', { partitions: 2 }), partitions: [away, partitionImage({ index: 1 })] })
    assert.deepEqual(
      (await ask()).map(({ errorCode }) => errorCode),
      [6, 0, 3],
    )
  })
})

describe('DescribeProducers of a partition that is named again and again', () => {
  test('tells of it each time, as Apache Kafka does, until the answer is large', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('a', { partitions: 2 }))
    for (let producerId = 0; producerId < 100; producerId++) {
      const batch = batchOf(['x'], { producerId, producerEpoch: 0, baseSequence: 0, timestamp: 77 })
      const produced = produceTo(broker, 'a', batch)
      await broker.endTurn()
      assert.equal((await produced).errorCode, 0)
    }
    const partitionIndexes = [...Array<number>(5001).fill(0), 1, 1]
    const answer = await broker.ask(describeProducers, 0, { topics: [{ name: 'a', partitionIndexes }] })
    const { partitions } = answer.topics[0]!
    assert.deepEqual(partitions[1], partitions[0])
    assert.deepEqual(
      [0, 4999, 5000, 5001, 5002].map((at) => [
        partitions[at]!.errorCode,
        partitions[at]!.activeProducers.length,
      ]),
      [
        [0, 100],
        [0, 100],
        [42, 0],
        [0, 0],
        [0, 0],
      ],
    )
  })
})

describe('DeleteRecords', () => {
  test('is not for internal topics, nor for partitions that are led elsewhere', async () => {
    const broker = new DataBroker()
    const away = partitionImage({ leader: 2, replicas: [1, 2] })
    broker.put(topicImage('__consumer_offsets'), {
      ...topicImage('a', { id: 'AAAAAAAAAAAAAAAAAAAAAg' }),
      partitions: [away],
    })
    const partitions = [{ partitionIndex: 0, offset: 0 }]
    const topics = ['__consumer_offsets', 'a'].map((name) => ({ name, partitions }))
    const answer = await broker.ask(deleteRecords, 2, { topics, timeoutMs: 1000 })
    assert.deepEqual(
      answer.topics.map(({ partitions: [row] }) => [row!.errorCode, row!.lowWatermark]),
      [
        [17, -1],
        [6, -1],
      ],
    )
  })
})
