// A member of a group by @platformatic/kafka, with each of its protocols: eager, cooperative-sticky, consumer.
// Commits what it has told. The client goes on with its old partitions while an eager rebalance is under way, and reads
// again from the committed offset after each join: so an eager member takes a new stream for each generation, and what a
// stream brings twice, or of partitions that are gone, is passed over.
import { Consumer, MessagesStreamFallbackModes, MessagesStreamModes } from '@platformatic/kafka'
import { askedToLeave, fetchWaitMs, heartbeatIntervalMs, Report, readArguments } from './member.mjs'

const args = readArguments()
const report = new Report(args.name)
const strategy = args.strategy ?? 'roundrobin'
const kind =
  args.protocol === 'consumer' ? 'consumer' : strategy === 'cooperative-sticky' ? 'cooperative' : 'eager'

const consumer = new Consumer({
  clientId: args.name,
  bootstrapBrokers: [args.bootstrap],
  groupId: args.group,
  ...(args.instance && { groupInstanceId: args.instance }),
  ...(kind === 'consumer' && { groupProtocol: 'consumer', groupRemoteAssignor: args.strategy ?? 'uniform' }),
  retries: 300,
  retryDelay: 100,
  timeout: 10_000,
  connectTimeout: 2000,
  metadataMaxAge: 1000,
  autocreateTopics: false,
})

/** The next offset to tell of each partition, since it was assigned. */
const next = new Map()
const commits = new Set()
let stream
let isLeaving = false

const generation = () => (kind === 'consumer' ? '-' : consumer.generationId)
const names = () =>
  (consumer.assignments ?? []).flatMap(({ topic, partitions }) =>
    partitions.map((index) => `${topic}-${index}`),
  )

function giveUpAllBut(kept) {
  report.revokedAllBut(generation(), kept)
  for (const partition of [...next.keys()]) if (!kept.includes(partition)) next.delete(partition)
}

function takeUp() {
  const gone = [...next.keys()].filter((partition) => !names().includes(partition))
  for (const partition of gone) next.delete(partition)
  report.assignment(generation(), consumer.assignments ?? [])
}

function commit(message) {
  const { topic, partition, offset } = message
  const done = message
    .commit()
    .then(
      () => report.committed([{ topic, partition, offset: offset + 1n }]),
      (error) => report.hindered(error),
    )
    .finally(() => commits.delete(done))
  commits.add(done)
}

function take(message) {
  const { topic, partition, offset, value } = message
  const name = `${topic}-${partition}`
  if (isLeaving || !report.owns(topic, partition)) return
  if (offset < (next.get(name) ?? 0n)) return
  next.set(name, offset + 1n)
  report.record(topic, partition, offset, value)
  commit(message)
}

async function open() {
  const opened = await consumer.consume({
    topics: args.topics,
    mode: MessagesStreamModes.COMMITTED,
    fallbackMode: MessagesStreamFallbackModes.EARLIEST,
    autocommit: false,
    maxWaitTime: fetchWaitMs,
    sessionTimeout: args.sessionTimeoutMs,
    rebalanceTimeout: 10_000,
    heartbeatInterval: heartbeatIntervalMs,
    ...(kind !== 'consumer' && { protocols: [{ name: strategy, version: kind === 'cooperative' ? 3 : 1 }] }),
  })
  opened.on('data', (message) => {
    if (opened === stream) take(message)
  })
  opened.on('error', (error) => {
    report.hindered(error)
    if (opened !== stream || isLeaving) return
    // A commit that came too late ends the stream: the membership goes on, and so must the reading.
    stream = undefined
    if (kind !== 'eager') renew()
  })
  return opened
}

let renewing = Promise.resolve()
function renew() {
  renewing = renewing.then(async () => {
    const before = stream
    stream = undefined
    before?.destroy()
    if (!isLeaving) stream = await open()
  })
}

consumer.on('consumer:group:rebalance', () => {
  if (kind === 'eager') {
    giveUpAllBut([])
    stream?.pause()
  }
  if (kind === 'cooperative') giveUpAllBut(names())
})
consumer.on('consumer:group:join', () => {
  if (kind === 'consumer') return
  takeUp()
  if (kind === 'eager' && hasStarted) renew()
})
// The client tells the broker what it owns in heartbeats: from then on others may have the rest.
consumer.on('consumer:heartbeat:start', () => {
  if (kind !== 'consumer') return
  giveUpAllBut(names())
  if (names().some((name) => !next.has(name))) {
    for (const name of names()) if (!next.has(name)) next.set(name, 0n)
    takeUp()
  }
})

let hasStarted = false
report.ready()
// Streams come and go; the subscription stays.
for (const topic of args.topics) consumer.topics.track(topic)
stream = await open()
hasStarted = true
await askedToLeave()
isLeaving = true
await renewing
await Promise.allSettled(commits)
giveUpAllBut([])
await consumer.close(true)
report.left()
process.exit(0)
