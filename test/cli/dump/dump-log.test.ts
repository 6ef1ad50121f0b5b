// dump-log on files made here: what it shows, and what damage it finds.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { crc32c } from '../../../src/wire/crc32c.ts'
import { buildBatch, buildEndTransactionMarker } from '../../../src/wire/records/build.ts'
import { codecs } from '../../../src/wire/records/compression/index.ts'
import { odradek } from '../fake-io.ts'

const segmentName = '00000000000000000100.log'
const time = 1_700_000_000_000

const first = buildBatch({
  records: [
    { timestamp: time, key: Buffer.from('k'), value: Buffer.from('v') },
    { timestamp: time + 1, value: Buffer.from([0xff]), headers: [{ key: 'h', value: null }] },
  ],
  baseOffset: 100,
  partitionLeaderEpoch: 4,
  compression: codecs.zstd,
})
const second = buildBatch({
  records: [{ timestamp: time + 2, key: null, value: null }],
  baseOffset: 102,
  partitionLeaderEpoch: 4,
  producerId: 7,
  producerEpoch: 1,
  baseSequence: 9,
  transactional: true,
})
const marker = buildEndTransactionMarker({
  isCommit: false,
  producerId: 7,
  producerEpoch: 1,
  coordinatorEpoch: 3,
  timestamp: time + 3,
  baseOffset: 103,
  partitionLeaderEpoch: 4,
})
const segment = Buffer.concat([first, second, marker])

let directory = ''
before(() => {
  directory = mkdtempSync(join(tmpdir(), 'odradek-dump-'))
})
after(() => rmSync(directory, { recursive: true, force: true }))

function write(name: string, bytes: Buffer | string): string {
  const path = join(directory, name)
  writeFileSync(path, bytes)
  return path
}

interface Row {
  readonly kind: string
  readonly [field: string]: unknown
}

async function dumped(...words: string[]) {
  const { code, printed, noted } = await odradek(['dump-log', '--json', ...words])
  const rows = printed
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row)
  return { code, noted, rows }
}

describe('a segment', () => {
  beforeEach(() => rmSync(join(directory, '00000000000000000100.index'), { force: true }))

  test('each batch is a line with its offsets, codec, producer, bits and a checked CRC', async () => {
    const { code, rows } = await dumped(write(segmentName, segment))
    assert.equal(code, 0)
    assert.deepEqual(
      rows.map((row) => [row.kind, row.baseOffset, row.lastOffset, row.count, row.crcIsValid]),
      [
        ['batch', 100, 101, 2, true],
        ['batch', 102, 102, 1, true],
        ['batch', 103, 103, 1, true],
      ],
    )
    assert.equal(rows[0]!.compression, 'zstd')
    assert.equal(rows[0]!.partitionLeaderEpoch, 4)
    assert.deepEqual([rows[1]!.producerId, rows[1]!.baseSequence, rows[1]!.isTransactional], [7, 9, true])
    assert.equal(rows[1]!.position, first.length)
    assert.equal(rows[2]!.isControl, true)
  })

  test('--deep shows records, bytes that are no text in base64, and what a control record says', async () => {
    const { rows } = await dumped('--deep', write(segmentName, segment))
    const records = rows.filter((row) => row.kind === 'record')
    assert.deepEqual(
      records.map(({ offset, key, value, headers }) => [offset, key, value, headers]),
      [
        [100, 'k', 'v', []],
        [101, null, { base64: '/w==' }, [['h', null]]],
        [102, null, null, []],
      ],
    )
    const control = rows.find((row) => row.kind === 'control')!
    assert.deepEqual([control.type, control.coordinatorEpoch], ['ABORT', 3])
  })

  test('the text for people has the same in words', async () => {
    const { printed } = await odradek(['dump-log', '--deep', write(segmentName, segment)])
    const lines = printed.split('\n')
    assert.match(lines[0]!, /^100-101 {2}at 0 .*zstd .*crc ok$/)
    assert.equal(lines[1], '  100  2023-11-14T22:13:20.000Z  key "k"  value "v"')
    assert.match(lines[2]!, /value base64:\/w== {2}headers \[\["h",null\]\]/)
    assert.match(lines[3]!, /producer 7\/1 {2}sequence 9-9 {2}transactional {2}crc ok/)
    assert.match(lines[6]!, /ABORT {2}coordinator epoch 3/)
  })

  test('a flipped byte is told with its place and gives exit code 1; the rest is still shown', async () => {
    const damaged = Buffer.from(segment)
    damaged[first.length + 65]! ^= 1
    const { code, rows, noted } = await dumped(write(segmentName, damaged))
    assert.equal(code, 1)
    assert.deepEqual(
      rows.map((row) => row.crcIsValid),
      [true, false, true],
    )
    assert.match(
      noted,
      new RegExp(`1 problem, .*at byte ${first.length} \\(offset 102\\) does not match its checksum`),
    )
  })

  test('a torn tail is told with its byte count, zeroes of a preallocated file are no damage', async () => {
    const torn = await dumped(write(segmentName, Buffer.concat([segment, first.subarray(0, 40)])))
    assert.equal(torn.code, 1)
    assert.match(torn.noted, /40 bytes at \d+: a batch of \d+ bytes is cut off/)
    const padded = await dumped(write(segmentName, Buffer.concat([segment, Buffer.alloc(4096)])))
    assert.equal(padded.code, 0)
    assert.deepEqual(padded.rows.at(-1)!.bytes, 4096)
  })

  test('--limit shows less but checks all', async () => {
    const damaged = Buffer.from(segment)
    damaged[damaged.length - 1]! ^= 1
    const { code, rows } = await dumped('--limit', '1', write(segmentName, damaged))
    assert.equal(code, 1)
    assert.equal(rows.length, 1)
  })

  test('a batch larger than the read slice is read whole', async () => {
    const large = buildBatch({
      records: [{ timestamp: 0, value: Buffer.alloc(3_000_000, 'x') }],
      baseOffset: 100,
    })
    const { code, rows } = await dumped(write(segmentName, Buffer.concat([large, second, large])))
    assert.equal(code, 0)
    assert.equal(rows.length, 3)
  })
})

describe('indexes', () => {
  const entry = (offset: number, position: number) => {
    const bytes = Buffer.alloc(8)
    bytes.writeInt32BE(offset)
    bytes.writeInt32BE(position, 4)
    return bytes
  }

  test('an offset index is shown in absolute offsets, up to its unused zeroes', async () => {
    write(segmentName, segment)
    const index = Buffer.concat([
      entry(2, first.length),
      entry(3, first.length + second.length),
      Buffer.alloc(80),
    ])
    const { code, rows } = await dumped(write('00000000000000000100.index', index))
    assert.equal(code, 0)
    assert.deepEqual(
      rows.map((row) => [row.kind, row.offset ?? row.bytes, row.position]),
      [
        ['index', 102, first.length],
        ['index', 103, first.length + second.length],
        ['unused', 80, undefined],
      ],
    )
  })

  test('an entry that leads to another batch, or that does not grow, is damage', async () => {
    write(segmentName, segment)
    const wrong = await dumped(write('00000000000000000100.index', entry(2, 0)))
    assert.equal(wrong.code, 1)
    assert.match(wrong.noted, /leads to a batch that ends at offset 101/)
    const shrinking = Buffer.concat([entry(3, first.length + second.length), entry(2, first.length)])
    assert.match((await dumped(write('00000000000000000100.index', shrinking))).noted, /do not grow/)
    assert.match(
      (await dumped(write('00000000000000000100.index', entry(9, 99_999)))).noted,
      /behind the end/,
    )
    const cut = Buffer.concat([entry(2, first.length), Buffer.alloc(3, 1)])
    assert.match((await dumped(write('00000000000000000100.index', cut))).noted, /cut off/)
  })

  test('a time index is shown with its times', async () => {
    const bytes = Buffer.alloc(12)
    bytes.writeBigInt64BE(BigInt(time))
    bytes.writeInt32BE(1, 8)
    const { code, rows } = await dumped(write('00000000000000000100.timeindex', bytes))
    assert.equal(code, 0)
    assert.deepEqual([rows[0]!.timestamp, rows[0]!.offset], [time, 101])
  })

  test('a transaction index is shown, an unknown version is damage', async () => {
    const bytes = Buffer.alloc(34)
    for (const [i, value] of [7n, 102n, 103n, 104n].entries()) bytes.writeBigInt64BE(value, 2 + 8 * i)
    const { code, rows } = await dumped(write('00000000000000000100.txnindex', bytes))
    assert.equal(code, 0)
    const { producerId, firstOffset, lastOffset, lastStableOffset } = rows[0]!
    assert.deepEqual([producerId, firstOffset, lastOffset, lastStableOffset], [7, 102, 103, 104])
    bytes.writeInt16BE(1)
    assert.equal((await dumped(write('00000000000000000100.txnindex', bytes))).code, 1)
  })

  test('a producer snapshot is shown and its checksum checked', async () => {
    const bytes = Buffer.alloc(56)
    bytes.writeInt16BE(1)
    bytes.writeInt32BE(1, 6)
    bytes.writeBigInt64BE(7n, 10)
    bytes.writeInt16BE(1, 18)
    bytes.writeInt32BE(9, 20)
    bytes.writeBigInt64BE(102n, 24)
    bytes.writeBigInt64BE(BigInt(time), 36)
    bytes.writeInt32BE(-1, 44)
    bytes.writeBigInt64BE(102n, 48)
    bytes.writeUInt32BE(crc32c(bytes, 6), 2)
    const good = await dumped(write('00000000000000000103.snapshot', bytes))
    assert.equal(good.code, 0)
    assert.deepEqual([good.rows[0]!.offset, good.rows[0]!.count], [103, 1])
    const { producerId, lastSequence, lastOffset, currentTransactionFirstOffset } = good.rows[1]!
    assert.deepEqual([producerId, lastSequence, lastOffset, currentTransactionFirstOffset], [7, 9, 102, 102])
    bytes[12]! ^= 1
    assert.match(
      (await dumped(write('00000000000000000103.snapshot', bytes))).noted,
      /does not match its checksum/,
    )
  })
})

describe('text files', () => {
  test('checkpoints are shown by topic and partition, or by epoch', async () => {
    const offsets = await dumped(write('replication-offset-checkpoint', '0\n2\na 0 15\nb.c 12 0\n'))
    assert.deepEqual(
      offsets.rows.map((row) => [row.topic, row.partition, row.offset]),
      [
        ['a', 0, 15],
        ['b.c', 12, 0],
      ],
    )
    const epochs = await dumped(write('leader-epoch-checkpoint', '0\n1\n4 100\n'))
    assert.deepEqual([epochs.rows[0]!.epoch, epochs.rows[0]!.startOffset], [4, 100])
    assert.equal(offsets.code + epochs.code, 0)
  })

  test('a wrong count, version or line is damage', async () => {
    const check = async (text: string, reason: RegExp) => {
      const { code, noted } = await dumped(write('recovery-point-offset-checkpoint', text))
      assert.equal(code, 1)
      assert.match(noted, reason)
    }
    await check('0\n2\na 0 15\n', /1 entries where 2 are announced/)
    await check('1\n0\n', /version "1" where 0 is known/)
    await check('0\n1\na 0\n', /not an entry/)
  })

  test('properties are shown by key', async () => {
    const { rows } = await dumped(write('meta.properties', '#Comment\nversion=1\ncluster.id=abc\n'))
    assert.deepEqual(
      rows.map((row) => [row.key, row.value]),
      [
        ['version', '1'],
        ['cluster.id', 'abc'],
      ],
    )
  })
})

describe('directories', () => {
  test('every known file is shown under its name; what is no log file is passed over', async () => {
    const inner = mkdtempSync(join(directory, 'orders-'))
    writeFileSync(join(inner, segmentName), segment)
    writeFileSync(join(inner, 'partition.metadata'), 'version: 0\ntopic_id: x\n')
    writeFileSync(join(inner, 'notes.txt'), 'not ours')
    const { code, printed } = await odradek(['dump-log', inner])
    assert.equal(code, 0)
    assert.match(printed, new RegExp(`${segmentName}\n100-101 `))
    assert.match(printed, /partition\.metadata\nversion: 0\ntopic_id: x\n/)
    assert.doesNotMatch(printed, /not ours/)
  })

  test('one without log files says that --recursive looks deeper; one that is not there says so', async () => {
    const outer = mkdtempSync(join(directory, 'empty-'))
    const { code, noted } = await odradek(['dump-log', outer])
    assert.equal(code, 1)
    assert.match(noted, /no log files in .*--recursive/)
    assert.match((await odradek(['dump-log', join(outer, 'none')])).noted, /none does not exist/)
  })
})
