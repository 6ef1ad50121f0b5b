// Partitions and members in short words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TimelineEvent } from '../../../src/cli/client/group-admin.ts'
import { newEvents } from '../../../src/cli/groups/explain.ts'
import { partitionsText, rangesText, shortMemberId, topicChoices } from '../../../src/cli/groups/names.ts'

test('partitions are told as ranges, in the form that --topic takes', () => {
  assert.equal(rangesText([5, 0, 2, 1]), '0-2,5')
  assert.equal(partitionsText([]), '-')
  const partitions = [0, 1, 3].map((partition) => ({ topic: 'orders', partition }))
  assert.equal(partitionsText([...partitions, { topic: 'b', partition: 9 }]), 'orders:0-1,3 b:9')
  assert.deepEqual(topicChoices('orders:0-1,3'), [{ topic: 'orders', partitions: [0, 1, 3] }])
  assert.deepEqual(topicChoices('orders', topicChoices('b:9')), [
    { topic: 'b', partitions: [9] },
    { topic: 'orders', partitions: undefined },
  ])
  for (const text of ['', ':1', 'orders:', 'orders:x', 'orders:3-1']) {
    assert.throws(() => topicChoices(text), /expected/, text)
  }
})

test('of a member id with a UUID the first part is enough for people', () => {
  assert.equal(shortMemberId('app-1235e075-1e3e-46ff-ae92-a01387aaf484'), 'app-1235e075')
  assert.equal(shortMemberId('Dum5kxBN9tvc1W3GcpyggA'), 'Dum5kxBN9tvc1W3GcpyggA')
})

test('new events are those behind the ones known, though old ones drop out and some are alike', () => {
  const event = (atMs: number): TimelineEvent => ({
    atMs,
    kind: 'created',
    generation: 0,
    memberId: null,
    groupInstanceId: null,
    clientId: null,
    clientHost: null,
    reason: '',
  })
  const of = (...times: number[]) => times.map(event)
  const times = (events: readonly TimelineEvent[]) => events.map(({ atMs }) => atMs)
  assert.deepEqual(times(newEvents(of(1, 2), of(1, 2, 3))), [3])
  assert.deepEqual(times(newEvents(of(1, 2), of(1, 2))), [])
  assert.deepEqual(times(newEvents(of(1, 2, 3), of(2, 3, 4, 5))), [4, 5])
  assert.deepEqual(times(newEvents(of(1, 1), of(1, 1, 1))), [1])
  assert.deepEqual(times(newEvents([], of(1))), [1])
  assert.deepEqual(times(newEvents(of(1, 2), of(7, 8))), [7, 8])
})
