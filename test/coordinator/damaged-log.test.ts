// A log of a coordinator with damage in it that only shows when it is read: a bit that flipped on the disk, zeros where a page was,
// a file that lost its end. State is made of all that was written, or not at all: nobody is answered from half of it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Shard } from '../../src/coordinator/shard.ts'
import type { StateMachine } from '../../src/coordinator/step.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { Log } from '../../src/log/log.ts'
import { AppendQueue } from '../../src/partition/append-queue.ts'
import { Partition } from '../../src/partition/partition.ts'
import { buildBatch } from '../../src/wire/records/build.ts'
import { NODE_ID, PartitionStage, partitionImage, TOPIC_ID, topicConfig } from '../partition/stage.ts'

const HISTORIES = 300
/** Offset and leader epoch of a batch stand outside of its checksum; the epoch means nothing to a coordinator. */
const EPOCH = { start: 12, end: 16 }

/** Remembers what it was given, in order. */
class Memory implements StateMachine<string> {
  readonly lines: string[] = []

  replay(line: string): void {
    this.lines.push(line)
  }

  endTransaction(): void {}

  decode(key: Buffer, value: Buffer | null): string {
    return `${key.toString('latin1')}=${value?.toString('latin1')}`
  }

  encode(line: string): { key: Buffer; value: Buffer } {
    return { key: Buffer.from(line), value: Buffer.from(line) }
  }

  loaded(): void {}
}

/** A log that was stopped in order and opened again, from which nothing has been read yet; and where its batches begin. */
async function writtenLog(random: SeededRandom) {
  const stage = new PartitionStage()
  const { clock, files, environment, notes } = stage
  const batches: { at: number; size: number }[] = []
  let at = 0
  for (let i = 0; i < 12; i++) {
    const bytes = buildBatch({
      records: Array.from({ length: 1 + random.below(4) }, (_, k) => ({
        timestamp: 1,
        key: Buffer.from(`key ${i}.${k}`),
        value: Buffer.from('x'.repeat(random.below(60))),
      })),
    })
    batches.push({ at, size: bytes.length })
    at += bytes.length
    stage.append(bytes, { origin: 'coordinator' })
    await stage.endTurn()
  }
  await stage.partition.log.closeCleanly()
  const config = topicConfig()
  const log = Log.open(environment, {
    directory: 'data/topic-0',
    config,
    isClean: true,
    recoveryPoint: 0,
    startOffset: 0,
  })
  const identity = { topic: 'topic', topicId: TOPIC_ID, index: 0, isInternal: true }
  const surroundings = { nodeId: NODE_ID, clock, logger: notes.logger, appendQueue: new AppendQueue(clock) }
  const partition = new Partition(identity, log, partitionImage(), config, 0, surroundings)
  return { stage, files, partition, batches, size: at }
}

async function load(stage: PartitionStage, partition: Partition, loadBufferBytes: number) {
  const failures: string[] = []
  const shard = new Shard<string, Memory>(partition, new Memory(), {
    clock: stage.clock,
    logger: stage.notes.logger,
    loadBufferBytes: () => loadBufferBytes,
    commitTimeoutMs: () => 5000,
    failed: (error) => failures.push(error.message),
  })
  let isOver = false
  const loading = shard.load().finally(() => {
    isOver = true
  })
  for (let turn = 0; !isOver; turn++) {
    assert.ok(turn < 200, 'loading comes to an end')
    await stage.endTurn()
  }
  await loading
  return { lines: shard.machine.lines, failures }
}

describe('a damaged log', () => {
  for (const kind of ['a flipped bit', 'zeros', 'a cut end'] as const) {
    test(`with ${kind} anywhere is loaded whole or not at all (${HISTORIES} seeds)`, async () => {
      let refused = 0
      for (let seed = 1; seed <= HISTORIES; seed++) {
        const random = new SeededRandom(seed)
        const { stage, files, partition, batches, size } = await writtenLog(random)
        const path = 'data/topic-0/00000000000000000000.log'
        const whole = (await load(stage, partition, 1_000_000)).lines
        const position = random.below(size)
        const file = files.openSync(path, 'write')
        let isHarmless = false
        if (kind === 'a flipped bit') {
          const byte = Buffer.alloc(1)
          file.readSync(byte, position)
          byte[0]! ^= 1 << random.below(8)
          file.writeSync(byte, position)
          const { at } = batches.findLast((batch) => batch.at <= position)!
          isHarmless = position - at >= EPOCH.start && position - at < EPOCH.end
        } else if (kind === 'zeros') {
          file.writeSync(Buffer.alloc(Math.min(1 + random.below(120), size - position)), position)
        } else file.truncateSync(position)
        const { lines, failures } = await load(stage, partition, [1, 100, 1_000_000][random.below(3)]!)
        const isWhole = lines.length === whole.length && lines.every((line, i) => line === whole[i])
        assert.ok(isWhole || failures.length === 1, `seed ${seed}: ${lines.length} of ${whole.length}`)
        if (isHarmless) assert.ok(isWhole, `seed ${seed}`)
        refused += failures.length
      }
      assert.ok(refused > HISTORIES / 2, `${refused}`)
    })
  }
})
