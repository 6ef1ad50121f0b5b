// OffsetDelete, DeleteGroups, and what a deleted topic leaves behind.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { topicsDeleted } from '../../../src/coordinator/group/offsets/delete.ts'
import { errors, KafkaError } from '../../../src/wire/errors.ts'
import { OffsetsShard, requestOf, topicIds } from './offsets-shard.ts'

describe('OffsetDelete', () => {
  test('deletes what is there and says nothing of what is not', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@5 t-1@7 u-0@1')
    const before = shard.records.length
    assert.equal(shard.offsetDelete('g', 't-0 t-9 u-0'), 't-0 t-9 u-0')
    assert.equal(shard.records.length - before, 2, 'tombstones only for what is there')
    assert.equal(shard.offsetFetch('g'), 't-1@7')
    shard.assertSameAfterReload()
  })

  test('leaves alone what members read', () => {
    const shard = new OffsetsShard()
    const group = shard.group('g')
    group.subscribed = ['t']
    shard.offsetCommit('g', 't-0@5 u-0@1')
    assert.equal(shard.offsetDelete('g', 't-0 u-0'), 't-0=GROUP_SUBSCRIBED_TO_TOPIC u-0')
    assert.equal(shard.offsetFetch('g'), 't-0@5')
  })

  test('takes away what a transaction holds: it does not come to light when that commits', () => {
    const shard = new OffsetsShard()
    shard.commitInTransaction(7, 'g', 't-0@5 t-1@5')
    assert.equal(shard.offsetDelete('g', 't-0'), 't-0')
    shard.machine.endTransaction(7, true)
    assert.equal(shard.offsetFetch('g'), 't-1@5')
  })

  test('of a group that is not there: GROUP_ID_NOT_FOUND', () => {
    assert.equal(new OffsetsShard().offsetDelete('g', 't-0'), 'GROUP_ID_NOT_FOUND')
  })

  test('is refused by a group with members that are no consumers', () => {
    const shard = new OffsetsShard()
    shard.group('g').refuse.offsetDelete = new KafkaError(errors.NON_EMPTY_GROUP)
    assert.equal(shard.offsetDelete('g', 't-0'), 'NON_EMPTY_GROUP')
  })
})

describe('DeleteGroups', () => {
  test('deletes the group, its offsets and those that transactions hold', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@5 t-1@7 u-0@1')
    shard.offsetCommit('other', 't-0@5')
    shard.commitInTransaction(7, 'g', 't-0@6 t-2@6')
    const before = shard.records.length
    assert.equal(shard.deleteGroup('g').answer.errorCode, 0)
    assert.equal(shard.records.length - before, 5, 'one for each partition, one for the group')
    assert.equal(shard.machine.groups.get('g'), undefined)
    shard.machine.endTransaction(7, true)
    assert.equal(shard.machine.offsets.hasGroup('g'), false)
    assert.equal(shard.offsetFetch('other'), 't-0@5')
    assert.equal(shard.deleteGroup('g').answer.errorCode, errors.GROUP_ID_NOT_FOUND.code)
    assert.equal(shard.reload().groups.get('g'), undefined)
  })

  test('leaves a group with members alone', () => {
    const shard = new OffsetsShard()
    shard.group('g').refuse.delete = new KafkaError(errors.NON_EMPTY_GROUP)
    shard.offsetCommit('g', 't-0@5')
    assert.equal(shard.deleteGroup('g').answer.errorCode, errors.NON_EMPTY_GROUP.code)
    assert.equal(shard.offsetFetch('g'), 't-0@5')
  })

  /** 3,000 tombstones of some 400 bytes: more than one batch of 1 MiB is allowed to be half full with. */
  const manyOffsets = (shard: OffsetsShard, first = 0) => {
    const topic = 'x'.repeat(249)
    const words = Array.from({ length: 3000 }, (_, i) => `${topic}-${first + i}@1`)
    shard.offsetCommit('g', words.join(' '))
  }

  test('deletes any number of offsets, in as many batches as it takes', () => {
    const shard = new OffsetsShard()
    manyOffsets(shard)
    const call = shard.deleteGroup('g')
    assert.equal(call.isAnswered, false)
    shard.advance(0)
    assert.equal(call.answer.errorCode, 0)
    assert.equal(shard.machine.offsets.size, 0)
    assert.equal(shard.machine.groups.get('g'), undefined)
  })

  test('stops when somebody joins between two batches', () => {
    const shard = new OffsetsShard()
    manyOffsets(shard)
    const call = shard.deleteGroup('g')
    shard.group('g').refuse.delete = new KafkaError(errors.NON_EMPTY_GROUP)
    shard.advance(0)
    assert.equal(call.answer.errorCode, errors.NON_EMPTY_GROUP.code)
  })

  test('by two clients at the same time: each is answered', () => {
    const shard = new OffsetsShard()
    manyOffsets(shard)
    manyOffsets(shard, 3000)
    const calls = [shard.deleteGroup('g'), shard.deleteGroup('g')]
    shard.advance(0)
    assert.deepEqual(
      calls.map(({ answer }) => answer.errorCode),
      [0, 0],
    )
    assert.equal(shard.machine.groups.get('g'), undefined)
  })

  test('answers when a later batch cannot be written', () => {
    const shard = new OffsetsShard()
    manyOffsets(shard)
    const call = shard.deleteGroup('g')
    shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    shard.advance(0)
    assert.equal(call.answer.errorCode, errors.COORDINATOR_NOT_AVAILABLE.code)
    assert.ok(shard.machine.offsets.size > 0)
  })
})

describe('a deleted topic', () => {
  const deleteTopic = (shard: OffsetsShard, name: string, id = topicIds[name]!) =>
    shard.run((machine, step) => topicsDeleted(machine, [{ name, id }], step, machine.surroundings))

  test('takes its offsets along, of all groups and of open transactions', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@5 u-0@1')
    shard.offsetCommit('h', 't-0@5')
    shard.commitInTransaction(7, 'h', 't-0@6 t-1@6 u-1@6')
    deleteTopic(shard, 't')
    assert.equal(shard.offsetFetch('g'), 'u-0@1')
    assert.equal(shard.offsetFetch('h'), '')
    shard.machine.endTransaction(7, true)
    assert.equal(shard.offsetFetch('h'), 'u-1@6')
    assert.ok(shard.machine.groups.get('h'), 'the group stays')
  })

  test('leaves the offsets of a newer topic of its name', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@5')
    deleteTopic(shard, 't', 'oldoldoldoldoldoldoldA')
    assert.equal(shard.offsetFetch('g'), 't-0@5')
  })

  test('takes offsets along whose topic nobody noted', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 'nameless-0@5')
    deleteTopic(shard, 'nameless', 'anyanyanyanyanyanyanyA')
    assert.equal(shard.offsetFetch('g'), '')
  })

  test('is forgotten in as many batches as it takes, and again when one fails', () => {
    const shard = new OffsetsShard()
    for (const group of Array.from({ length: 200 }, (_, i) => `${'g'.repeat(2000)}${i}`)) {
      shard.offsetCommit(group, Array.from({ length: 5 }, (_, p) => `t-${p}@1`).join(' '))
    }
    shard.failNextAppend(errors.NOT_ENOUGH_REPLICAS)
    deleteTopic(shard, 't')
    assert.equal(shard.machine.offsets.size, 1000)
    shard.advance(5000)
    assert.equal(shard.machine.offsets.size, 0)
    assert.deepEqual([...shard.timers.keys()], [])
  })
})

test('a request may name a partition twice', () => {
  const shard = new OffsetsShard()
  const request = requestOf('g', 't-0@5 t-0@6')
  assert.equal(request.topics[0]!.partitions.length, 2)
  assert.equal(shard.offsetCommit('g', 't-0@5 t-0@6'), 't-0 t-0')
  assert.equal(shard.offsetFetch('g'), 't-0@6')
  assert.equal(shard.offsetDelete('g', 't-0 t-0'), 't-0 t-0')
  assert.equal(shard.offsetFetch('g'), '')
  shard.assertSameAfterReload()
})
