// From bytes to a handler and back: what is not understood, what is answered in another version, and whose memory it is.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { servedApis, UnsupportedRequestError } from '../../src/api/dispatch.ts'
import { handlers, ownHandlers } from '../../src/api/handlers.ts'
import { apiVersions } from '../../src/wire/apis/api-versions.ts'
import { listOffsets } from '../../src/wire/apis/list-offsets.ts'
import { produce } from '../../src/wire/apis/produce.ts'
import { DecodeError } from '../../src/wire/reader.ts'
import { topicImage } from '../partition/stage.ts'
import { batchOf, fetchFrom, recordsIn, valuesOf } from '../support/calls.ts'
import { framed, requestBytes } from '../support/raw-client.ts'
import { DataBroker } from './data-broker.ts'

function header(key: number, version: number, rest = ''): Buffer {
  const bytes = Buffer.alloc(10)
  bytes.writeInt16BE(key, 0)
  bytes.writeInt16BE(version, 2)
  bytes.writeInt32BE(7, 4)
  bytes.writeInt16BE(-1, 8)
  return framed(Buffer.concat([bytes, Buffer.from(rest, 'hex')]))
}

describe('Dispatcher', () => {
  test('throws for keys and versions that are not served, naming them', () => {
    const broker = new DataBroker()
    for (const [key, version] of [
      [9999, 0],
      [-1, 0],
      [0, 2],
      [0, 14],
      [1, 3],
      [24, 0],
      [3, 99],
    ]) {
      assert.throws(
        () => broker.dispatch(header(key!, version!, '00'.repeat(50))),
        (error: Error) =>
          error instanceof UnsupportedRequestError && error.message.includes(`API ${key} version ${version}`),
      )
    }
  })

  test('throws a DecodeError that says where, for a message it cannot read', () => {
    const broker = new DataBroker()
    assert.throws(
      () => broker.dispatch(header(2, 1, 'ffff')),
      (error: Error) => {
        assert.ok(error instanceof DecodeError)
        assert.match(error.message, /ListOffsets/)
        return true
      },
    )
  })

  test('our own APIs are served under keys outside the range of Kafka, and not advertised', () => {
    const told = new Set(servedApis().map(({ apiKey }) => apiKey))
    assert.ok(ownHandlers.length > 0)
    const broker = new DataBroker()
    for (const { api } of ownHandlers) {
      assert.ok(api.key >= 20_000 && !told.has(api.key), api.name)
      const unknown = api.advertised[1] + 1
      assert.throws(() => broker.dispatch(header(api.key, unknown)), UnsupportedRequestError)
      // Found, and refused only because there is nothing behind the header.
      assert.throws(() => broker.dispatch(header(api.key, 0)), DecodeError)
    }
  })

  test('advertises every handler and ApiVersions itself, each once, in order of the keys', () => {
    const keys = servedApis().map(({ apiKey }) => apiKey)
    assert.deepEqual(
      keys,
      [...keys].sort((a, b) => a - b),
    )
    assert.deepEqual(new Set(keys), new Set([apiVersions.key, ...handlers.map(({ api }) => api.key)]))
    assert.equal(keys.length, new Set(keys).size)
    const produced = servedApis().find(({ apiKey }) => apiKey === produce.key)
    assert.deepEqual(produced, { apiKey: 0, minVersion: 0, maxVersion: 13 })
  })

  test('takes nothing from a request’s memory that it needs later', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('topic'))
    const records = batchOf(['kept'], { timestamp: broker.clock.wallMs() })
    const topicData = [{ name: 'topic', partitionData: [{ index: 0, records }] }]
    // Every answer below is made after the memory of its request was spoilt (see data-broker.ts).
    const produced = broker.start(produce, 8, { acks: -1, timeoutMs: 1000, topicData })
    const waiting = broker.start(listOffsets, 5, {
      replicaId: -1,
      topics: [{ name: 'topic', partitions: [{ partitionIndex: 0, timestamp: -1 }] }],
    })
    await broker.endTurn()
    const [answer] = (await produced).responses
    assert.deepEqual([answer!.name, answer!.partitionResponses[0]!.errorCode], ['topic', 0])
    assert.equal((await waiting).topics[0]!.name, 'topic')
    const fetched = await fetchFrom(broker, 'topic', 0)
    assert.deepEqual(valuesOf(recordsIn(fetched.records)), ['kept'])
  })

  test('answers acks = 0 with nothing', async () => {
    const broker = new DataBroker()
    broker.put(topicImage('topic'))
    const records = batchOf(['quiet'], { timestamp: broker.clock.wallMs() })
    const topicData = [{ name: 'topic', partitionData: [{ index: 0, records }] }]
    const outcome = broker.dispatch(requestBytes(produce, 8, { acks: 0, timeoutMs: 1000, topicData }))
    await broker.endTurn()
    assert.equal(await outcome, undefined)
    assert.equal((await fetchFrom(broker, 'topic', 0)).highWatermark, 1)
  })
})

describe('ApiVersions', () => {
  test('of a version that is not known yet is answered in version 0, with the one entry that helps', async () => {
    const broker = new DataBroker()
    for (const version of [5, 6, 100]) {
      const encoded = await broker.dispatch(header(18, version, 'beef'))
      const bytes = Buffer.concat(encoded!.chunks as Buffer[])
      assert.equal(bytes.subarray(4).toString('hex'), '00000007' + '0023' + '00000001' + '001200000004')
    }
  })

  test('asks software for a name and a version it can have, from version 3 on', async () => {
    const broker = new DataBroker()
    const ask = async (clientSoftwareName: string, clientSoftwareVersion = '1.0', version = 3) =>
      (await broker.ask(apiVersions, version, { clientSoftwareName, clientSoftwareVersion })).errorCode
    for (const name of ['a', 'apache-kafka-java', 'x.y-z9', 'A1']) assert.equal(await ask(name), 0, name)
    for (const name of ['', '-a', 'a-', '.', 'a b', 'ä', 'a_b', 'a\n'])
      assert.equal(await ask(name), 42, name)
    assert.equal(await ask('fine', 'not fine!'), 42)
    assert.equal(await ask('', '', 2), 0)
  })
})
