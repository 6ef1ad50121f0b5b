// Rows of a broker's life: how soon it answers after its start, what memory it holds, and how it bears 10,000 partitions.
// Each round starts brokers of its own, so nothing here is warmed by other rows.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { createTopic, untilServed } from '../admin.ts'
import { residentMegabytes } from '../broker-process.ts'
import { runRaw } from '../raw-client.ts'
import { metric, oursAtMost, type Row, type StartBroker } from '../row.ts'

const processStart: Row = {
  kind: 'alone',
  id: 'start/process',
  metrics: [metric('first Metadata answer', 'ms', 'lower', [oursAtMost(300)], [oursAtMost(150)])],
  measure: async (start) => {
    // The first start makes the data directory; the second is the one that counts.
    const first = await start()
    await first.stop()
    const second = await start({ dataDir: first.dataDir })
    await second.stop()
    return { 'first Metadata answer': second.startMs }
  },
}

const inProcessProgram = (index: string) => `
const started = performance.now()
const { startBroker } = await import(${JSON.stringify(index)})
const imported = performance.now()
const broker = await startBroker({ port: 0, storage: 'memory' })
const ready = performance.now()
await broker.close()
const second = performance.now()
const again = await startBroker({ port: 0, storage: 'memory' })
const secondReady = performance.now()
await again.close()
console.log(JSON.stringify({ import: imported - started, start: ready - imported, again: secondReady - second }))
`

const inProcessStart: Row = {
  kind: 'alone',
  id: 'start/in-process',
  sides: ['ours'],
  metrics: [
    metric('startBroker()', 'ms', 'lower', [oursAtMost(50)], [oursAtMost(20)]),
    metric('second startBroker()', 'ms', 'lower'),
    metric('import', 'ms', 'lower'),
  ],
  measure: async (start) => {
    const directory = mkdtempSync(join(tmpdir(), 'odradek-bench-'))
    const program = join(directory, 'in-process.mjs')
    writeFileSync(program, inProcessProgram(pathToFileURL(join(start.entry, '../../index.js')).href))
    const done = spawnSync(process.execPath, [program], { encoding: 'utf8', timeout: 60_000 })
    rmSync(directory, { recursive: true })
    if (done.status !== 0) throw new Error(`starting in process failed: ${done.stderr}`)
    const times = JSON.parse(done.stdout) as { import: number; start: number; again: number }
    return { 'startBroker()': times.start, 'second startBroker()': times.again, import: times.import }
  },
}

const memory: Row = {
  kind: 'alone',
  id: 'memory',
  metrics: [
    metric('RSS idle', 'MB', 'lower', [oursAtMost(80)], [oursAtMost(55)]),
    metric('RSS after 1 GB in and out', 'MB', 'lower', [oursAtMost(200)], [oursAtMost(120)]),
    metric('RSS at its highest', 'MB', 'lower'),
  ],
  maxRounds: 3,
  measure: async (start) => {
    const broker = await start()
    await sleep(3000)
    const idle = residentMegabytes(broker.pid).now
    await createTopic(broker.port, 'memory', 3)
    const load = { port: broker.port, topic: 'memory', partitions: 3, bytes: 1e9 }
    await runRaw('produce', load)
    await runRaw('fetch', load)
    const after = residentMegabytes(broker.pid)
    await broker.stop()
    return { 'RSS idle': idle, 'RSS after 1 GB in and out': after.now, 'RSS at its highest': after.peak }
  },
}

const partitionsPerTopic = 1000

async function fillWithPartitions(start: StartBroker, topics: readonly string[]) {
  const broker = await start()
  const began = performance.now()
  for (const topic of topics) {
    await createTopic(broker.port, topic, partitionsPerTopic)
    const load = { batchBytes: 200, recordBytes: 100, bytes: 1, inFlight: 1 }
    await runRaw('produce', { port: broker.port, topic, partitions: partitionsPerTopic, ...load })
  }
  const creationMs = performance.now() - began
  await broker.kill()
  return { dataDir: broker.dataDir, creationMs }
}

function manyPartitions(count: number): Row {
  return {
    kind: 'alone',
    id: `partitions/${count}`,
    metrics: [
      metric('start after kill -9', 's', 'lower', [oursAtMost(5)], [oursAtMost(2)]),
      metric('RSS', 'MB', 'lower', [oursAtMost(400)], [oursAtMost(250)]),
      metric('clean stop', 's', 'lower'),
      metric('creation', 's', 'lower'),
    ],
    maxRounds: 1,
    // Kafka takes five minutes; what is judged is ours alone.
    quickSides: ['ours'],
    measure: async (start) => {
      const topics = Array.from({ length: count / partitionsPerTopic }, (_, index) => `many-${index}`)
      const { dataDir, creationMs } = await fillWithPartitions(start, topics)
      const broker = await start({ dataDir })
      const answered = performance.now()
      for (const topic of topics) await untilServed(broker.port, topic, partitionsPerTopic)
      const seconds = (broker.startMs + performance.now() - answered) / 1e3
      const rss = residentMegabytes(broker.pid).now
      const stopping = performance.now()
      await broker.stop()
      const stopSeconds = (performance.now() - stopping) / 1e3
      return {
        'start after kill -9': seconds,
        RSS: rss,
        'clean stop': stopSeconds,
        creation: creationMs / 1e3,
      }
    },
  }
}

export const lifecycleRows: readonly Row[] = [processStart, inProcessStart, memory, manyPartitions(10_000)]
