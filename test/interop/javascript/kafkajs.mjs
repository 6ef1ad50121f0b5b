// kafkajs as a client program: its producer, its admin, and its own Fetch decoding without a group.
// Codecs are the packages that its users plug in; gzip is built in.

import Lz4Codec from '@2l/kafkajs-lz4'
import { Zstd } from '@hpcc-js/wasm-zstd'
import kafkajs from 'kafkajs'
import Cluster from 'kafkajs/src/cluster/index.js'
import LoggerConsole from 'kafkajs/src/loggers/console.js'
import loggers from 'kafkajs/src/loggers/index.js'
import createSocketFactory from 'kafkajs/src/network/socketFactory.js'
import SnappyCodec from 'kafkajs-snappy'
import { commonCommands, serve } from './program.mjs'

const { CompressionCodecs, CompressionTypes, Kafka, logLevel } = kafkajs
const zstd = await Zstd.load()
CompressionCodecs[CompressionTypes.Snappy] = SnappyCodec
CompressionCodecs[CompressionTypes.LZ4] = new Lz4Codec().codec
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async ({ buffer }) => Buffer.from(zstd.compress(buffer)),
  decompress: async (buffer) => Buffer.from(zstd.decompress(buffer)),
})

const compressionTypes = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}
const acksOf = { 0: 0, 1: 1, all: -1 }
const retry = { initialRetryTime: 50, maxRetryTime: 1000, retries: 20 }

const connect = (servers, retries = retry.retries) =>
  new Kafka({
    clientId: 'kafkajs-interop',
    brokers: [servers],
    logLevel: logLevel.NOTHING,
    retry: { ...retry, retries },
  })

function headersObject(pairs) {
  const headers = {}
  for (const [name, value] of pairs) {
    const earlier = headers[name]
    if (earlier === undefined) headers[name] = value
    else headers[name] = Array.isArray(earlier) ? [...earlier, value] : [earlier, value]
  }
  return headers
}

async function withProducer(servers, { codec = 'none', acks = 'all', idempotent = false, retries }, use) {
  const producer = connect(servers, retries).producer({
    allowAutoTopicCreation: false,
    idempotent,
    ...(idempotent && { maxInFlightRequests: 1 }),
  })
  await producer.connect()
  try {
    return await use(async (topic, records) => {
      const messages = records.map(({ partition, key, value, headers, timestamp }) => ({
        partition,
        key,
        value,
        headers: headersObject(headers),
        ...(timestamp !== undefined && { timestamp: String(timestamp) }),
      }))
      const compression = compressionTypes[codec]
      const answers = await producer.send({ topic, acks: acksOf[acks], compression, messages })
      return new Map(answers.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]))
    })
  } finally {
    await producer.disconnect()
  }
}

// The consumer of kafkajs always joins a group. Below it, Cluster and Broker fetch and decode what they are told to.
async function withFetcher(servers, topic, use) {
  const cluster = new Cluster({
    logger: loggers.createLogger({ level: logLevel.NOTHING, logCreator: LoggerConsole }),
    socketFactory: createSocketFactory(),
    brokers: [servers],
    clientId: 'kafkajs-interop',
    connectionTimeout: 2000,
    requestTimeout: 30_000,
    metadataMaxAge: 300_000,
    allowAutoTopicCreation: false,
    retry,
  })
  await cluster.connect()
  try {
    await cluster.addTargetTopic(topic)
    return await use(async (partition, offset) => {
      const [leader] = Object.entries(cluster.findLeaderForPartitions(topic, [partition]))
        .filter(([, partitions]) => partitions.includes(partition))
        .map(([nodeId]) => nodeId)
      const broker = await cluster.findBroker({ nodeId: leader })
      const { responses } = await broker.fetch({
        maxWaitTime: 300,
        topics: [{ topic, partitions: [{ partition, fetchOffset: String(offset), maxBytes: 1_048_576 }] }],
      })
      return responses[0].partitions[0].messages.map((message) => ({
        offset: Number(message.offset),
        timestamp: Number(message.timestamp),
        key: message.key,
        value: message.value,
        headers: Object.entries(message.headers).flatMap(([name, values]) =>
          (Array.isArray(values) ? values : [values]).map((value) => [name, value]),
        ),
      }))
    })
  } finally {
    await cluster.disconnect()
  }
}

async function withAdmin(servers, use) {
  const admin = connect(servers, 5).admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

/** The option waitForLeaders of kafkajs fails when the broker hears of the topic later than it answers. */
async function untilLed(admin, topic) {
  for (let attempts = 100; ; attempts -= 1) {
    try {
      const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
      if (topics[0].partitions.every(({ leader }) => leader >= 0)) return
    } catch (error) {
      if (attempts === 0) throw error
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function describeError(error) {
  for (let cause = error; cause; cause = cause.cause) {
    // Several topics can fail at once: the first of them is told.
    const [inner] = cause.errors ?? []
    const told = inner ?? cause
    if (typeof told.code === 'number') return { message: error.message, name: told.type, code: told.code }
    if (cause.name === 'KafkaJSDeleteTopicRecordsError') {
      const [partition] = cause.partitions
      return { message: error.message, name: partition.error.type, code: partition.error.code }
    }
  }
  return { message: error.message, name: error.name }
}

await serve(
  {
    ...commonCommands({ withProducer, withFetcher }),
    createTopic: (servers, { topic, partitions, configs }) =>
      withAdmin(servers, async (admin) => {
        const configEntries = Object.entries(configs).map(([name, value]) => ({ name, value }))
        const created = await admin.createTopics({
          waitForLeaders: false,
          topics: [{ topic, numPartitions: partitions, replicationFactor: 1, configEntries }],
        })
        if (!created) throw new Error(`${topic} exists`)
        await untilLed(admin, topic)
      }),
    admin: (servers, { call, parameters }) =>
      withAdmin(servers, async (admin) => {
        // kafkajs 2.2.4 looks for the leaders before it asks for metadata, unless an earlier call did.
        if (call === 'deleteTopicRecords') await admin.fetchTopicOffsets(parameters[0].topic)
        return admin[call](...parameters)
      }),
  },
  describeError,
)
