// @platformatic/kafka as a client program: its producer, its admin, and its consumer's fetch without joining a group.
// Needs Node 22.22 or 24.6 and newer.
import { Admin, Consumer, Producer, stringSerializers } from '@platformatic/kafka'
import { commonCommands, serve } from './program.mjs'

const acksOf = { 0: 0, 1: 1, all: -1 }
const base = (servers) => ({
  clientId: 'platformatic-interop',
  bootstrapBrokers: [servers],
  // Long enough for a broker that comes back from the dead.
  retries: 150,
  retryDelay: 200,
  timeout: 10_000,
  connectTimeout: 2000,
  autocreateTopics: false,
})

async function closing(client, use) {
  try {
    return await use(client)
  } finally {
    // A consumer takes a flag first: leave the group by force.
    await (client instanceof Consumer ? client.close(true) : client.close())
  }
}

const withProducer = (servers, { codec = 'none', acks = 'all', idempotent = false, retries }, use) =>
  closing(new Producer({ ...base(servers), idempotent, ...(retries && { retries }) }), (producer) =>
    use(async (topic, records) => {
      const messages = records.map(({ partition, key, value, headers, timestamp }) => ({
        topic,
        partition,
        key,
        value,
        // A Map keyed by Buffers keeps a name that comes twice.
        headers: new Map(headers.map(([name, bytes]) => [Buffer.from(name), bytes])),
        ...(timestamp !== undefined && { timestamp: BigInt(timestamp) }),
      }))
      const { offsets } = await producer.send({ messages, compression: codec, acks: acksOf[acks] })
      return new Map((offsets ?? []).map(({ partition, offset }) => [partition, Number(offset)]))
    }),
  )

const withFetcher = (servers, topic, use) =>
  closing(new Consumer({ ...base(servers), groupId: 'never-joined' }), async (consumer) => {
    const metadata = await consumer.metadata({ topics: [topic] })
    const { id, partitions } = metadata.topics.get(topic)
    return use(async (partition, offset) => {
      const { leader, leaderEpoch } = partitions[partition]
      const { responses } = await consumer.fetch({
        node: leader,
        maxWaitTime: 300,
        minBytes: 1,
        maxBytes: 10_485_760,
        topics: [
          {
            topicId: id,
            partitions: [
              {
                partition,
                currentLeaderEpoch: leaderEpoch,
                fetchOffset: BigInt(offset),
                lastFetchedEpoch: -1,
                partitionMaxBytes: 1_048_576,
              },
            ],
          },
        ],
      })
      const batches = responses[0]?.partitions[0]?.records ?? []
      return batches.flatMap((batch) =>
        batch.records.map((record) => ({
          offset: Number(batch.firstOffset) + record.offsetDelta,
          timestamp: Number(batch.firstTimestamp + record.timestampDelta),
          key: record.key,
          value: record.value,
          headers: record.headers.map(([name, value]) => [name.toString(), value]),
        })),
      )
    })
  })

const withAdmin = (servers, use) => closing(new Admin({ ...base(servers), retries: 5 }), use)

function describeError(error) {
  const seen = [error]
  for (const one of seen) {
    if (typeof one.apiCode === 'number') return { message: error.message, name: one.apiId, code: one.apiCode }
    seen.push(...(one.errors ?? []), ...(one.cause ? [one.cause] : []))
  }
  return { message: [...new Set(seen.map(({ message }) => message))].join(' < '), name: error.name }
}

// JSON has no big integers: these fields of the admin's options are ones.
const bigFields = new Set(['offset', 'timestamp'])
const options = (value) =>
  JSON.parse(JSON.stringify(value), (key, of) =>
    bigFields.has(key) && typeof of === 'number' ? BigInt(of) : of,
  )

await serve(
  {
    ...commonCommands({ withProducer, withFetcher }),
    createTopic: (servers, { topic, partitions, configs }) =>
      withAdmin(servers, (admin) =>
        admin.createTopics({
          topics: [topic],
          partitions,
          replicas: 1,
          configs: Object.entries(configs).map(([name, value]) => ({ name, value })),
        }),
      ),
    admin: (servers, { call, parameters }) =>
      withAdmin(servers, (admin) => admin[call](...parameters.map(options))),
    listOffsets: (servers, { topic, timestamp }) =>
      closing(new Consumer({ ...base(servers), groupId: 'never-joined' }), (consumer) =>
        consumer.listOffsets({ topics: [topic], timestamp: BigInt(timestamp) }),
      ),
    strings: (servers, { topic, messages }) =>
      closing(new Producer({ ...base(servers), serializers: stringSerializers }), (producer) =>
        producer.send({ messages: messages.map((message) => ({ topic, ...message })) }),
      ),
  },
  describeError,
)
