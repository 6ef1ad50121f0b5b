// The bytes of __consumer_offsets: bytes of Apache Kafka 4.3, every version of every record, damaged and unknown ones.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  decodeRecord,
  encodeRecord,
  type GroupRecord,
  type GroupRecordType,
  groupIdOf,
  groupRecordKinds,
} from '../../src/coordinator/group/records.ts'
import type { Message } from '../../src/wire/api.ts'
import { flatten, Writer } from '../../src/wire/writer.ts'
import { arbitraryValue } from '../wire/arbitrary.ts'

const types = Object.keys(groupRecordKinds) as GroupRecordType[]

const hex = (text: string) => Buffer.from(text.replaceAll(/[\s|]/g, ''), 'hex')

const offsetCommit: GroupRecord = {
  type: 'OffsetCommit',
  key: { group: 'g', topic: 'tea', partition: 3 },
  value: {
    offset: 258,
    leaderEpoch: 5,
    metadata: 'm',
    commitTimestamp: 1_700_000_000_000,
    expireTimestamp: -1,
    topicId: 'AAAAAAAAAAAAAAAAAAAAAQ',
  },
}

function bytesOf(schema: Message, prefix: number, value: unknown, version: number): Buffer {
  const writer = new Writer()
  writer.int16(prefix)
  schema.encode(writer, value as never, version)
  return flatten(writer.finish())
}

/** Decodes bytes that have to be a record. */
function decode(key: Buffer, value: Buffer | null): GroupRecord {
  const record = decodeRecord(key, value, (problem) => assert.fail(problem))
  assert.ok(record, 'a known type')
  return record
}

/** What is reported of bytes that are damaged. */
function damageOf(key: Buffer, value: Buffer | null): string {
  const problems: string[] = []
  assert.equal(
    decodeRecord(key, value, (problem) => problems.push(problem)),
    undefined,
  )
  assert.equal(problems.length, 1)
  return problems[0]!
}

describe('what is written', () => {
  test('an offset is a value of version 4', () => {
    const { key, value } = encodeRecord(offsetCommit)
    assert.deepEqual(key, hex('0001 | 0001 67 | 0003 746561 | 00000003'))
    const fixed = '0004 | 0000000000000102 | 00000005 | 02 6d | 0000018bcfe56800'
    assert.deepEqual(value, hex(`${fixed} | 01 00 10 00000000000000000000000000000001`))
  })

  test('an offset that expires at a time of its own is a value of version 1', () => {
    const expiring = { ...offsetCommit, value: { ...offsetCommit.value!, expireTimestamp: 1 } }
    const { key, value } = encodeRecord(expiring as GroupRecord)
    assert.deepEqual(value, hex('0001 | 0000000000000102 | 0001 6d | 0000018bcfe56800 | 0000000000000001'))
    const read = decode(key, value)
    assert.deepEqual(read.value, { ...expiring.value, leaderEpoch: -1, topicId: 'AAAAAAAAAAAAAAAAAAAAAA' })
  })

  test('a classic group is a value of version 3', () => {
    const { key, value } = encodeRecord({
      type: 'GroupMetadata',
      key: { group: 'g' },
      value: {
        protocolType: 'consumer',
        generation: 7,
        protocol: 'range',
        leader: null,
        currentStateTimestamp: 9,
        members: [
          {
            memberId: 'm',
            groupInstanceId: 'i',
            clientId: 'c',
            clientHost: '/h',
            rebalanceTimeout: 1,
            sessionTimeout: 2,
            subscription: Buffer.from('s'),
            assignment: Buffer.alloc(0),
          },
        ],
      },
    })
    assert.deepEqual(key, hex('0002 0001 67'))
    const member = '0001 6d | 0001 69 | 0001 63 | 0002 2f68 | 00000001 | 00000002 | 00000001 73 | 00000000'
    const group = '0008 636f6e73756d6572 | 00000007 | 0005 72616e6765 | ffff | 0000000000000009'
    assert.deepEqual(value, hex(`0003 | ${group} | 00000001 ${member}`))
  })

  test('everything of consumer groups is a value of version 0', () => {
    const { key, value } = encodeRecord({
      type: 'ConsumerGroupCurrentMemberAssignment',
      key: { groupId: 'g', memberId: 'm' },
      value: {
        memberEpoch: 2,
        previousMemberEpoch: 1,
        state: 1,
        assignedPartitions: [
          { topicId: 'AAAAAAAAAAAAAAAAAAAAAQ', partitions: [4], assignmentEpochs: [2] },
          { topicId: 'AAAAAAAAAAAAAAAAAAAAAg', partitions: [], assignmentEpochs: [] },
        ],
        partitionsPendingRevocation: [],
      },
    })
    assert.deepEqual(key, hex('0008 0001 67 0001 6d'))
    const first = '00000000000000000000000000000001 02 00000004 | 01 00 05 02 00000002'
    const second = '00000000000000000000000000000002 01 | 00'
    assert.deepEqual(value, hex(`0000 | 00000002 00000001 01 | 03 ${first} ${second} | 01 | 00`))
  })

  test('that a member does not speak the classic protocol is said in so many bytes', () => {
    const value = {
      instanceId: null,
      rackId: null,
      clientId: 'c',
      clientHost: '/h',
      subscribedTopicNames: ['t'],
      subscribedTopicRegex: null,
      rebalanceTimeoutMs: 1,
      serverAssignor: null,
      classicMemberMetadata: null,
    }
    const key = { groupId: 'g', memberId: 'm' }
    const bytes = encodeRecord({ type: 'ConsumerGroupMemberMetadata', key, value })
    const fields = '00 00 | 02 63 | 03 2f68 | 02 02 74 | 00 | 00000001 | 00'
    assert.deepEqual(bytes.value, hex(`0000 | ${fields} | 01 00 01 00`))
    assert.deepEqual(decode(bytes.key, bytes.value).value, value)
  })

  test('a tombstone has a key and no value', () => {
    const key = { groupId: 'g', regularExpression: 'a.*' }
    const record = encodeRecord({ type: 'ConsumerGroupRegularExpression', key, value: null })
    assert.deepEqual(record, { key: hex('0010 0001 67 0003 612e2a'), value: null })
  })

  test('the numbers of the types are those of Kafka', () => {
    assert.deepEqual(
      types.map((type) => groupRecordKinds[type].keyType),
      [1, 2, 3, 4, 5, 6, 7, 8, 16],
    )
  })
})

describe('what is read', () => {
  for (const type of types) {
    const { keyType, key, value } = groupRecordKinds[type]
    for (let version = value.versions[0]; version <= value.versions[1]; version++) {
      test(`${type}, values of version ${version}`, () => {
        fc.assert(
          fc.property(arbitraryValue(key, 0), arbitraryValue(value, version), (someKey, someValue) => {
            const bytes = bytesOf(value, version, someValue, version)
            const read = decode(bytesOf(key, keyType, someKey, 0), bytes)
            // What was read must not change with the memory it was read from.
            bytes.fill(0xff)
            assert.deepEqual(read, { type, key: someKey, value: someValue })
          }),
          { numRuns: 60 },
        )
      })
    }
  }

  test('what was written is read as it was, tombstones too', () => {
    const anyRecord = fc.oneof(
      ...types.map((type) => {
        const { key, value } = groupRecordKinds[type]
        const values = fc.option(arbitraryValue(value, value.versions[1]))
        return fc.record({ type: fc.constant(type), key: arbitraryValue(key, 0), value: values })
      }),
    )
    fc.assert(
      fc.property(anyRecord, (record) => {
        const given = record as GroupRecord
        const { key, value } = encodeRecord(given)
        assert.deepEqual({ ...decode(key, value) }, { ...given })
      }),
      { numRuns: 300 },
    )
  })

  test('the key type of clients before Kafka 0.9 is an offset too', () => {
    const { key } = encodeRecord(offsetCommit)
    key.writeInt16BE(0)
    const value = hex('0000 | 0000000000000102 | 0001 6d | 0000018bcfe56800')
    const read = decode(key, value)
    assert.equal(read.type, 'OffsetCommit')
    assert.deepEqual(read.key, offsetCommit.key)
    assert.equal(read.type === 'OffsetCommit' && read.value?.offset, 258)
  })

  test('the group of each type is in its key', () => {
    for (const type of types) {
      const { keyType, key } = groupRecordKinds[type]
      const fields = { group: 'mine', groupId: 'mine', topic: 't', memberId: 'm', regularExpression: 'r' }
      assert.equal(groupIdOf(decode(bytesOf(key, keyType, fields, 0), null)), 'mine')
    }
  })
})

describe('what is passed over', () => {
  test('key types of share groups, streams groups and later versions: in silence', () => {
    for (const keyType of [9, 10, 11, 12, 13, 14, 15, 17, 18, 19, 20, 21, 22, 23, 99, -1]) {
      const key = Buffer.from([keyType >> 8, keyType & 0xff, 0, 1, 0x67])
      assert.equal(
        decodeRecord(key, Buffer.alloc(8), (problem) => assert.fail(problem)),
        undefined,
      )
    }
  })

  test('damaged bytes: with a report of what is wrong', () => {
    const { key, value } = encodeRecord(offsetCommit)
    assert.match(damageOf(key.subarray(0, 1), value), /key of 1 bytes/)
    assert.match(
      damageOf(key.subarray(0, 8), value),
      /OffsetCommit: OffsetCommitKey\.topic@\d+: needs 3 bytes/,
    )
    assert.match(damageOf(key, value!.subarray(0, 1)), /OffsetCommit: a value of 1 bytes/)
    assert.match(damageOf(key, value!.subarray(0, 20)), /OffsetCommit: OffsetCommitValue\.\w+@\d+/)
    assert.match(damageOf(key, hex('0005 00')), /versions 0 to 4, this one 5/)
    assert.match(damageOf(key, hex('ffff 00')), /versions 0 to 4, this one -1/)
  })

  test('any bytes at all are a record, passed over or reported, and never thrown', () => {
    const someType = fc.constantFrom(...types.map((type) => groupRecordKinds[type].keyType), 0, 12)
    const someBytes = fc.uint8Array({ maxLength: 60 })
    fc.assert(
      fc.property(
        someType,
        someBytes,
        fc.integer({ min: 0, max: 4 }),
        someBytes,
        (type, key, version, value) => {
          decodeRecord(Buffer.from([0, type, ...key]), Buffer.from([0, version, ...value]))
        },
      ),
      { numRuns: 2000 },
    )
  })
})
