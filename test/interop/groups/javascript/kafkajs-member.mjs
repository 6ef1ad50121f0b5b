// A member of a group by kafkajs (eager, its own round-robin): commits after each batch. A batch whose commit failed comes
// again: what of it was told already is passed over.
// kafkajs tells its generation, and that the broker forgot it, only in its log, so that is where they are read from.
import kafkajs from 'kafkajs'
import { askedToLeave, fetchWaitMs, heartbeatIntervalMs, Report, readArguments } from './member.mjs'

const args = readArguments()
const report = new Report(args.name)
let generation = '-'

const logCreator =
  () =>
  ({ log }) => {
    if (log.message === 'Received assignment') generation = log.generationId
    if (log.message.startsWith('The coordinator is not aware of this member')) report.lostAll(generation)
  }

const kafka = new kafkajs.Kafka({
  clientId: args.name,
  brokers: [args.bootstrap],
  logLevel: kafkajs.logLevel.DEBUG,
  logCreator,
  retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 200 },
})
const consumer = kafka.consumer({
  groupId: args.group,
  sessionTimeout: args.sessionTimeoutMs,
  rebalanceTimeout: 10_000,
  heartbeatInterval: heartbeatIntervalMs,
  maxWaitTimeInMs: fetchWaitMs,
  metadataMaxAge: 1000,
})

consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  const topics = Object.entries(payload.memberAssignment).map(([topic, partitions]) => ({
    topic,
    partitions,
  }))
  next.clear()
  report.assignment(generation, topics)
})
consumer.on(consumer.events.REBALANCING, () => report.revokedAllBut(generation))
consumer.on(consumer.events.CRASH, ({ payload }) => {
  report.hindered(payload.error)
  if (!payload.restart) process.exit(1)
})

await consumer.connect()
await consumer.subscribe({ topics: args.regex ? [new RegExp(args.regex)] : args.topics, fromBeginning: true })
report.ready()

/** The next offset to tell of each partition, since the last rebalance. */
const next = new Map()
let isLeaving = false
let batchAtHand = Promise.resolve()

async function take({ batch, commitOffsetsIfNecessary, heartbeat }) {
  const partition = `${batch.topic}-${batch.partition}`
  for (const { offset, value } of batch.messages) {
    if (BigInt(offset) < (next.get(partition) ?? 0n)) continue
    next.set(partition, BigInt(offset) + 1n)
    report.record(batch.topic, batch.partition, offset, value)
  }
  const partitions = [{ partition: batch.partition, offset: String(BigInt(batch.lastOffset()) + 1n) }]
  await commitOffsetsIfNecessary({ topics: [{ topic: batch.topic, partitions }] })
  report.committed([{ topic: batch.topic, ...partitions[0] }])
  await heartbeat()
}

await consumer.run({
  autoCommit: false,
  eachBatch: async (payload) => {
    if (isLeaving) return
    const taken = take(payload)
    batchAtHand = taken.catch((error) => report.hindered(error))
    await taken
  },
})
await askedToLeave()
isLeaving = true
await batchAtHand
// Before it leaves: afterwards the partitions have other owners.
report.revokedAllBut(generation)
await consumer.stop()
report.left()
// Not disconnect(): it may wait for connections that a dead broker left behind.
process.exit(0)
