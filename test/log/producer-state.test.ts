// Who may append what after what (KIP-98, KIP-360): each row is a story, `epoch:first-last` is a batch of a producer.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Log } from '../../src/log/log.ts'
import { ProducerEntry } from '../../src/log/producer-entry.ts'
import { parseSnapshot, snapshotToBytes } from '../../src/log/producer-snapshot.ts'
import { KafkaError } from '../../src/wire/errors.ts'
import { buildEndTransactionMarker } from '../../src/wire/records/build.ts'
import {
  appendAndWrite,
  batchOf,
  DIRECTORY,
  openLog,
  restarted,
  type Workshop,
  workshop,
} from './workshop.ts'

const PRODUCER = 1000
const LAST = 2_147_483_647

interface Options {
  readonly transactional?: boolean
  readonly producerId?: number
  readonly timestamp?: number
}

/** The batch `epoch:first-last`. */
function batchFrom(text: string, options: Options = {}): Buffer {
  const [epoch, first, last] = text.split(/[:-]/).map(Number)
  const count = (last! - first! + 1 + 2 ** 31) % 2 ** 31
  return batchOf(
    Array.from({ length: count }, () => 'v'),
    { producerId: PRODUCER, producerEpoch: epoch, baseSequence: first, ...options },
  )
}

function marker(
  kind: 'commit' | 'abort',
  epoch: number,
  coordinatorEpoch = 0,
  producerId = PRODUCER,
): Buffer {
  const isCommit = kind === 'commit'
  return buildEndTransactionMarker({
    isCommit,
    producerId,
    producerEpoch: epoch,
    coordinatorEpoch,
    timestamp: 1_700_000_000_000,
  })
}

function tell(log: Log, part: string): string {
  const [what, transactional] = part.split(' ')
  try {
    if (what === 'commit' || what === 'abort') {
      const [epoch, coordinatorEpoch] = (transactional ?? '0').split('/').map(Number)
      const bytes = marker(what, epoch!, coordinatorEpoch)
      return String(log.append(bytes, { origin: 'coordinator', leaderEpoch: 0, retain: false }).baseOffset)
    }
    const bytes = batchFrom(what!, { transactional: transactional === 'tx' })
    const result = log.append(bytes, { origin: 'client', leaderEpoch: 0, retain: false })
    return `${result.baseOffset}${result.duplicate ? '=' : ''}`
  } catch (error) {
    if (error instanceof KafkaError) return error.error.name
    throw error
  }
}

const ORDER = 'OUT_OF_ORDER_SEQUENCE_NUMBER'

// Each line: what the producer does -> base offset ("=" for a repetition) or error.
const stories: Record<string, readonly (readonly [string, string])[]> = {
  'sequences go on where the last batch ended': [
    ['0:0-2', '0'],
    ['0:3-3', '3'],
    ['0:5-5', ORDER],
    ['0:4-4', '4'],
  ],
  'an unknown producer may start anywhere': [
    ['3:17-18', '0'],
    ['3:19-19', '2'],
  ],
  'each of the last five batches is recognised, the sixth is not': [
    ['0:0-0', '0'],
    ['0:1-1', '1'],
    ['0:2-2', '2'],
    ['0:3-3', '3'],
    ['0:4-4', '4'],
    ['0:5-5', '5'],
    ['0:5-5', '5='],
    ['0:1-1', '1='],
    ['0:3-3', '3='],
    ['0:0-0', ORDER],
  ],
  'a repetition has to have the same first and last sequence': [
    ['0:0-4', '0'],
    ['0:0-3', ORDER],
    ['0:1-4', ORDER],
    ['0:0-4', '0='],
  ],
  'a new epoch starts at sequence 0, and the old one is over': [
    ['0:0-0', '0'],
    ['1:1-1', ORDER],
    ['1:0-0', '1'],
    ['0:1-1', 'INVALID_PRODUCER_EPOCH'],
    ['0:0-0', 'INVALID_PRODUCER_EPOCH'],
    ['1:1-1', '2'],
  ],
  'sequences go round from 2147483647 to 0': [
    [`0:${LAST - 1}-${LAST}`, '0'],
    ['0:0-1', '2'],
    [`0:${LAST - 1}-${LAST}`, '0='],
    ['0:2-2', '4'],
  ],
  'a batch may itself go round': [
    [`0:${LAST - 1}-1`, '0'],
    ['0:2-2', '4'],
    [`0:${LAST - 1}-1`, '0='],
  ],
  'no batch outside of an open transaction': [
    ['0:0-0 tx', '0'],
    ['0:1-1', 'INVALID_TXN_STATE'],
    ['0:1-1 tx', '1'],
    ['commit 0', '2'],
    ['0:2-2', '3'],
  ],
  'a marker with a higher epoch (KIP-890) starts sequences anew': [
    ['0:0-3 tx', '0'],
    ['commit 1', '4'],
    ['1:4-4 tx', ORDER],
    ['1:0-0 tx', '5'],
    ['0:4-4 tx', 'INVALID_PRODUCER_EPOCH'],
  ],
  'a marker of an old epoch or an old coordinator is refused': [
    ['5:0-0 tx', '0'],
    ['abort 4', 'INVALID_PRODUCER_EPOCH'],
    ['abort 5/3', '1'],
    ['5:1-1 tx', '2'],
    ['commit 5/2', 'TRANSACTION_COORDINATOR_FENCED'],
    ['commit 5/3', '3'],
  ],
}

describe('producers', () => {
  for (const [name, story] of Object.entries(stories)) {
    test(name, () => {
      const log = openLog(workshop())
      assert.deepEqual(
        story.map(([part]) => [part, tell(log, part)]),
        story,
      )
    })
  }

  test('a repetition of a batch that is still queued is recognised', () => {
    const log = openLog(workshop())
    log.append(batchFrom('0:0-1'), { origin: 'client', leaderEpoch: 0, retain: false })
    const again = log.append(batchFrom('0:0-1'), { origin: 'client', leaderEpoch: 0, retain: false })
    assert.deepEqual([again.duplicate, again.baseOffset, again.lastOffset, again.byteLength], [true, 0, 1, 0])
    assert.equal(log.endOffset, 2)
  })

  test('a repetition of the first record’s time is told with the original’s largest timestamp', () => {
    const log = openLog(workshop())
    const at = (timestamp: number) => batchFrom('0:0-1', { timestamp })
    appendAndWrite(log, at(1_700_000_000_000))
    const again = log.append(at(1_700_000_000_000), { origin: 'client', leaderEpoch: 0, retain: false })
    assert.equal(again.logAppendTimeMs, 1_700_000_000_001)
  })

  test('producers do not hinder each other', () => {
    const log = openLog(workshop())
    appendAndWrite(log, batchFrom('0:0-0'))
    appendAndWrite(log, batchFrom('7:0-0', { producerId: 2000 }))
    assert.equal(tell(log, '0:1-1'), '2')
  })

  test('what stays known after deleted records, and what is forgotten after a long silence', () => {
    const world = workshop({ producerIdExpirationMs: 1000 })
    const log = openLog(world)
    appendAndWrite(log, batchFrom('0:0-0', { timestamp: world.clock.wallMs() }))
    log.deleteRecordsTo(1)
    assert.equal(tell(log, '0:2-2'), ORDER)
    world.clock.advance(999)
    log.expireProducers()
    assert.equal(log.activeProducers().length, 1)
    world.clock.advance(1)
    log.expireProducers()
    assert.equal(log.activeProducers().length, 0)
    appendAndWrite(log, batchFrom('0:9-9', { transactional: true, timestamp: world.clock.wallMs() }))
    world.clock.advance(5000)
    log.expireProducers()
    assert.equal(log.activeProducers().length, 1, 'an open transaction keeps its producer')
  })
})

describe('transactions', () => {
  const seven = { producerId: 7, transactional: true }

  test('the last stable offset stands before the oldest open one, and before an ended one above the high watermark', () => {
    const log = openLog(workshop())
    appendAndWrite(log, batchFrom('0:0-4'))
    assert.equal(log.lastStableOffset(5), 5)
    appendAndWrite(log, batchFrom('0:0-0', seven))
    appendAndWrite(log, batchFrom('0:5-5', { transactional: true }))
    assert.equal(log.hasOpenTransaction(7), true)
    assert.equal(log.lastStableOffset(7), 5)
    log.append(marker('commit', 0, 0, 7), { origin: 'coordinator', leaderEpoch: 0, retain: false })
    log.writeQueued()
    assert.equal(log.hasOpenTransaction(7), false)
    assert.equal(log.lastStableOffset(7), 5, 'the marker at 7 may still be lost')
    assert.equal(log.lastStableOffset(8), 6)
    assert.equal(tell(log, 'abort 0'), '8')
    log.writeQueued()
    assert.equal(log.lastStableOffset(9), 9)
    assert.deepEqual(log.abortedTransactions(0, 9), [{ producerId: PRODUCER, firstOffset: 6 }])
    assert.deepEqual(log.abortedTransactions(0, 6), [])
  })

  test('aborted ones are found from any segment they reach over', () => {
    const log = openLog(workshop(), { segmentBytes: 1000 })
    const filler = (): void => {
      for (let i = 0; i < 4; i++) appendAndWrite(log, batchOf(['x'.repeat(700)]))
    }
    appendAndWrite(log, batchFrom('0:0-0', seven))
    filler()
    log.append(marker('abort', 0, 0, 7), { origin: 'coordinator', leaderEpoch: 0, retain: false })
    filler()
    assert.ok(log.segmentCount > 6)
    assert.deepEqual(log.abortedTransactions(2, 3), [{ producerId: 7, firstOffset: 0 }])
    assert.deepEqual(log.abortedTransactions(6, 9), [])
  })

  for (const isClean of [true, false]) {
    test(`producers, open and aborted transactions are known after ${isClean ? 'a clean stop' : 'a crash'}`, async () => {
      const world: Workshop = workshop()
      const log = openLog(world, { segmentBytes: 700 })
      appendAndWrite(log, batchFrom('3:0-3'))
      appendAndWrite(log, batchFrom('0:0-0', seven))
      log.append(marker('abort', 0, 4, 7), { origin: 'coordinator', leaderEpoch: 0, retain: false })
      for (let i = 0; i < 4; i++) appendAndWrite(log, batchOf(['x'.repeat(500)]))
      appendAndWrite(log, batchFrom('0:1-1', seven))
      const before = [log.activeProducers(), log.lastStableOffset(99), log.abortedTransactions(0, 99)]
      if (isClean) await log.closeCleanly()
      const next = restarted(world)
      const again = openLog(next, { segmentBytes: 700 }, { isClean })
      assert.deepEqual(
        [again.activeProducers(), again.lastStableOffset(99), again.abortedTransactions(0, 99)],
        before,
      )
      assert.equal(tell(again, '3:0-3'), '0=')
      assert.equal(tell(again, '3:4-4'), '11')
      assert.deepEqual(next.reports, [])
    })
  }

  test('a damaged index of aborted transactions is made anew', async () => {
    const world = workshop()
    const log = openLog(world)
    appendAndWrite(log, batchFrom('0:0-0', seven))
    log.append(marker('abort', 0, 4, 7), { origin: 'coordinator', leaderEpoch: 0, retain: false })
    await log.closeCleanly()
    const path = `${DIRECTORY}/00000000000000000000.txnindex`
    const good = world.files.readFileSync(path)
    world.files.writeFileSync(path, good.subarray(0, 30))
    const next = restarted(world)
    const again = openLog(next, {}, { isClean: true })
    assert.deepEqual(again.abortedTransactions(0, 9), [{ producerId: 7, firstOffset: 0 }])
    assert.deepEqual(world.files.readFileSync(path), good)
    assert.equal(next.reports[0]?.action, 'rebuilt')
  })
})

describe('a producer snapshot', () => {
  const entries = [
    new ProducerEntry(1000, 3, 7, 1_700_000_000_000, 41, [
      { lastSequence: 9, lastOffset: 42, offsetDelta: 1, timestamp: 1_700_000_000_000 },
    ]),
    new ProducerEntry(2000, 0, -1, 5, -1, []),
  ]

  test('has the bytes of Apache Kafka’s', () => {
    const bytes = snapshotToBytes(entries, 2)
    assert.equal(
      bytes.toString('hex'),
      '0001' + // version
        bytes.subarray(2, 6).toString('hex') + // CRC-32C
        '00000002' +
        '00000000000003e8' +
        '0003' +
        '00000009' +
        '000000000000002a' +
        '00000001' +
        '0000018bcfe56800' +
        '00000007' +
        '0000000000000029' +
        '00000000000007d0' +
        '0000' +
        'ffffffff' +
        'ffffffffffffffff' +
        '00000000' +
        '0000000000000005' +
        'ffffffff' +
        'ffffffffffffffff',
    )
    assert.equal(snapshotToBytes([], 0).byteLength, 10)
  })

  test('is read back, and refused when it is damaged', () => {
    const bytes = snapshotToBytes(entries, 2)
    assert.deepEqual(parseSnapshot(bytes), entries)
    bytes[20] = bytes[20]! ^ 1
    assert.match(parseSnapshot(bytes) as string, /checksum/)
    assert.match(parseSnapshot(bytes.subarray(0, 9)) as string, /too few/)
  })
})
