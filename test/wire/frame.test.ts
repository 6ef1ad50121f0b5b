// Frames, and a few messages whose bytes are known.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { apis, apiVersions, fetch, metadata, produce } from '../../src/wire/apis/index.ts'
import {
  decodeRequestHeader,
  decodeResponseHeader,
  encodeRequest,
  encodeResponse,
} from '../../src/wire/frame.ts'
import { DecodeError } from '../../src/wire/reader.ts'
import { flatten } from '../../src/wire/writer.ts'

const bytesOf = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')
const spaced = (bytes: Buffer) => bytes.toString('hex')

describe('known bytes', () => {
  test('ApiVersions 0: a frame of a bare header 1', () => {
    const frame = flatten(encodeRequest(apiVersions, 0, 1, 'kc', {}))
    assert.equal(spaced(frame), spaced(bytesOf('0000000c 0012 0000 00000001 0002 6b63')))
  })

  test('ApiVersions 3: header 2 with a plain client id, compact strings, tags', () => {
    const request = { clientSoftwareName: 'ab', clientSoftwareVersion: '1' }
    const frame = flatten(encodeRequest(apiVersions, 3, 1, null, request))
    assert.equal(spaced(frame), spaced(bytesOf('00000011 0012 0003 00000001 ffff 00 03 6162 02 31 00')))
  })

  test('ApiVersions is answered with header 0 also where it is flexible', () => {
    const response = { apiKeys: [{ apiKey: 18, minVersion: 0, maxVersion: 4 }], finalizedFeaturesEpoch: 2 }
    const frame = flatten(encodeResponse(apiVersions, 3, 7, response))
    const body = '0000 02 0012 0000 0004 00 00000000 01 01 08 0000000000000002'
    assert.equal(spaced(frame), spaced(bytesOf(`0000001d 00000007 ${body}`)))
    assert.equal(apiVersions.responseHeaderVersion(3), 0)
    assert.equal(metadata.responseHeaderVersion(9), 1)
  })

  test('Metadata 1: null topics means all, an empty list none', () => {
    const all = flatten(encodeRequest(metadata, 1, 2, '', { topics: null }))
    const none = flatten(encodeRequest(metadata, 1, 2, '', { topics: [] }))
    assert.equal(spaced(all), spaced(bytesOf('0000000e 0003 0001 00000002 0000 ffffffff')))
    assert.equal(spaced(none), spaced(bytesOf('0000000e 0003 0001 00000002 0000 00000000')))
  })

  test('Produce 9: records between their length and the tags', () => {
    const records = Buffer.from('abc')
    const topicData = [{ name: 'foo', partitionData: [{ index: 1, records }] }]
    const encoded = encodeRequest(produce, 9, 7, 'me', { acks: -1, timeoutMs: 1000, topicData })
    const head = '00000025 0000 0009 00000007 0002 6d65 00 00 ffff 000003e8 02 04 666f6f 02 00000001 04'
    assert.equal(spaced(flatten(encoded)), spaced(bytesOf(`${head} 616263 00 00 00`)))
    assert.equal(encoded.chunks[1], records)
  })
})

describe('headers', () => {
  test('what encodeRequest wrote, decodeRequestHeader reads, for every API and version', () => {
    for (const api of apis.values()) {
      for (let version = api.versions[0]; version <= api.advertised[1]; version++) {
        const frame = flatten(encodeRequest(api, version, 99, 'client', {} as never))
        const header = decodeRequestHeader(frame, 4, frame.length, (key) => apis.get(key))
        assert.equal(header.api, api)
        assert.deepEqual([header.key, header.version], [api.key, version])
        assert.deepEqual([header.correlationId, header.clientId], [99, 'client'])
        assert.doesNotThrow(() => api.request.decode(frame, header.bodyOffset, frame.length, version))
      }
    }
  })

  test('what encodeResponse wrote, decodeResponseHeader reads', () => {
    for (const version of [11, 12]) {
      const frame = flatten(encodeResponse(fetch, version, 99, { sessionId: 5 }))
      const headerVersion = fetch.responseHeaderVersion(version)
      const { correlationId, bodyOffset } = decodeResponseHeader(frame, 4, frame.length, headerVersion)
      assert.equal(correlationId, 99)
      assert.equal(fetch.response.decode(frame, bodyOffset, frame.length, version).sessionId, 5)
    }
  })

  test('an unknown key, an unknown or unstable version still gives key, version and correlation id', () => {
    for (const start of [
      '7abc 0000 00000005',
      '0012 0063 00000005',
      '0000 0002 00000005',
      '0016 0006 00000005',
    ]) {
      const bytes = bytesOf(start)
      const header = decodeRequestHeader(bytes, 0, bytes.length, (key) => apis.get(key))
      assert.equal(header.api, undefined)
      assert.equal(header.correlationId, 5)
      assert.equal(header.clientId, null)
    }
  })

  test('a header that ends early is a DecodeError', () => {
    const frame = flatten(encodeRequest(produce, 9, 7, 'me', {}))
    for (let size = 4; size < 17; size++) {
      assert.throws(() => decodeRequestHeader(frame, 4, size, (key) => apis.get(key)), DecodeError)
    }
  })
})
