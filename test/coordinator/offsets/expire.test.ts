// Old offsets go, and empty groups with them: when, and what keeps them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeRecord } from '../../../src/coordinator/group/records.ts'
import { errors } from '../../../src/wire/errors.ts'
import { MINUTE_MS, OffsetsShard } from './offsets-shard.ts'

const CHECK_MS = 600_000

/** Offsets are kept for an hour; looks for old ones every ten minutes, as by default. */
function started(settings: Readonly<Record<string, string>> = {}): OffsetsShard {
  const shard = new OffsetsShard({ 'offsets.retention.minutes': '60', ...settings })
  shard.restart()
  return shard
}

const minutes = (shard: OffsetsShard, count: number) => shard.advance(count * MINUTE_MS)

describe('offsets of clients that join no group', () => {
  test('go an hour after each was committed, the group with the last of them', () => {
    const shard = started()
    shard.offsetCommit('g', 't-0@1')
    minutes(shard, 25)
    shard.offsetCommit('g', 't-1@1')
    minutes(shard, 34)
    assert.equal(shard.offsetFetch('g'), 't-0@1 t-1@1')
    minutes(shard, 1)
    assert.equal(shard.offsetFetch('g'), 't-1@1')
    minutes(shard, 29)
    assert.ok(shard.machine.groups.get('g'))
    minutes(shard, 1)
    assert.equal(shard.machine.groups.get('g'), undefined)
    assert.deepEqual(
      shard.notes.map(({ kind }) => kind),
      ['created', 'offsets-expired', 'offsets-expired', 'deleted'],
    )
    shard.assertSameAfterReload()
    assert.equal(shard.reload().groups.get('g'), undefined)
  })

  test('start anew with each commit', () => {
    const shard = started()
    shard.offsetCommit('g', 't-0@1')
    for (let round = 0; round < 5; round++) {
      minutes(shard, 50)
      shard.offsetCommit('g', 't-0@1')
    }
    assert.equal(shard.offsetFetch('g'), 't-0@1')
  })
})

describe('a group with members', () => {
  test('keeps what they read for ever, and what nobody reads for an hour', () => {
    const shard = started()
    const group = shard.group('g')
    group.subscribed = ['t']
    shard.offsetCommit('g', 't-0@1 u-0@1')
    minutes(shard, 60)
    assert.equal(shard.offsetFetch('g'), 't-0@1')
    minutes(shard, 10_000)
    assert.equal(shard.offsetFetch('g'), 't-0@1')
  })

  test('keeps everything while it says so, as when it is rebalancing', () => {
    const shard = started()
    shard.group('g').expiry = { kind: 'never' }
    shard.offsetCommit('g', 't-0@1')
    minutes(shard, 1000)
    assert.equal(shard.offsetFetch('g'), 't-0@1')
  })

  test('stays without offsets', () => {
    const shard = started()
    shard.group('g')
    minutes(shard, 1000)
    assert.ok(shard.machine.groups.get('g'))
  })
})

describe('a group that lost its members', () => {
  test('keeps its offsets for an hour from then on, however old they are', () => {
    const shard = started()
    const group = shard.group('g')
    group.expiry = { kind: 'never' }
    shard.offsetCommit('g', 't-0@1')
    minutes(shard, 500)
    group.isEmpty = true
    group.expiry = { kind: 'since-empty', emptySinceMs: shard.nowMs }
    minutes(shard, 59)
    assert.equal(shard.offsetFetch('g'), 't-0@1')
    minutes(shard, 1)
    assert.equal(shard.machine.groups.get('g'), undefined)
  })

  test('keeps an offset that somebody set later for an hour from that', () => {
    const shard = started()
    const group = shard.group('g')
    group.isEmpty = true
    group.expiry = { kind: 'since-empty', emptySinceMs: shard.nowMs }
    shard.offsetCommit('g', 't-1@1')
    minutes(shard, 55)
    shard.offsetCommit('g', 't-0@1')
    minutes(shard, 59)
    assert.equal(shard.offsetFetch('g'), 't-0@1')
    minutes(shard, 10)
    assert.equal(shard.machine.groups.get('g'), undefined)
  })

  test('goes at once when it never had any', () => {
    const shard = started()
    shard.group('g').isEmpty = true
    minutes(shard, 10)
    assert.equal(shard.machine.groups.get('g'), undefined)
  })
})

describe('a transaction', () => {
  test('keeps the offset it is about to replace, and the group', () => {
    const shard = started()
    shard.offsetCommit('g', 't-0@1 t-1@1')
    shard.commitInTransaction(7, 'g', 't-0@2')
    minutes(shard, 100)
    assert.equal(shard.offsetFetch('g'), 't-0@1')
    shard.machine.endTransaction(7, false)
    minutes(shard, 10)
    assert.equal(shard.machine.groups.get('g'), undefined)
  })

  test('keeps a group that has nothing else', () => {
    const shard = started()
    shard.commitInTransaction(7, 'g', 't-0@2')
    minutes(shard, 100)
    assert.ok(shard.machine.groups.get('g'))
    shard.machine.endTransaction(7, false)
    minutes(shard, 10)
    assert.equal(shard.machine.groups.get('g'), undefined)
  })
})

test('a client that said how long to keep its offset is taken at its word, longer or shorter', () => {
  const shard = started()
  shard.offsetCommit('g', 't-0@1', { retentionTimeMs: 5 * MINUTE_MS })
  shard.offsetCommit('g', 't-1@1', { retentionTimeMs: 500 * MINUTE_MS })
  minutes(shard, 10)
  assert.equal(shard.offsetFetch('g'), 't-1@1')
  minutes(shard, 480)
  assert.equal(shard.offsetFetch('g'), 't-1@1')
  minutes(shard, 10)
  assert.equal(shard.machine.groups.get('g'), undefined)
})

test('offsets whose group is lost go an hour after each was committed', () => {
  const shard = started()
  shard.offsetCommit('g', 't-0@1')
  shard.machine.groups.delete('g')
  minutes(shard, 60)
  assert.equal(shard.machine.offsets.size, 0)
})

test('the check comes around again when it could not write', () => {
  const shard = started()
  shard.offsetCommit('g', 't-0@1')
  minutes(shard, 59)
  shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
  minutes(shard, 1)
  assert.equal(shard.offsetFetch('g'), 't-0@1')
  minutes(shard, 10)
  assert.equal(shard.machine.groups.get('g'), undefined)
})

test('any number of offsets goes, in as many batches as it takes', () => {
  const shard = started()
  const topic = 'x'.repeat(249)
  for (let group = 0; group < 3; group++) {
    const words = Array.from({ length: 2000 }, (_, partition) => `${topic}-${partition}@1`)
    shard.offsetCommit(`g${group}`, words.join(' '))
  }
  minutes(shard, 60)
  assert.equal(shard.machine.offsets.size, 0)
  assert.equal([...shard.machine.groups.all()].length, 0)
  assert.deepEqual([...shard.timers.values()], [CHECK_MS])
})

test('any number of groups goes, however long their names are, in as many batches as it takes', () => {
  const shard = started()
  for (let group = 0; group < 100; group++) {
    const groupId = String(group).padStart(30_000, 'g')
    shard.offsetCommit(groupId, 't-0@1')
    shard.offsetDelete(groupId, 't-0')
  }
  const from = shard.log.length
  minutes(shard, 9)
  assert.ok(shard.advanceToNextTimer())
  const batch = shard.log
    .slice(from)
    .reduce((bytes, { record }) => bytes + encodeRecord(record).key.length, 0)
  assert.ok(batch > 0 && batch < 2 ** 20, `${batch} bytes at once`)
  minutes(shard, 1)
  assert.equal([...shard.machine.groups.all()].length, 0)
})
