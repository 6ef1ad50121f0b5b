// Looking records up by time in batches that were made to be dear: how much is opened, and what is told instead.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Log } from '../../src/log/log.ts'
import { type SearchRoom, searchRoom } from '../../src/log/log-search.ts'
import * as batch from '../../src/wire/records/batch.ts'
import { codecs } from '../../src/wire/records/compression/index.ts'
import { appendAndWrite, batchOf, openLog, workshop } from './workshop.ts'

const NOW = 1_700_000_000_000
const MEGABYTE = 1_000_000

/** A few kilobytes of one record for each megabyte that they unfold to. */
function large(megabytes: number, maxTimestamp?: number): Buffer {
  const bytes = batchOf(Array(megabytes).fill(Buffer.alloc(MEGABYTE)), {
    compression: codecs.gzip,
    timestamp: NOW,
  })
  if (maxTimestamp !== undefined) {
    batch.setMaxTimestamp(bytes, 0, maxTimestamp)
    batch.writeCrc(bytes, 0)
  }
  return bytes
}

function logOf(...batches: readonly Buffer[]): Log {
  const log = openLog(workshop())
  for (const bytes of batches) appendAndWrite(log, bytes)
  return log
}

const opened = (room: SearchRoom) => Math.round((searchRoom().bytes - room.bytes) / MEGABYTE)

describe('a lookup by time', () => {
  test('finds the record itself, and counts what it opened', () => {
    const room = searchRoom()
    assert.equal(logOf(large(3)).offsetForTimestamp(NOW + 2, room)?.offset, 2)
    assert.equal(opened(room), 3)
  })

  test('takes the header’s word instead of opening one batch after the other that breaks it', () => {
    const log = logOf(...Array.from({ length: 10 }, () => large(2, NOW + 3000)))
    const room = searchRoom()
    assert.deepEqual(log.offsetForTimestamp(NOW + 2000, room), {
      timestamp: NOW + 3000,
      offset: 0,
      leaderEpoch: 0,
    })
    assert.equal(opened(room), 2)
  })

  test('tells the first offset of a batch that would unfold to more than 64 MiB', () => {
    const log = logOf(batchOf(['x'], { timestamp: NOW - 1000 }), large(70))
    assert.equal(log.offsetForTimestamp(NOW + 7)?.offset, 1)
    assert.equal(log.offsetOfMaxTimestamp()?.offset, 1)
  })

  test('opens nothing more once the request has had its share', () => {
    const log = logOf(large(3))
    const room = { bytes: 4 * MEGABYTE }
    const offsets = [1, 2, 3].map(() => log.offsetForTimestamp(NOW + 2, room)?.offset)
    assert.deepEqual(offsets, [2, 2, 0])
    assert.ok(room.bytes < 0 && room.bytes > -3 * MEGABYTE)
  })
})
