// franz-go's admin client (kadm) and single requests (kmsg) on the cluster, producers and log directories.
// Promises exact answers: what Apache Kafka 4.3 fills in, its error codes, and what a change leaves behind.
// Topics and configs are in franz-go-topics.test.ts, offsets in franz-go-offsets.test.ts.
import assert from 'node:assert/strict'
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { recordsAt, startMs } from '../programs/numbered-records.ts'
import { skipWithout } from '../support/languages.ts'
import { type Failed, FranzGoAdmin, type Named, type PerPartition } from './kadm.ts'

describe('franz-go admin: cluster', { skip: skipWithout('Go', ['go']) }, () => {
  let client: FranzGoAdmin
  let nodeId: number

  before(async () => {
    client = await FranzGoAdmin.start()
    nodeId = await client.nodeId()
  })
  after(() => client?.stop())

  test('DescribeCluster: brokers, controller, operations; the endpoint of controllers is elsewhere', async () => {
    interface Cluster {
      readonly ErrorCode: number
      readonly ClusterID: string
      readonly ControllerID: number
      readonly EndpointType: number
      readonly Brokers: readonly { NodeID: number; Host: string; Port: number; Rack: string | null }[] | null
      readonly ClusterAuthorizedOperations: number
    }
    const [host, port] = client.broker.bootstrapServers.split(':')
    const { Cluster: clusterId } = await client.admin<{ Cluster: string }>('brokerMetadata')
    for (const version of [0, 1, 2]) {
      const body = { EndpointType: 1, IncludeClusterAuthorizedOperations: version > 0 }
      const answer = await client.request<Cluster>(60, body, version)
      const { ErrorCode, ClusterID, ControllerID, Brokers, ClusterAuthorizedOperations } = answer
      assert.deepEqual([ErrorCode, ClusterID, ControllerID], [0, clusterId, nodeId])
      assert.deepEqual(
        Brokers?.map(({ NodeID, Host, Port, Rack }) => [NodeID, Host, Port, Rack]),
        [[nodeId, host, Number(port), null]],
      )
      // Create, alter, describe, cluster action, describe and alter configs, idempotent write; or "not asked".
      assert.equal(ClusterAuthorizedOperations, version > 0 ? 8096 : -(2 ** 31))
    }
    assert.match(clusterId, /^[A-Za-z0-9_-]{22}$/)
    const controllers = await client.request<Cluster>(60, { EndpointType: 2 })
    assert.equal(controllers.ErrorCode, 114)
  })

  test('DescribeProducers shows the idempotent producers of a partition', async () => {
    const topic = 'producers'
    await client.createTopic(topic)
    await client.produce({ topic, acks: 'all, not idempotent', records: recordsAt(1) })
    interface Producer {
      readonly ProducerID: number
      readonly ProducerEpoch: number
      readonly LastSequence: number
      readonly LastTimestamp: number
      readonly CoordinatorEpoch: number
      readonly CurrentTxnStartOffset: number
    }
    type Answer = Named<{ Partitions: Named<{ ActiveProducers: Named<Producer>; Err: Failed }> }>
    const describeProducers = async () => {
      const answer = await client.admin<Answer>('describeProducers', { sets: { [topic]: { 0: {} } } })
      const { ActiveProducers, Err } = answer[topic]!.Partitions['0']!
      assert.equal(Err, null)
      return Object.values(ActiveProducers)
    }
    assert.deepEqual(await describeProducers(), [])
    await client.produce({ topic, records: recordsAt(1000, 3000, 2000) })
    await client.produce({ topic, records: recordsAt(4000) })
    const shown = (await describeProducers())
      .sort((one, other) => one.ProducerID - other.ProducerID)
      .map((of) => [of.ProducerEpoch, of.LastSequence, of.LastTimestamp - startMs, of.CurrentTxnStartOffset])
    assert.deepEqual(shown, [
      [0, 2, 3000, -1],
      [0, 0, 4000, -1],
    ])
  })

  test('DescribeTopicPartitions pages through partitions in the order of names', async () => {
    await client.createTopic('paged-b', 3)
    await client.createTopic('paged-a', 1)
    interface Page {
      readonly Topics: readonly {
        readonly Topic: string
        readonly ErrorCode: number
        readonly Partitions: readonly { Partition: number; LeaderID: number; ISR: number[] }[] | null
      }[]
      readonly NextCursor: { Topic: string; Partition: number } | null
    }
    const seen: unknown[] = []
    let cursor: Page['NextCursor'] = null
    for (let page = 0; page < 5; page += 1) {
      const answer: Page = await client.request<Page>(75, {
        Topics: [{ Topic: 'paged-a' }, { Topic: 'paged-b' }],
        ResponsePartitionLimit: 2,
        Cursor: cursor && { Topic: cursor.Topic, Partition: cursor.Partition },
      })
      for (const { Topic, ErrorCode, Partitions } of answer.Topics) {
        for (const { Partition, LeaderID } of Partitions ?? []) {
          seen.push([page, Topic, ErrorCode, Partition, LeaderID])
        }
      }
      cursor = answer.NextCursor
      if (cursor === null) break
    }
    assert.deepEqual(seen, [
      [0, 'paged-a', 0, 0, nodeId],
      [0, 'paged-b', 0, 0, nodeId],
      [1, 'paged-b', 0, 1, nodeId],
      [1, 'paged-b', 0, 2, nodeId],
    ])
    const absent = await client.request<Page>(75, {
      Topics: [{ Topic: 'absent' }],
      ResponsePartitionLimit: 10,
    })
    assert.deepEqual(
      absent.Topics.map(({ Topic, ErrorCode }) => [Topic, ErrorCode]),
      [['absent', 3]],
    )
  })

  test('DescribeLogDirs tells the bytes that lie in the directory', async () => {
    const topic = 'log-dirs'
    await client.createTopic(topic)
    await client.produce({ topic, records: recordsAt(...Array.from({ length: 500 }, (_, index) => index)) })
    type Answer = Named<
      Named<{
        Topics: PerPartition<{ Size: number; OffsetLag: number; IsFuture: boolean }>
        TotalBytes: number
      }>
    >
    const answer = await client.admin<Answer>('describeLogDirs', { sets: { [topic]: { 0: {} } } })
    const directories = Object.entries(answer[nodeId]!)
    assert.deepEqual(
      directories.map(([directory]) => directory),
      [client.broker.logDir],
    )
    const [, { Topics, TotalBytes }] = directories[0]!
    const files = readdirSync(join(client.broker.logDir, `${topic}-0`)).filter((name) =>
      name.endsWith('.log'),
    )
    const bytes = files.reduce(
      (sum, name) => sum + statSync(join(client.broker.logDir, `${topic}-0`, name)).size,
      0,
    )
    assert.ok(bytes > 500)
    assert.deepEqual(Topics, {
      [topic]: {
        0: {
          Broker: nodeId,
          Dir: client.broker.logDir,
          Topic: topic,
          Partition: 0,
          Size: bytes,
          OffsetLag: 0,
          IsFuture: false,
        },
      },
    })
    assert.ok(TotalBytes > bytes)
  })

  test('ListPartitionReassignments is empty; every version range told is inside that of Kafka 4.3', async () => {
    assert.deepEqual(await client.admin('listPartitionReassignments'), {})
    const ranges = await client.admin<Record<string, [number, number]>>('apiVersions')
    const expected: Record<string, [number, number]> = {
      0: [0, 13],
      1: [4, 18],
      2: [1, 11],
      3: [0, 13],
      10: [0, 6],
      18: [0, 4],
      19: [2, 7],
      20: [1, 6],
      21: [0, 2],
      22: [0, 5],
      23: [2, 4],
      32: [1, 4],
      33: [0, 2],
      35: [1, 5],
      37: [0, 3],
      44: [0, 1],
      46: [0, 0],
      60: [0, 2],
      61: [0, 0],
      75: [0, 0],
    }
    const told = Object.fromEntries(Object.keys(expected).map((key) => [key, ranges[key]]))
    assert.deepEqual(told, expected)
  })
})
