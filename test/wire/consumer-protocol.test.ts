// Subscriptions and assignments of classic members, byte for byte as Apache Kafka's own code writes them.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  consumerProtocolVersion,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../src/wire/consumer-protocol.ts'
import { DecodeError } from '../../src/wire/reader.ts'

const owned = [{ topic: 't', partitions: [0, 2] }]
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('a subscription in each version has the fields of that version', () => {
  const value = { topics: ['t', 'u'], userData: null, ownedPartitions: owned, generationId: 7, rackId: 'r' }
  const topics = '00000002 0001 74 0001 75 ffffffff'
  const partitions = '00000001 0001 74 00000002 00000000 00000002'
  const bytes = [
    `0000 ${topics}`,
    `0001 ${topics} ${partitions}`,
    `0002 ${topics} ${partitions} 00000007`,
    `0003 ${topics} ${partitions} 00000007 0001 72`,
  ]
  for (const [version, text] of bytes.entries()) {
    assert.deepEqual(encodeSubscription(value, version), hex(text))
    assert.deepEqual(decodeSubscription(hex(text)), {
      ...value,
      ownedPartitions: version >= 1 ? owned : [],
      generationId: version >= 2 ? 7 : -1,
      rackId: version >= 3 ? 'r' : null,
    })
  }
})

test('an assignment comes back; no bytes are no partitions', () => {
  const bytes = encodeAssignment({ assignedPartitions: owned, userData: Buffer.from('x') }, 1)
  assert.deepEqual(bytes, hex('0001 00000001 0001 74 00000002 00000000 00000002 00000001 78'))
  assert.deepEqual(decodeAssignment(bytes), { assignedPartitions: owned, userData: Buffer.from('x') })
  assert.deepEqual(decodeAssignment(Buffer.alloc(0)), { assignedPartitions: [], userData: null })
})

test('a later version is read as the latest one known, whatever it added at the end', () => {
  const bytes = Buffer.concat([encodeSubscription({ topics: ['t'] }), Buffer.from('later')])
  bytes.writeInt16BE(9, 0)
  assert.deepEqual(decodeSubscription(bytes).topics, ['t'])
  assert.equal(consumerProtocolVersion(bytes), 3)
})

test('bytes that are no subscription are a DecodeError', () => {
  for (const text of [
    '',
    '00',
    'ffff',
    '0000',
    '0001 00000000 ffffffff',
    '0000 00000002 0001 74',
    '0003 7fffffff',
  ]) {
    assert.throws(() => decodeSubscription(hex(text)), DecodeError, text)
  }
})
