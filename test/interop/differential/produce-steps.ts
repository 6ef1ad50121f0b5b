// The interesting Produce requests, and the appends that the other tables read from.
// Promises that each refused batch has a partition of its own, so that one difference does not bring others with it.
import { initProducerId } from '../../../src/wire/apis/init-producer-id.ts'
import { produce } from '../../../src/wire/apis/produce.ts'
import * as batch from '../../../src/wire/records/batch.ts'
import { type BatchOptions, buildBatch } from '../../../src/wire/records/build.ts'
import { codecs } from '../../../src/wire/records/compression/index.ts'
import {
  badBatches,
  changed,
  lengthsSaid,
  veryNegativeLengths,
  wrongLengths,
} from '../../support/bad-batches.ts'
import { batchOf } from '../../support/calls.ts'
import { type ProduceOptions, produceStep } from './data-requests.ts'
import { idOf, type Side, type Step, step } from './sides.ts'

const HOUR_MS = 3_600_000
const versions = [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]
const codecNames = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

export function newProducerStep(version = 4): Step {
  const keep = (side: Side, answer: { readonly producerId?: unknown; readonly producerEpoch?: unknown }) => {
    side.producers.push({
      producerId: Number(answer.producerId),
      producerEpoch: Number(answer.producerEpoch),
    })
  }
  const request = { transactionalId: null, transactionTimeoutMs: 60_000 }
  return step('a new producer', initProducerId, version, request, { after: keep })
}

/** Batches with something wrong, or nearly so. */
function oddBatches(baseMs: number): [name: string, bytes: Buffer | null][] {
  const good = (options: BatchOptions & { timestamp?: number; key?: string | null } = {}) =>
    batchOf(['one', 'two', 'three'], { timestamp: baseMs, ...options })
  const attribute = (bits: number, options = {}) =>
    changed(good(options), (bytes) => bytes.writeInt16BE(bytes.readInt16BE(21) | bits, 21))
  const odd: [string, Buffer | null][] = [
    ['base offset 5', badBatches.baseOffset()],
    ['wrong checksum', badBatches.wrongCrc()],
    ['flipped byte', badBatches.flippedByte()],
    ['magic 0', badBatches.magic(0)],
    ['magic 1', badBatches.magic(1)],
    ['magic 3', badBatches.magic(3)],
    ['two batches', badBatches.twoBatches()],
    ['empty', badBatches.empty()],
    ['cut', badBatches.cut()],
    ['cut header', badBatches.cutHeader()],
    ['trailing bytes', badBatches.trailing()],
    ['length 0', badBatches.length(0)],
    ['length -1', badBatches.length(-1)],
    ['length 48', badBatches.length(48)],
    ['count 0', badBatches.count(0)],
    ['count -1', badBatches.count(-1)],
    ['count 3', badBatches.count(3)],
    ['last offset delta -1', badBatches.lastOffsetDelta(-1)],
    ['last offset delta 0', badBatches.lastOffsetDelta(0)],
    ['more records than there are', badBatches.moreThanThere()],
    ['control bit', attribute(0x20)],
    ['LogAppendTime bit', attribute(0x08)],
    ['LogAppendTime bit and no timestamp', attribute(0x08, { timestamp: -3 })],
    ['delete horizon bit', attribute(0x40)],
    ['unused bits', attribute(0x7f00)],
    ['producer without sequence', good({ producerId: 4711, producerEpoch: 0 })],
    ['two hours ahead', good({ timestamp: Date.now() + 2 * HOUR_MS })],
    ['timestamp 1', good({ timestamp: 1 })],
    ['timestamp 0', good({ timestamp: 0 })],
    ['no timestamp', buildBatch({ records: [{ timestamp: -1, value: Buffer.from('v') }] })],
    ['timestamp -5', buildBatch({ records: [{ timestamp: -5, value: Buffer.from('v') }] })],
    ['no keys', good({ key: null })],
    ['null values', batchOf([null, null], { timestamp: baseMs })],
    ['offset deltas 0, 2', gaps(baseMs)],
    ['gzip, offset deltas 0, 2', gaps(baseMs, codecs.gzip)],
    ['too large', batchOf([Buffer.alloc(1_100_000)], { timestamp: baseMs })],
    ['codec 5', attribute(5)],
    ['codec 7', attribute(7)],
    ['falling timestamps', falling(baseMs)],
    ['header max timestamp wrong', wrongMax(baseMs)],
    ['leader epoch 9', good({ partitionLeaderEpoch: 9 })],
    ['headers', withHeaders(baseMs)],
    ['gzip, two hours ahead', good({ timestamp: Date.now() + 2 * HOUR_MS, compression: codecs.gzip })],
    ['gzip, header max timestamp wrong', wrongMax(baseMs, codecs.gzip)],
    ['lz4, no keys', good({ key: null, compression: codecs.lz4 })],
  ]
  for (const name of codecNames.slice(1)) {
    odd.push([`${name} bit over plain bytes`, attribute(codecs[name])])
    odd.push([`${name}, count 5 of 3`, miscounted(good({ compression: codecs[name] }))])
  }
  for (const [name, said] of [['lengths that fit', {}] as const, ...wrongLengths, ...veryNegativeLengths]) {
    odd.push([name, lengthsSaid(said, baseMs)])
  }
  return odd
}

function gaps(baseMs: number, compression: 0 | 1 = 0): Buffer {
  const value = Buffer.from('v')
  const bytes = buildBatch({
    compression,
    records: [
      { timestamp: baseMs, value },
      { timestamp: baseMs, value, offsetDelta: 2 },
    ],
  })
  return bytes
}

function falling(baseMs: number): Buffer {
  return buildBatch({
    records: [5, 9, 2].map((n) => ({
      timestamp: baseMs + n,
      key: Buffer.from('k'),
      value: Buffer.from(`${n}`),
    })),
  })
}

function wrongMax(baseMs: number, compression: 0 | 1 = 0): Buffer {
  const bytes = batchOf(['a', 'b'], { timestamp: baseMs, compression })
  return changed(bytes, (copy) => batch.setMaxTimestamp(copy, 0, baseMs + 12_345))
}

function miscounted(bytes: Buffer): Buffer {
  return changed(bytes, (copy) => {
    copy.writeInt32BE(5, 57)
    copy.writeInt32BE(4, 23)
  })
}

function withHeaders(baseMs: number): Buffer {
  const headers = [
    { key: 'a', value: Buffer.from('1') },
    { key: '', value: null },
    { key: 'a', value: Buffer.alloc(0) },
  ]
  return buildBatch({
    records: [{ timestamp: baseMs, key: Buffer.alloc(0), value: Buffer.alloc(0), headers }],
  })
}

/** Topics to send the odd batches to; each with as many partitions as there are batches. */
export const oddTopics = ['odd-plain', 'odd-append-time', 'odd-compacted', 'odd-gzip', 'odd-none'] as const
export const oddPartitions = 80

function oddSteps(baseMs: number): Step[] {
  const odd = oddBatches(baseMs)
  return oddTopics.flatMap((topic) =>
    odd.map(([name, bytes], partition) =>
      produceStep(`${topic}: ${name}`, topic, bytes, { partition, version: 9 }),
    ),
  )
}

/** A batch of the producer that was given out as number `index`. */
function of(
  index: number,
  baseSequence: number,
  baseMs: number,
  { epoch = 0, count = 2, transactional = false } = {},
) {
  return (side: Side): Buffer =>
    batchOf(
      Array.from({ length: count }, (_, i) => `${baseSequence + i}`),
      {
        timestamp: baseMs,
        producerId: side.producers[index]!.producerId,
        producerEpoch: epoch,
        baseSequence,
        transactional,
      },
    )
}

function idempotentSteps(baseMs: number): Step[] {
  const topic = 'sequences'
  const send = (
    name: string,
    index: number,
    sequence: number,
    rest = {},
    options: ProduceOptions = {},
  ): Step => produceStep(name, topic, of(index, sequence, baseMs, rest), options)
  return [
    newProducerStep(),
    newProducerStep(0),
    newProducerStep(2),
    send('first', 0, 0),
    send('second', 0, 2),
    send('the first again', 0, 0),
    send('the second again', 0, 2),
    send('the second again, in version 3', 0, 2, {}, { version: 3 }),
    send('an overlap', 0, 1),
    send('a gap', 0, 10),
    send('an older epoch than known is none: epoch -1', 0, 4, { epoch: -1 }),
    send('a new epoch in the middle', 0, 4, { epoch: 1 }),
    send('a new epoch', 0, 0, { epoch: 1 }),
    send('an old epoch', 0, 2, { epoch: 0 }),
    send('an old epoch, version 11', 0, 2, { epoch: 0 }, { version: 11 }),
    send('the epoch goes on', 0, 2, { epoch: 1 }),
    send('unknown producer starts anywhere', 1, 77),
    send('and goes on', 1, 79),
    ...[81, 83, 85, 87, 89].map((sequence) => send(`goes on ${sequence}`, 1, sequence)),
    send('the sixth last again', 1, 79),
    send('the fifth last again', 1, 81),
    send('a duplicate of another size', 1, 89, { count: 3 }),
    send('near the end of sequences', 2, 2_147_483_646, { count: 2 }, { partition: 1 }),
    send('wrapped', 2, 0, { count: 2 }, { partition: 1 }),
    send('around the end of sequences', 2, 2_147_483_647, { count: 4 }, { partition: 2 }),
    send('after the end', 2, 3, { count: 1 }, { partition: 2 }),
    send('a gap, acks 0', 0, 100, { epoch: 1 }, { acks: 0 }),
    send('acks 0', 0, 4, { epoch: 1 }, { acks: 0 }),
    send('acks 1', 0, 6, { epoch: 1 }, { acks: 1 }),
    send('transactional without an id', 0, 8, { epoch: 1, transactional: true }),
    produceStep(
      'negative producer id',
      topic,
      batchOf(['v'], { timestamp: baseMs, producerId: -2, producerEpoch: 0, baseSequence: 0 }),
    ),
    produceStep(
      'negative epoch',
      topic,
      batchOf(['v'], { timestamp: baseMs, producerId: 99, producerEpoch: -3, baseSequence: 0 }),
      { partition: 3 },
    ),
    produceStep(
      'a sequence without a producer id',
      topic,
      batchOf(['v'], { timestamp: baseMs, baseSequence: 5 }),
      { partition: 3 },
    ),
    produceStep(
      'an epoch without a producer id',
      topic,
      batchOf(['v'], { timestamp: baseMs, producerEpoch: 5 }),
      { partition: 3 },
    ),
  ]
}

function plainSteps(baseMs: number): Step[] {
  const bytes = batchOf(['x', 'y'], { timestamp: baseMs })
  const zstd = batchOf(['z'], { timestamp: baseMs, compression: codecs.zstd })
  const steps = versions.flatMap((version) => [
    produceStep('good', 'plain', bytes, { version }),
    produceStep('acks 1', 'plain', bytes, { version, acks: 1 }),
    produceStep('acks 0', 'plain', bytes, { version, acks: 0 }),
    produceStep('acks 2', 'plain', bytes, { version, acks: 2 }),
    produceStep('acks -2', 'plain', bytes, { version, acks: -2 }),
    produceStep('unknown topic', 'nowhere', bytes, { version }),
    produceStep('unknown topic, acks 0', 'nowhere', bytes, { version, acks: 0 }),
    produceStep('unknown partition', 'plain', bytes, { version, partition: 99 }),
    produceStep('negative partition', 'plain', bytes, { version, partition: -1 }),
    produceStep('zstd', 'plain', zstd, { version, partition: 1 }),
    produceStep('internal topic', '__consumer_offsets', bytes, { version }),
    produceStep('a transactional id without transactional batch', 'plain', bytes, {
      version,
      partition: 2,
      transactionalId: 'tx',
    }),
  ])
  return [
    ...steps,
    ...codecNames.flatMap((name) =>
      ['plain', 'odd-gzip', 'odd-none', 'append-time', 'compacted', 'zstd'].map((topic) =>
        produceStep(
          `${name} to ${topic}`,
          topic,
          batchOf(['a', 'b'.repeat(3000)], { timestamp: baseMs, compression: codecs[name] }),
          { partition: topic.startsWith('odd') ? oddPartitions - 1 : 0 },
        ),
      ),
    ),
    { ...produceStep('null for a batch', 'plain', null), patienceMs: 2000 },
    produceStep(
      'larger than the topic takes',
      'small-messages',
      batchOf(['v'.repeat(2000)], { timestamp: baseMs }),
    ),
    produceStep(
      'as large as the topic takes',
      'small-messages',
      batchOf(['v'.repeat(900)], { timestamp: baseMs }),
    ),
    produceStep(
      'small when compressed',
      'small-messages',
      batchOf(['v'.repeat(2000)], { timestamp: baseMs, compression: codecs.gzip }),
    ),
    produceStep(
      'small when compressed, large when stored',
      'small-plain',
      batchOf(['v'.repeat(2000)], { timestamp: baseMs, compression: codecs.gzip }),
    ),
    produceStep('min.insync.replicas 2, acks all', 'two-in-sync', bytes),
    produceStep('min.insync.replicas 2, acks 1', 'two-in-sync', bytes, { acks: 1 }),
    produceStep('an hour and a bit before', 'narrow-time', batchOf(['v'], { timestamp: baseMs - HOUR_MS })),
    produceStep('within a narrow range', 'narrow-time', batchOf(['v'], { timestamp: baseMs })),
    step('no topics', produce, 9, { transactionalId: null, acks: -1, timeoutMs: 1000, topicData: [] }),
    step('a topic without partitions', produce, 9, {
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [{ name: 'plain', partitionData: [] }],
    }),
    step('one good and one bad', produce, 13, (side) => ({
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          topicId: idOf(side, 'plain'),
          partitionData: [
            { index: 3, records: Buffer.from(bytes) },
            { index: 98, records: Buffer.from(bytes) },
          ],
        },
        { topicId: idOf(side, 'nowhere'), partitionData: [{ index: 0, records: Buffer.from(bytes) }] },
      ],
    })),
    step('the same partition twice', produce, 9, () => ({
      transactionalId: null,
      acks: -1,
      timeoutMs: 1000,
      topicData: [
        {
          name: 'plain',
          partitionData: [
            { index: 4, records: Buffer.from(bytes) },
            { index: 4, records: Buffer.from(bytes) },
          ],
        },
      ],
    })),
  ]
}

export function produceSteps(baseMs: number): Step[] {
  return [...plainSteps(baseMs), ...oddSteps(baseMs), ...idempotentSteps(baseMs)]
}
