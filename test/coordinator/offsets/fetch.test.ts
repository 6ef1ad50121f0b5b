// OffsetFetch: what is told of a partition, of all of them, and while a transaction is open.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { fetchOffsets } from '../../../src/coordinator/group/offsets/fetch.ts'
import { errors, KafkaError } from '../../../src/wire/errors.ts'
import { ZERO_UUID } from '../../../src/wire/schema.ts'
import { fetchedText, OffsetsShard } from './offsets-shard.ts'

describe('what was never committed', () => {
  test('is -1 and no error, be it the partition, the topic or the group that is missing', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@5')
    assert.equal(shard.offsetFetch('g', 't-0 t-1 u-0'), 't-0@5 t-1@-1 u-0@-1')
    assert.equal(shard.offsetFetch('nobody', 't-0'), 't-0@-1')
    assert.equal(shard.offsetFetch('nobody'), '')
  })

  test('a group that is being asked for does not come to be by that', () => {
    const shard = new OffsetsShard()
    shard.offsetFetch('nobody', 't-0')
    assert.equal(shard.machine.groups.get('nobody'), undefined)
  })
})

test('all partitions come in their order, whatever the order of the commits', () => {
  const shard = new OffsetsShard()
  shard.offsetCommit('g', 't-9@9 t-1@1')
  shard.offsetCommit('g', 't-5@5 u-0@0')
  shard.offsetCommit('other', 't-3@3')
  assert.equal(shard.offsetFetch('g'), 't-1@1 t-5@5 t-9@9 u-0@0')
})

describe('a topic that was deleted and made anew', () => {
  const other = 'zzzzzzzzzzzzzzzzzzzzzA'
  const fetch = (shard: OffsetsShard, topicId: string) => {
    const topics = [{ name: 't', topicId, partitionIndexes: [0] }]
    const request = { groupId: 'g', memberId: null, memberEpoch: -1, requireStable: false, topics }
    return shard.run((machine) => fetchOffsets(machine, request)).answer.flatMap(fetchedText)
  }

  test('has none of the offsets of the old one', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@5')
    assert.deepEqual(fetch(shard, other), ['t-0@-1'])
  })

  test('is not told apart by those who do not know its id', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@5')
    assert.deepEqual(fetch(shard, ZERO_UUID), ['t-0@5'])
  })

  test('is not told apart where the record had no id', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@5', { retentionTimeMs: 1000 })
    shard.restart()
    assert.deepEqual(fetch(shard, other), ['t-0@5'])
  })
})

describe('while a transaction is open', () => {
  const stable = { requireStable: true }

  test('its offsets are not there yet, and those who insist on stable ones must come back', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@1 t-1@1')
    shard.commitInTransaction(7, 'g', 't-0@5 t-2@5')
    assert.equal(shard.offsetFetch('g', 't-0 t-1 t-2'), 't-0@1 t-1@1 t-2@-1')
    assert.equal(
      shard.offsetFetch('g', 't-0 t-1 t-2', stable),
      't-0@-1=UNSTABLE_OFFSET_COMMIT t-1@1 t-2@-1=UNSTABLE_OFFSET_COMMIT',
    )
    assert.equal(shard.offsetFetch('g', undefined, stable), 't-0@-1=UNSTABLE_OFFSET_COMMIT t-1@1')
  })

  test('they count from its commit on', () => {
    const shard = new OffsetsShard()
    shard.commitInTransaction(7, 'g', 't-0@5')
    shard.machine.endTransaction(7, true)
    assert.equal(shard.offsetFetch('g', 't-0', stable), 't-0@5')
  })

  test('they are gone when it is aborted', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@1')
    shard.commitInTransaction(7, 'g', 't-0@5 t-1@5')
    shard.machine.endTransaction(7, false)
    assert.equal(shard.offsetFetch('g', 't-0 t-1', stable), 't-0@1 t-1@-1')
    assert.equal(shard.machine.offsets.hasOpenTransactions('g'), false)
  })

  test('other transactions and groups go on', () => {
    const shard = new OffsetsShard()
    shard.commitInTransaction(7, 'g', 't-0@5')
    shard.commitInTransaction(8, 'g', 't-1@6')
    shard.commitInTransaction(7, 'h', 't-0@7')
    shard.machine.endTransaction(7, true)
    assert.equal(shard.offsetFetch('g', 't-0 t-1', stable), 't-0@5 t-1@-1=UNSTABLE_OFFSET_COMMIT')
    assert.equal(shard.offsetFetch('h', 't-0', stable), 't-0@7')
  })

  test('a later commit outside of it stays, whenever the transaction ends', () => {
    const shard = new OffsetsShard()
    shard.commitInTransaction(7, 'g', 't-0@5 t-1@5')
    shard.offsetCommit('g', 't-0@9')
    shard.machine.endTransaction(7, true)
    assert.equal(shard.offsetFetch('g'), 't-0@9 t-1@5')
  })

  test('it makes the group, too', () => {
    const shard = new OffsetsShard()
    shard.commitInTransaction(7, 'g', 't-0@5')
    assert.equal(shard.machine.groups.get('g')?.stateName, 'Empty')
  })
})

test('a group with epochs refuses as a whole', () => {
  const shard = new OffsetsShard()
  shard.group('g').refuse.fetch = new KafkaError(errors.STALE_MEMBER_EPOCH)
  assert.equal(shard.offsetFetch('g', 't-0', { memberId: 'm' }), 'STALE_MEMBER_EPOCH')
  assert.equal(shard.offsetFetch('g'), 'STALE_MEMBER_EPOCH')
})
