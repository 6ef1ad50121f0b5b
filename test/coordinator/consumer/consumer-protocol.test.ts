// The bytes that members of classic groups of consumers exchange.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  consumerProtocolVersion,
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
} from '../../../src/coordinator/group/consumer-protocol.ts'
import { DecodeError } from '../../../src/wire/reader.ts'

const subscription = {
  topics: ['t', 'u'],
  userData: Buffer.of(1, 2),
  ownedPartitions: [{ topic: 't', partitions: [0, 5] }],
  generationId: 7,
  rackId: 'r',
}

describe('a subscription', () => {
  test('is what the definitions of Apache Kafka say, byte by byte', () => {
    const hex = (version: number) =>
      encodeSubscription({ ...subscription, topics: ['t'] }, version).toString('hex')
    const topics = '00000001' + '000174'
    const userData = '00000002' + '0102'
    const owned = '00000001' + '000174' + '00000002' + '00000000' + '00000005'
    assert.equal(hex(0), `0000${topics}${userData}`)
    assert.equal(hex(1), `0001${topics}${userData}${owned}`)
    assert.equal(hex(2), `0002${topics}${userData}${owned}00000007`)
    assert.equal(hex(3), `0003${topics}${userData}${owned}00000007000172`)
  })

  test('of an older version has defaults for what it cannot say', () => {
    const { ownedPartitions, generationId, rackId } = decodeSubscription(encodeSubscription(subscription, 0))
    assert.deepEqual([ownedPartitions, generationId, rackId], [[], -1, null])
    assert.deepEqual(decodeSubscription(encodeSubscription(subscription, 3)), subscription)
    assert.equal(
      decodeSubscription(encodeSubscription({ ...subscription, userData: null }, 3)).userData,
      null,
    )
  })

  test('of a later version is read as the newest known one, whatever follows', () => {
    const later = Buffer.concat([encodeSubscription(subscription, 3), Buffer.of(9, 9, 9)])
    later.writeInt16BE(4)
    assert.deepEqual(decodeSubscription(later), subscription)
    assert.equal(consumerProtocolVersion(later), 3)
  })
})

test('an assignment is what the definitions of Apache Kafka say, in every version', () => {
  const assignedPartitions = [{ topic: 't', partitions: [3] }]
  for (const version of [0, 1, 2, 3]) {
    const encoded = encodeAssignment({ assignedPartitions }, version)
    assert.equal(encoded.toString('hex'), `000${version}00000001000174000000010000000${3}ffffffff`)
    assert.deepEqual(decodeAssignment(encoded), { assignedPartitions, userData: null })
  }
})

test('damaged bytes are a DecodeError', () => {
  for (const bytes of [
    [],
    [0],
    [255, 255],
    [0, 0],
    [0, 0, 0, 0, 0, 9],
    [0, 1, 0, 0, 0, 0, 255, 255, 255, 255],
  ]) {
    assert.throws(() => decodeSubscription(Buffer.from(bytes)), DecodeError, String(bytes))
  }
})
