// kill -9 under idempotent load, again and again: everything acknowledged is there afterwards, once and in order.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandom } from '../../src/lib/random.ts'
import { type Settings, startProcess } from '../support/broker-process.ts'
import { makeTopic, readAll } from '../support/calls.ts'
import { IdempotentLoad } from '../support/idempotent-load.ts'
import { RawClient } from '../support/raw-client.ts'
import { scratchDirectory } from '../support/scratch.ts'

const PARTITIONS = 3

const cases: readonly [name: string, rounds: number, settings: Settings, valueBytes?: number][] = [
  ['records in the page cache', 14, {}],
  ['flush.messages=1: on the device before the acknowledgement', 6, { 'log.flush.interval.messages': 1 }],
  // Segments of 1 MiB and frequent checkpoints: kills fall among rolls, indexes and snapshots.
  [
    'small segments, checkpoints all the time',
    4,
    {
      'log.segment.bytes': 1_048_576,
      'log.flush.offset.checkpoint.interval.ms': 20,
      'replica.high.watermark.checkpoint.interval.ms': 20,
    },
    8000,
  ],
]

describe('kill -9 under load', () => {
  for (const [name, rounds, settings, valueBytes] of cases) {
    test(`${rounds} rounds, ${name}`, async (context) => {
      const directory = scratchDirectory()
      const all = { 'log.dirs': directory, ...settings }
      let broker = await startProcess(context, all)
      const { port } = broker
      const admin = await RawClient.connect(port)
      await makeTopic(admin, 'topic', { partitions: PARTITIONS })
      admin.close()
      const load = new IdempotentLoad(port, 'topic', PARTITIONS, valueBytes)
      context.after(() => load.close())
      await load.start()
      const random = new SeededRandom(rounds)
      for (let round = 0; round < rounds; round++) {
        await load.progress(300)
        await sleep(random.below(40))
        await broker.kill()
        broker = await startProcess(context, all, port)
      }
      await load.progress(300)
      await load.finish()
      assert.ok(load.acknowledged >= 300 * rounds)
      const check = async () => {
        const reader = await RawClient.connect(port)
        for (let partition = 0; partition < PARTITIONS; partition++) {
          load.assertReceived(partition, await readAll(reader, 'topic', { partition }))
        }
        reader.close()
      }
      await check()
      // A stop in order takes nothing away either, and the start after it has nothing to say.
      assert.equal(await broker.stop(), 0)
      broker = await startProcess(context, all, port)
      assert.equal(broker.log, '')
      await check()
      assert.equal(await broker.stop(), 0)
      load.close()
    })
  }
})
