// Bytes that are no requests, over a socket: the connection that sent them is closed with a line in the log, as Kafka does,
// and nobody else notices. Also clients that dawdle, and clients that leave in the middle.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../../src/lib/random.ts'
import { apiVersions } from '../../src/wire/apis/api-versions.ts'
import { fetch } from '../../src/wire/apis/fetch.ts'
import { metadata } from '../../src/wire/apis/metadata.ts'
import { produce } from '../../src/wire/apis/produce.ts'
import {
  append,
  assertServes,
  batchOf,
  LATEST,
  makeTopic,
  offsetOf,
  readAll,
  valuesOf,
} from '../support/calls.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import { framed, type RawClient, readAnswer, requestBytes } from '../support/raw-client.ts'

const MAX_REQUEST_BYTES = 1_000_000

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** A request header with any key and version, client id `test`, and a body. */
function request(key: number, version: number, body: Buffer = Buffer.alloc(0)): Buffer {
  const header = Buffer.alloc(8)
  header.writeInt16BE(key, 0)
  header.writeInt16BE(version, 2)
  header.writeInt32BE(7, 4)
  return framed(Buffer.concat([header, Buffer.from('\0\x04test'), body]))
}

const goodMetadata = requestBytes(metadata, 1, { topics: [] })

const closing: readonly [name: string, bytes: () => Buffer][] = [
  ['a frame without a byte', () => int32(0)],
  ['a negative length', () => int32(-1)],
  ['the most negative length', () => int32(-(2 ** 31))],
  ['a length above socket.request.max.bytes', () => int32(MAX_REQUEST_BYTES + 1)],
  ['the largest length', () => int32(2 ** 31 - 1)],
  ['a frame that ends in the request header', () => framed(Buffer.from('000300', 'hex'))],
  ['a frame that ends in the client id', () => framed(Buffer.from('00030001000000070064', 'hex'))],
  ['a frame that ends in the message', () => framed(goodMetadata.subarray(4, goodMetadata.length - 2))],
  ['an unknown API key', () => request(9999, 0)],
  ['a negative API key', () => request(-1, 0)],
  ['an API of Kafka that is not served', () => request(24, 0)],
  ['a version too new', () => request(3, 99)],
  ['a negative version', () => request(3, -1)],
  ['a version that Kafka no longer speaks', () => request(1, 3, Buffer.alloc(40))],
  ['a Produce of a version that is advertised but not served', () => request(0, 2, Buffer.alloc(40))],
  ['an array that claims more elements than there are bytes', () => request(3, 1, int32(1_000_000))],
  ['null for a list of topics to delete', () => request(20, 1, int32(-1))],
  ['a list with a negative length', () => request(20, 1, int32(-5))],
  ['HTTP', () => Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
  ['a TLS hello', () => Buffer.from('16030100c8010000c40303', 'hex')],
]

describe('bytes that are no requests', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let bystander: RawClient

  before(async () => {
    local = await startLocalBroker(lifetime, { 'socket.request.max.bytes': MAX_REQUEST_BYTES })
    bystander = await local.connect()
    await makeTopic(bystander, 'topic')
    await append(bystander, 'topic', ['before'])
  })

  async function assertUnharmed(): Promise<void> {
    await assertServes(bystander)
    const newcomer = await local.connect()
    await assertServes(newcomer)
    newcomer.close()
    assert.deepEqual(valuesOf(await readAll(bystander, 'topic')), ['before'])
  }

  for (const [name, bytes] of closing) {
    test(`${name}: closed, with a reason in the log`, async () => {
      const client = await local.connect()
      const linesBefore = local.lines.length
      client.send(bytes())
      await client.closed
      assert.equal(client.bytesReceived, 0)
      const said = local.lines.slice(linesBefore)
      assert.equal(said.length, 1, JSON.stringify(said))
      assert.equal(said[0]!.message, 'connection closed')
      assert.match(JSON.stringify(said[0]!.fields), /127\.0\.0\.1.*reason/)
      await assertUnharmed()
    })
  }

  test('what was asked before the bad frame is answered first', async () => {
    const client = await local.connect()
    client.send(Buffer.concat([goodMetadata, goodMetadata, int32(-1)]))
    for (let i = 0; i < 2; i++) {
      assert.equal(readAnswer(metadata, 1, await client.frame()).brokers.length, 1)
    }
    await client.closed
  })

  test('random bytes, framed and not, never end the broker', async () => {
    const random = new SeededRandom(20_261_123)
    for (let i = 0; i < 150; i++) {
      const client = await local.connect()
      const noise = random.bytes(1 + random.below(300))
      if (i % 3 === 0) client.send(noise)
      else if (i % 3 === 1) client.send(framed(noise))
      else {
        // A header that is served, then noise.
        const keys = [0, 1, 2, 3, 10, 18, 19, 20, 21, 22, 23, 32, 33, 35, 37, 44, 46, 60, 61, 75]
        client.send(request(keys[random.below(keys.length)]!, random.below(14), noise))
      }
      // Part of it may make sense, or wait for more: what counts is who else is served.
      client.socket.end()
      await client.closed
    }
    await assertUnharmed()
    assert.deepEqual(
      local.lines.filter(({ level }) => level === 'error'),
      [],
    )
  })

  test('a request that comes one byte at a time is answered', async () => {
    const client = await local.connect()
    client.send(Buffer.alloc(0))
    for (const byte of goodMetadata) {
      client.send(Buffer.from([byte]))
      await sleep(1)
    }
    assert.equal(readAnswer(metadata, 1, await client.frame()).brokers.length, 1)
    client.close()
  })

  test('a client that announces much and sends little holds little memory and nobody up', async () => {
    const { arrayBuffers } = process.memoryUsage()
    const clients = await Promise.all(Array.from({ length: 50 }, () => local.connect()))
    for (const client of clients) {
      client.send(Buffer.concat([int32(MAX_REQUEST_BYTES), Buffer.alloc(100)]))
    }
    await assertUnharmed()
    const growth = process.memoryUsage().arrayBuffers - arrayBuffers
    assert.ok(growth < 50 * MAX_REQUEST_BYTES + 20e6, `${growth} bytes for 50 clients`)
    for (const client of clients) client.close()
  })

  test('a client that stops in the middle of a produce has appended nothing', async () => {
    const before = await offsetOf(bystander, 'topic', LATEST)
    const topicData = [{ name: 'topic', partitionData: [{ index: 0, records: batchOf(['half']) }] }]
    const bytes = requestBytes(produce, 8, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData })
    for (const length of [3, 10, 60, bytes.length - 1]) {
      const client = await local.connect()
      client.send(bytes.subarray(0, length))
      await sleep(5)
      client.close()
      await client.closed
    }
    await assertServes(bystander)
    assert.equal(await offsetOf(bystander, 'topic', LATEST), before)
  })

  test('a client that has finished sending is let go, with what was answered at once', async () => {
    const client = await local.connect()
    client.send(goodMetadata)
    client.socket.end()
    assert.equal(readAnswer(metadata, 1, await client.frame()).brokers.length, 1)
    await client.closed
  })

  test('a client that leaves while its fetch waits leaves nothing behind', async () => {
    const client = await local.connect()
    const partitions = [{ partition: 0, fetchOffset: 1, partitionMaxBytes: 1000 }]
    const waiting = requestBytes(fetch, 11, {
      maxWaitMs: 60_000,
      minBytes: 1,
      isolationLevel: 0,
      sessionId: 0,
      topics: [{ topic: 'topic', partitions }],
      forgottenTopicsData: [],
      rackId: '',
    })
    client.send(waiting)
    await sleep(20)
    client.socket.resetAndDestroy()
    await client.closed
    await assertUnharmed()
  })

  test('ApiVersions of a version too new is answered in version 0 with what is spoken', async () => {
    for (const version of [5, 99, 32_767]) {
      const client = await local.connect()
      client.send(request(18, version, Buffer.from('garbage')))
      const frame = await client.frame()
      assert.equal(frame.toString('hex'), '00000007' + '0023' + '00000001' + '0012' + '0000' + '0004')
      // The connection lives on: the client tries again with what it was told.
      const answer = await client.ask(apiVersions, 4, {
        clientSoftwareName: 'test',
        clientSoftwareVersion: '1',
      })
      assert.equal(answer.errorCode, 0)
      client.close()
    }
  })

  test('ApiVersions with a garbled message closes', async () => {
    const client = await local.connect()
    client.send(request(18, 3, Buffer.from('ffffffffffffffff', 'hex')))
    await client.closed
    await assertUnharmed()
  })

  test('ApiVersions with a name that no software has is INVALID_REQUEST', async () => {
    const client = await local.connect()
    for (const name of ['', '-', 'a b', 'käse', 'a-']) {
      const answer = await client.ask(apiVersions, 3, {
        clientSoftwareName: name,
        clientSoftwareVersion: '1',
      })
      assert.equal(answer.errorCode, 42, name)
    }
    client.close()
  })

  test('unknown tagged fields are no fault', async () => {
    const client = await local.connect()
    const plain = requestBytes(metadata, 9, { topics: [] })
    // Header and message each end in an empty list of tagged fields; the last byte is that of the message.
    const tagged = Buffer.concat([
      plain.subarray(4, plain.length - 1),
      Buffer.from('01e4f60303abcdef', 'hex'),
    ])
    client.send(framed(tagged))
    assert.equal(readAnswer(metadata, 9, await client.frame()).brokers.length, 1)
    client.close()
  })

  test('a null client id is legal', async () => {
    const client = await local.connect()
    client.clientId = null
    await assertServes(client)
    client.close()
  })
})
