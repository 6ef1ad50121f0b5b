// Committed offsets go from Apache Kafka 4.3 to the broker under test and back, with a SIGKILL each time: of all record
// versions, of transactions that committed, aborted or never ended; and DumpLogSegments reads what we wrote.
import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { addOffsetsToTxn } from '../../../src/wire/apis/add-offsets-to-txn.ts'
import { deleteGroups } from '../../../src/wire/apis/delete-groups.ts'
import { endTxn } from '../../../src/wire/apis/end-txn.ts'
import { findCoordinator } from '../../../src/wire/apis/find-coordinator.ts'
import { initProducerId } from '../../../src/wire/apis/init-producer-id.ts'
import { listGroups } from '../../../src/wire/apis/list-groups.ts'
import { offsetCommit } from '../../../src/wire/apis/offset-commit.ts'
import { offsetDelete } from '../../../src/wire/apis/offset-delete.ts'
import { offsetFetch } from '../../../src/wire/apis/offset-fetch.ts'
import { txnOffsetCommit } from '../../../src/wire/apis/txn-offset-commit.ts'
import { makeTopic } from '../../support/calls.ts'
import { RawClient } from '../../support/raw-client.ts'
import { type BrokerUnderTest, interopTarget, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { javaSkipReason, startJavaTools } from '../support/java-programs.ts'
import { waitFor } from '../support/processes.ts'

const GROUP = 0
const TRANSACTION = 1
const UNSTABLE = 'unstable'

/** Runs `use` with a connection once the coordinators of these keys answer. */
async function withClient<Result>(
  broker: BrokerUnderTest,
  keys: Readonly<Record<number, readonly string[]>>,
  use: (client: RawClient) => Promise<Result>,
): Promise<Result> {
  const client = await RawClient.connect(Number(broker.bootstrapServers.split(':')[1]))
  try {
    for (const [type, coordinatorKeys] of Object.entries(keys)) {
      await waitFor(`coordinators of ${coordinatorKeys}`, async () => {
        const request = { keyType: Number(type), coordinatorKeys: [...coordinatorKeys] }
        const { coordinators } = await client.ask(findCoordinator, 4, request)
        return coordinators.every(({ errorCode }) => errorCode === 0) || undefined
      })
    }
    for (const groupId of keys[GROUP] ?? []) {
      await waitFor(`${groupId} is loaded`, async () => {
        const { groups } = await client.ask(offsetFetch, 9, { groups: [{ groupId, topics: null }] })
        return groups[0]!.errorCode === 0 || undefined
      })
    }
    return await use(client)
  } finally {
    client.close()
  }
}

const partitionsAt = (offset: number, indexes: readonly number[]) =>
  indexes.map((partitionIndex) => ({
    partitionIndex,
    committedOffset: offset + partitionIndex,
    committedLeaderEpoch: 0,
    committedMetadata: `at ${offset}`,
  }))

async function commit(
  client: RawClient,
  groupId: string,
  version: number,
  offset: number,
  more: { readonly retentionTimeMs?: number; readonly topicId?: string } = {},
): Promise<void> {
  const { topicId, ...rest } = more
  const topics = [{ name: 'read', topicId, partitions: partitionsAt(offset, [0, 1]) }]
  const answer = await client.ask(offsetCommit, version, { groupId, topics, ...rest })
  for (const { errorCode } of answer.topics[0]!.partitions) assert.equal(errorCode, 0)
}

async function commitInTransaction(
  client: RawClient,
  groupId: string,
  offset: number,
  outcome: 'commit' | 'abort' | 'open',
): Promise<void> {
  const transactionalId = outcome
  const producer = await waitFor(`a producer for ${transactionalId}`, async () => {
    const request = { transactionalId, transactionTimeoutMs: 600_000 }
    const { errorCode, producerId, producerEpoch } = await client.ask(initProducerId, 4, request)
    return errorCode === 0 ? { transactionalId, producerId, producerEpoch } : undefined
  })
  assert.equal((await client.ask(addOffsetsToTxn, 3, { ...producer, groupId })).errorCode, 0)
  const topics = [{ name: 'read', partitions: partitionsAt(offset, [1, 2]) }]
  const answer = await client.ask(txnOffsetCommit, 3, { ...producer, groupId, topics })
  for (const { errorCode } of answer.topics[0]!.partitions) assert.equal(errorCode, 0)
  if (outcome === 'open') return
  const end = { ...producer, committed: outcome === 'commit' }
  assert.equal((await client.ask(endTxn, 4, end)).errorCode, 0)
}

/** What every group has, with and without patience for open transactions. */
async function read(client: RawClient, groupIds: readonly string[]): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const groupId of groupIds) {
    for (const requireStable of [false, true]) {
      const topics = [{ name: 'read', partitionIndexes: [0, 1, 2] }]
      const { groups } = await client.ask(offsetFetch, 9, { groups: [{ groupId, topics }], requireStable })
      found[`${groupId}${requireStable ? ', stable' : ''}`] = groups[0]!.topics[0]!.partitions.map(
        ({ committedOffset, committedLeaderEpoch, metadata, errorCode }) =>
          errorCode === 88 ? UNSTABLE : `${committedOffset}/${committedLeaderEpoch} ${metadata}`,
      ).join(', ')
    }
  }
  return found
}

describe('offsets that groups have committed', { skip: javaSkipReason() }, () => {
  test('outlive the way from Apache Kafka to us and back', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'interop-offsets-'))
    const running: BrokerUnderTest[] = []
    const start = async (target = interopTarget) => {
      const properties = { 'node.id': '1', 'offsets.topic.num.partitions': '5' }
      const broker = await startBrokerUnderTest({ dataDir, target, properties })
      running.push(broker)
      return broker
    }
    const ended = ['v2', 'v4', 'v9', 'v10', 'commit', 'abort', 'deleted', 'cleared']
    const groups = [...ended, 'open']
    const needs = { [GROUP]: groups, [TRANSACTION]: ['commit', 'abort', 'open'] }
    try {
      const writer = await start('apache')
      const { topicId, written } = await withClient(writer, needs, async (client) => {
        const topicId = await makeTopic(client, 'read', { partitions: 3 })
        for (const group of groups) {
          await waitFor('the topic is known', async () => {
            const topics = [{ name: 'read', partitions: partitionsAt(10, [0, 1]) }]
            const answer = await client.ask(offsetCommit, 9, { groupId: group, topics })
            return answer.topics[0]!.partitions.every(({ errorCode }) => errorCode === 0) || undefined
          })
        }
        await commit(client, 'v2', 2, 100)
        await commit(client, 'v4', 4, 200, { retentionTimeMs: 3_600_000 })
        await commit(client, 'v9', 9, 300)
        await commit(client, 'v10', 10, 400, { topicId })
        for (const outcome of ['commit', 'abort', 'open'] as const) {
          await commitInTransaction(client, outcome, 500, outcome)
        }
        assert.equal(
          (await client.ask(deleteGroups, 2, { groupsNames: ['deleted'] })).results[0]!.errorCode,
          0,
        )
        await client.ask(offsetDelete, 0, {
          groupId: 'cleared',
          topics: [{ name: 'read', partitions: [{ partitionIndex: 0 }] }],
        })
        const written = await waitFor('the transactions are over', async () => {
          const found = await read(client, groups)
          return ended.some((group) => found[`${group}, stable`]!.includes(UNSTABLE)) ? undefined : found
        })
        return { topicId, written }
      })
      assert.match(written['commit, stable']!, /^10\/0 at 10, 501\/0 at 500, 502\/0 at 500$/)
      assert.match(written['open, stable']!, /unstable, unstable$/)
      await writer.kill9()

      const broker = await start()
      const { listed, extended } = await withClient(broker, { [GROUP]: groups }, async (client) => {
        assert.deepEqual(await read(client, groups), written)
        const { groups: listed } = await client.ask(listGroups, 5, {})
        for (const [i, version] of [2, 4, 9, 10].entries()) {
          await commit(client, `v${version}`, version, 1000 + 100 * i, {
            topicId,
            ...(version === 4 && { retentionTimeMs: 7_200_000 }),
          })
        }
        assert.equal(
          (await client.ask(deleteGroups, 2, { groupsNames: ['cleared'] })).results[0]!.errorCode,
          0,
        )
        return { listed: listed.map(({ groupId }) => groupId).sort(), extended: await read(client, groups) }
      })
      assert.deepEqual(listed, groups.filter((group) => group !== 'deleted').sort())
      await broker.kill9()

      await assertDumped(broker.logDir)

      const reader = await start('apache')
      await withClient(reader, { [GROUP]: groups }, async (client) => {
        assert.deepEqual(await read(client, groups), extended)
      })
      await reader.halt()
    } finally {
      for (const broker of running) await broker.stop()
      await rm(dataDir, { recursive: true, force: true })
    }
  })
})

/** Kafka's own tool finds our records in the log, each with the fields it should have. */
async function assertDumped(logDir: string): Promise<void> {
  const tools = await startJavaTools()
  try {
    const directories = (await readdir(logDir)).filter((name) => name.startsWith('__consumer_offsets-'))
    const files = directories.map((name) => join(logDir, name, '00000000000000000000.log')).join(',')
    const tool = 'org.apache.kafka.tools.DumpLogSegments'
    const printed = await tools.ok(tool, '--offsets-decoder', '--files', files)
    const lines = printed.split('\n')
    const lineOf = (group: string, text: string) =>
      lines.find((line) => line.includes(`"group":"${group}"`) && line.includes(text)) ?? 'no such line'
    assert.match(lineOf('v9', '"offset":1200,'), /"metadata":"at 1200".*"topicId":"\w/)
    assert.match(lineOf('v4', '"offset":1100,'), /"expireTimestamp":\d{13}/)
    const tombstones = lines.filter((line) => line.includes('"group":"cleared"')).slice(-2)
    for (const line of tombstones) assert.match(line, /payload: ?<DELETE>/)
  } finally {
    await tools.stop()
  }
}
