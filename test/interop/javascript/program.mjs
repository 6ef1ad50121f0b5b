// The frame of a client program: one JSON command a line on standard input, JSON answers on standard output, in order.
// Promises {"id", "result"} or {"id", "error"} for each command, and {"id", "progress"} lines before it.
// Also the commands that look the same over every JavaScript client, given how it produces and fetches.
import { createInterface } from 'node:readline'
import { digester, fromJson, numbered, toJson } from './records.mjs'

const plain = (_, value) => {
  if (typeof value === 'bigint') return Number(value)
  return value instanceof Map ? Object.fromEntries(value) : value
}

const write = (answer) => process.stdout.write(`${JSON.stringify(answer, plain)}\n`)

/** Reads commands until the input ends; `describeError` finds the broker's code in what the client threw. */
export async function serve(commands, describeError) {
  for await (const line of createInterface({ input: process.stdin })) {
    const { id, command, bootstrapServers, arguments: args } = JSON.parse(line)
    const progress = (told) => write({ id, progress: told })
    try {
      const execute = commands[command]
      if (!execute) throw new Error(`no command named ${command}`)
      write({ id, result: (await execute(bootstrapServers, args, progress)) ?? null })
    } catch (error) {
      write({ id, error: describeError(error) })
    }
  }
  // A client that failed may have left sockets behind.
  process.exit(0)
}

const sleep = (delayMs) => new Promise((resolve) => setTimeout(resolve, delayMs))

/** Records of one send, as fast as the client answers, or paced. */
const RECORDS_PER_SEND = 600

/**
 * Commands over two functions of a client:
 * `withProducer(servers, options, use)` calls `use(send)`; `send(topic, [{partition, ...record}])` resolves with a Map of partition to base offset.
 * `withFetcher(servers, topic, use)` calls `use(fetch)`; `fetch(partition, offset)` resolves with records from there on.
 */
export function commonCommands({ withProducer, withFetcher }) {
  const readAll = async (fetch, partition, args, use) => {
    const { count, silenceMs = 20_000 } = args
    let next = args.offset ?? 0
    let seen = 0
    let lastSeenAt = Date.now()
    while (seen < count && Date.now() - lastSeenAt < silenceMs) {
      // A fetch may start in the middle of a batch: what lies before is the client's to drop.
      const fetched = (await fetch(partition, next)).filter(({ offset }) => offset >= next)
      for (const record of fetched) {
        use(record)
        seen += 1
        next = record.offset + 1
      }
      if (fetched.length > 0) lastSeenAt = Date.now()
    }
  }
  return {
    produce: (servers, { topic, partition, records, ...options }) =>
      withProducer(servers, options, async (send) => {
        const bases = await send(
          topic,
          records.map((record) => ({ partition, ...fromJson(record) })),
        )
        return records.map((_, index) => ({
          offset: bases.has(partition) ? bases.get(partition) + index : -1,
        }))
      }),
    produceMany: (servers, { topic, partitions, count, recordsPerSecond, ...options }, progress) =>
      withProducer(servers, { ...options, idempotent: true }, async (send) => {
        const startedAt = Date.now()
        let acknowledged = 0
        while (acknowledged < count) {
          if (recordsPerSecond) await sleep(startedAt + (acknowledged / recordsPerSecond) * 1000 - Date.now())
          const records = []
          for (let i = acknowledged; i < Math.min(count, acknowledged + RECORDS_PER_SEND); i += 1) {
            records.push({ partition: i % partitions, ...numbered(i) })
          }
          await send(topic, records)
          acknowledged += records.length
          progress({ acknowledged })
        }
        return { acknowledged, failures: [] }
      }),
    consume: (servers, args) =>
      withFetcher(servers, args.topic, async (fetch) => {
        const records = []
        await readAll(fetch, args.partition, args, (record) => records.push(toJson(record)))
        return records
      }),
    digestMany: (servers, { topic, partitions, count }) =>
      withFetcher(servers, topic, async (fetch) => {
        const results = []
        for (let partition = 0; partition < partitions; partition += 1) {
          const digest = digester()
          const expected = Math.floor((count - partition + partitions - 1) / partitions)
          let seen = 0
          let firstGap = -1
          await readAll(fetch, partition, { count: expected }, (record) => {
            if (record.offset !== seen && firstGap === -1) firstGap = record.offset
            seen += 1
            digest.add(record)
          })
          results.push({ partition, count: seen, digest: digest.sum(), firstGap })
        }
        return results
      }),
  }
}
