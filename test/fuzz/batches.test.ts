// Record batches to which something happened, their checksum made to fit again, into topics of every kind: what is accepted
// can be read by everybody, what is refused has a code of its own and leaves no trace. FUZZ_SEED replays.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { SeededRandom } from '../../src/lib/random.ts'
import { errorByCode } from '../../src/wire/errors.ts'
import * as batch from '../../src/wire/records/batch.ts'
import { type Codec, codecs } from '../../src/wire/records/compression/index.ts'
import { batchOf, fetchFrom, LATEST, makeTopic, offsetOf, produceTo, recordsIn } from '../support/calls.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import type { RawClient } from '../support/raw-client.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20_261_123)
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 150)

const kinds: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  plain: {},
  compacted: { 'cleanup.policy': 'compact' },
  stamped: { 'message.timestamp.type': 'LogAppendTime' },
  'compacted-and-stamped': { 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' },
  ...Object.fromEntries(
    ['uncompressed', 'gzip', 'snappy', 'lz4', 'zstd'].map((codec) => [codec, { 'compression.type': codec }]),
  ),
}

/** Where in the header a change is about the batch and not about who sent it. */
const ATTRIBUTES = 22
const COUNTS = [23, 24, 25, 26, 57, 58, 59, 60]
const TIMES = Array.from({ length: 16 }, (_, i) => 27 + i)

function mishap(bytes: Buffer, random: SeededRandom): Buffer {
  const roll = random.below(10)
  const records = bytes.length - batch.HEADER_BYTES
  if (roll < 5 && records > 0) {
    for (let i = 0; i <= random.below(3); i++) {
      bytes[batch.HEADER_BYTES + random.below(records)] = random.below(256)
    }
    return bytes
  }
  if (roll === 5) bytes[ATTRIBUTES] = random.below(256) & 0x0f
  else if (roll === 6) bytes[COUNTS[random.below(COUNTS.length)]!]! ^= 1 << random.below(8)
  else if (roll === 7) bytes[TIMES[random.below(TIMES.length)]!]! ^= 1 << random.below(8)
  else {
    const cut = batch.HEADER_BYTES + random.below(records + 1)
    const more = roll === 8 ? Buffer.alloc(0) : random.bytes(random.below(30))
    const changed = Buffer.concat([bytes.subarray(0, cut), more])
    changed.writeInt32BE(changed.length - batch.LENGTH_OVERHEAD_BYTES, 8)
    return changed
  }
  return bytes
}

describe('a batch to which something happened', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let client: RawClient

  before(async () => {
    local = await startLocalBroker(lifetime)
    client = await local.connect()
    for (const [name, configs] of Object.entries(kinds)) await makeTopic(client, name, { configs })
  })

  for (const name of Object.keys(kinds)) {
    test(`in a topic that is ${name}`, async () => {
      const random = new SeededRandom(seed + name.length)
      const all: readonly Codec[] = Object.values(codecs)
      const forced = codecs[name === 'uncompressed' ? 'none' : (name as keyof typeof codecs)]
      for (let round = 0; round < ROUNDS; round++) {
        const compression = all[random.below(all.length)]!
        const values = Array.from({ length: 1 + random.below(4) }, () => 'value '.repeat(random.below(20)))
        let bytes = batchOf(values, { compression, timestamp: Date.now() - 1000 })
        if (round % 10 !== 0) bytes = mishap(bytes, random)
        batch.writeCrc(bytes, 0)
        const before = await offsetOf(client, name, LATEST)
        const answer = await produceTo(client, name, bytes)
        const about = `FUZZ_SEED=${seed} round ${round}: ${errorByCode(answer.errorCode).name} ${answer.errorMessage}`
        if (round % 10 === 0) assert.equal(answer.errorCode, 0, about)
        if (answer.errorCode !== 0) {
          assert.notEqual(answer.errorCode, -1, about)
          assert.equal(await offsetOf(client, name, LATEST), before, about)
          continue
        }
        assert.equal(answer.baseOffset, before, about)
        const fetched = await fetchFrom(client, name, before)
        const stored = Buffer.from(fetched.records!)
        assert.ok(batch.hasValidCrc(stored, 0), about)
        const next = batch.lastOffset(stored, 0) + 1
        assert.equal(next, fetched.highWatermark, about)
        assert.equal(next - before, batch.recordsCount(stored, 0), about)
        // A batch that the broker did not have to open is as good as its producer made it.
        const sentCodec = batch.codecOf(bytes, 0)
        const isOpened =
          forced === undefined ? /^compacted/.test(name) && sentCodec > 0 : sentCodec !== forced
        if (isOpened) assert.equal(recordsIn(stored).length, next - before, about)
      }
      assert.deepEqual(
        local.lines.filter(({ level }) => level === 'error'),
        [],
      )
    })
  }
})
