// One connection: versions, pipelining, time-outs, and others than brokers at the other end.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Connection } from '../../../src/cli/client/connection.ts'
import {
  DisconnectedError,
  ProtocolError,
  TimeoutError,
  UnreachableError,
} from '../../../src/cli/client/failure.ts'
import { keepAlive } from '../../../src/cli/io.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import { deferred } from '../../../src/lib/deferred.ts'
import { systemNetwork } from '../../../src/lib/network.ts'
import { apiVersions, createTopics, fetch, listOffsets, metadata } from '../../../src/wire/apis/index.ts'
import { freePort } from '../../support/probe.ts'
import { disconnect, ScriptedBroker, silence } from './scripted-broker.ts'

let broker: ScriptedBroker
let release = () => {}
beforeEach(async () => {
  release = keepAlive()
  broker = await ScriptedBroker.start()
})
afterEach(async () => {
  await broker.stop()
  release()
})

function open(port = broker.port, requestTimeoutMs = 5000): Promise<Connection> {
  return Connection.open(
    { host: '127.0.0.1', port },
    {
      clientId: 'test',
      connectTimeoutMs: 5000,
      requestTimeoutMs,
      maxResponseBytes: 1_000_000,
      clock: systemClock,
    },
  )
}

describe('versions', () => {
  test('the highest that both sides speak is used', async () => {
    broker.on(metadata, () => ({}), [0, 9])
    broker.on(listOffsets, () => ({}), [1, 99])
    const connection = await open()
    assert.equal(connection.versionOf(metadata), 9)
    assert.equal(connection.versionOf(listOffsets), 11)
    assert.equal(connection.versionOf(listOffsets, 3), 3)
    await connection.request(metadata, { topics: [] })
    assert.deepEqual(broker.asked.at(-1), { name: 'Metadata', version: 9, connection: 0 })
    connection.close()
  })

  test('an API that is not spoken, or in other versions only, is refused with both ranges', async () => {
    broker.on(listOffsets, () => ({}), [0, 0])
    const connection = await open()
    assert.throws(
      () => connection.request(listOffsets, {}),
      (error) => {
        assert.ok(error instanceof ProtocolError)
        assert.match(error.message, /ListOffsets is needed in versions 1 to 11; .* speaks versions 0 to 0/)
        return true
      },
    )
    assert.throws(() => connection.request(createTopics, {}), /CreateTopics .* does not speak it/)
    connection.close()
  })

  test('a broker too old for our ApiVersions is asked again in version 0 (KIP-511)', async () => {
    broker.on(metadata, () => ({}))
    const keys = [{ apiKey: metadata.key, minVersion: 0, maxVersion: 1 }]
    let asked = 0
    broker.on(apiVersions, () => ({ errorCode: asked++ === 0 ? 35 : 0, apiKeys: keys }))
    const connection = await open()
    assert.deepEqual(
      broker.asked.map((row) => row.version),
      [3, 0],
    )
    assert.equal(connection.versionOf(metadata), 1)
    connection.close()
  })
})

describe('requests', () => {
  test('several are under way at once, and each gets its own answer', async () => {
    const gate = deferred()
    let count = 0
    broker.on(metadata, async () => {
      if (count === 0) await gate.promise
      return { clusterId: `answer ${count++}` }
    })
    const connection = await open()
    const answers = [1, 2, 3].map(() => connection.request(metadata, { topics: [] }))
    assert.equal(connection.inFlight, 3)
    gate.resolve()
    const ids = (await Promise.all(answers)).map((answer) => answer.clusterId)
    assert.deepEqual(ids, ['answer 0', 'answer 1', 'answer 2'])
    assert.equal(connection.inFlight, 0)
    connection.close()
  })

  test('an answer larger than the receive buffer arrives whole', async () => {
    const name = 'x'.repeat(30_000)
    broker.on(metadata, () => ({ topics: Array.from({ length: 20 }, () => ({ name })) }))
    const connection = await open()
    const answer = await connection.request(metadata, { topics: [] })
    assert.deepEqual(
      answer.topics.map((topic) => topic.name?.length),
      Array(20).fill(30_000),
    )
    connection.close()
  })

  test('no answer in time is a TimeoutError naming broker, API and limit; what waits behind it fails too', async () => {
    broker.on(metadata, () => silence)
    const connection = await open(broker.port, 60)
    const second = assert.rejects(
      connection.request(metadata, { topics: [] }, { timeoutMs: 10_000 }),
      TimeoutError,
    )
    await assert.rejects(connection.request(metadata, { topics: [] }), (error) => {
      assert.ok(error instanceof TimeoutError)
      assert.match(error.message, new RegExp(`127.0.0.1:${broker.port} did not answer Metadata within 60 ms`))
      return true
    })
    await second
    assert.equal(connection.isOpen, false)
  })

  test('a connection that ends fails what is under way, and calls back once', async () => {
    broker.on(metadata, () => disconnect)
    const connection = await open()
    let closings = 0
    connection.onClose(() => closings++)
    await assert.rejects(connection.request(metadata, { topics: [] }), DisconnectedError)
    await assert.rejects(async () => connection.request(metadata, { topics: [] }), DisconnectedError)
    connection.close()
    connection.onClose(() => closings++)
    assert.equal(closings, 2)
  })
})

describe('others than brokers', () => {
  test('nobody there is an UnreachableError with the reason', async () => {
    const port = await freePort()
    await assert.rejects(
      open(port),
      (error) => error instanceof UnreachableError && error.code === 'ECONNREFUSED',
    )
  })

  const talkers: [string, string][] = [
    ['one that speaks HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n'],
    ['one whose answer is cut off inside', '\0\0\0\x05\0\0\0\0\0'],
    ['one that answers something else', '\0\0\0\x08\0\0\0\x63\0\0\0\0'],
  ]
  for (const [what, said] of talkers) {
    test(`${what} is a ProtocolError`, async () => {
      const listening = await systemNetwork.listen('127.0.0.1', 0, 1, (stream) => {
        stream.start({
          buffer: () => Buffer.alloc(1000),
          arrived: () => stream.write(Buffer.from(said, 'latin1')),
          closed() {},
          drained() {},
        })
      })
      await assert.rejects(open(listening.port), ProtocolError)
      await listening.close()
    })
  }

  test('one that hangs up at the first request is told from a broker that is away', async () => {
    const listening = await systemNetwork.listen('127.0.0.1', 0, 1, (stream) => stream.destroy())
    await assert.rejects(open(listening.port), /closed the connection at the first request/)
    await listening.close()
  })
})

describe('large answers', () => {
  test('records of one answer stay as they are when the next one arrives', async () => {
    let asked = 0
    broker.on(fetch, () => {
      const records = Buffer.alloc(200_000, ++asked)
      return { responses: [{ topic: 't', partitions: [{ partitionIndex: 0, records }] }] }
    }, [4, 11])
    const connection = await open()
    const recordsOf = async () => {
      const { responses } = await connection.request(fetch, {})
      return responses[0]!.partitions[0]!.records as Buffer
    }
    const first = await recordsOf()
    const second = await recordsOf()
    await recordsOf()
    assert.ok(first.equals(Buffer.alloc(200_000, 1)), 'the first answer was overwritten')
    assert.ok(second.equals(Buffer.alloc(200_000, 2)), 'the second answer was overwritten')
    connection.close()
  })
})
