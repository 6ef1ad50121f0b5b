// SIGKILL over and over under idempotent load: what was acknowledged is there, once, in order; a torn tail is cut and reported.
// The load is one librdkafka producer that lives through all rounds (load.py); this file kills, tears tails, and revives.
// Page cache survives SIGKILL, so lost power is not proved here: the simulated disk of the unit tests does that.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, test } from 'node:test'
import {
  pythonEnvironment,
  pythonInterpreter,
  pythonSkipReason,
  pythonSource,
} from '../python/environment.ts'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { batchesOf } from '../support/log-files.ts'
import { collect, launch, sleep, waitFor } from '../support/processes.ts'
import { type TornTail, tearTail } from './torn-tail.ts'

/** More with KILL9_ROUNDS in the environment, for a night's run. */
const ROUNDS = Math.max(20, Number(process.env.KILL9_ROUNDS ?? 0))
const PARTITIONS = 3
const TOPIC = 'kill9'
/** Acknowledgements seen after a revival before the next kill. */
const ACKS_PER_ROUND = 500

const variants: readonly { name: string; properties: Record<string, string> }[] = [
  { name: 'writes left to the page cache', properties: {} },
  { name: 'flush.messages=1', properties: { 'log.flush.interval.messages': '1' } },
]

function startLoad(interpreter: string, bootstrapServers: string) {
  const script = pythonSource(join('..', 'durability', 'load.py'))
  const child = launch(interpreter, [script, bootstrapServers, TOPIC, String(PARTITIONS)], {
    env: pythonEnvironment,
  })
  const errors = collect(child.stderr)
  const closed = once(child, 'close')
  let acked = 0
  let result = ''
  createInterface(child.stdout).on('line', (line) => {
    if (line.startsWith('acked ')) acked = Number(line.slice(6))
    else result = line
  })
  return {
    /** Ends the load without asking: for a test that has failed already. */
    abandon: () => child.kill('SIGKILL'),
    /** Waits until `count` more records are acknowledged than now. */
    progress: async (count: number) => {
      const goal = acked + count
      await waitFor(`${count} more acknowledgements`, () => {
        if (child.exitCode !== null) throw new Error(`the load ended with ${child.exitCode}: ${errors()}`)
        return acked >= goal || undefined
      })
    },
    /** Ends the load; throws with its reason if anything is missing, doubled or changed. */
    reckon: async (): Promise<{ sent: number; acknowledged: number; found: number[] }> => {
      child.stdin.write('stop\n')
      const [exitCode] = await closed
      assert.equal(exitCode, 0, errors())
      return JSON.parse(result)
    },
  }
}

/** The lines printed since `before` must say how many bytes of which partition were cut. */
function assertReported(broker: BrokerUnderTest, before: number, partition: string, bytes: number): void {
  const lines = broker.logs().slice(before).split('\n')
  const about =
    broker.target === 'apache'
      ? // Kafka names no count at its default level.
        lines.filter((line) => line.includes(partition) && line.includes('Corruption found in segment'))
      : lines.filter((line) => line.includes(partition) && new RegExp(`\\b${bytes}\\b`).test(line))
  assert.ok(about.length > 0, `no line reports ${bytes} bytes cut from ${partition}:\n${lines.join('\n')}`)
}

async function createTopic(interpreter: string, bootstrapServers: string): Promise<void> {
  // Small segments, so that recovery meets several of them, and snapshots of producers between them.
  const program = [
    'import sys',
    'from confluent_kafka.admin import AdminClient, NewTopic',
    'admin = AdminClient({"bootstrap.servers": sys.argv[1]})',
    `topic = NewTopic("${TOPIC}", ${PARTITIONS}, 1, config={"segment.bytes": "1048576"})`,
    'for future in admin.create_topics([topic]).values(): future.result(30)',
  ].join('\n')
  const child = launch(interpreter, ['-c', program, bootstrapServers])
  const errors = collect(child.stderr)
  const [exitCode] = await once(child, 'close')
  assert.equal(exitCode, 0, errors())
}

describe('kill -9', { skip: pythonSkipReason() }, () => {
  for (const { name, properties } of variants) {
    test(`${ROUNDS} rounds under idempotent load lose and double nothing (${name})`, async () => {
      const interpreter = await pythonInterpreter()
      const broker = await startBrokerUnderTest({ properties })
      await createTopic(interpreter, broker.bootstrapServers)
      const load = startLoad(interpreter, broker.bootstrapServers)
      try {
        for (let round = 1; round <= ROUNDS; round++) {
          await load.progress(ACKS_PER_ROUND)
          await sleep(Math.random() * 400)
          await broker.kill9()
          const said = broker.logs().length
          // Every other round the crash leaves half a batch, or a whole one with wrong bytes.
          const how: TornTail | undefined = (['short', undefined, 'corrupt', undefined] as const)[round % 4]
          const partition = `${TOPIC}-${round % PARTITIONS}`
          const tornBytes = how && tearTail(join(broker.logDir, partition), how)
          await broker.restart()
          if (tornBytes !== undefined) assertReported(broker, said, partition, tornBytes)
        }
        await load.progress(ACKS_PER_ROUND)
        const { sent, acknowledged, found } = await load.reckon()
        assert.ok(sent >= ROUNDS * ACKS_PER_ROUND, `only ${sent} records`)
        assert.equal(acknowledged, sent)
        assert.equal(
          found.reduce((sum, count) => sum + count),
          sent,
        )
        await broker.halt()
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const { batches, tornBytes } = batchesOf(join(broker.logDir, `${TOPIC}-${partition}`))
          assert.equal(tornBytes, 0)
          let next = 0
          for (const batch of batches) {
            assert.equal(batch.baseOffset, next)
            next = batch.lastOffset + 1
          }
          assert.equal(next, found[partition])
        }
      } finally {
        load.abandon()
        await broker.stop()
      }
    })
  }
})
