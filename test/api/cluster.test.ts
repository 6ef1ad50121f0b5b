// DescribeCluster, FindCoordinator, ListPartitionReassignments and DescribeLogDirs, version by version.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { handleDescribeCluster } from '../../src/api/describe-cluster.ts'
import { handleDescribeLogDirs } from '../../src/api/describe-log-dirs.ts'
import { handleFindCoordinator } from '../../src/api/find-coordinator.ts'
import { handleListPartitionReassignments } from '../../src/api/list-partition-reassignments.ts'
import type { Controller } from '../../src/cluster/controller.ts'
import type { GroupCoordinator } from '../../src/coordinator/group/group-coordinator.ts'
import type { LogDirectoryReport, Replicas } from '../../src/partition/replicas.ts'
import { describeCluster } from '../../src/wire/apis/describe-cluster.ts'
import { describeLogDirs } from '../../src/wire/apis/describe-log-dirs.ts'
import { findCoordinator } from '../../src/wire/apis/find-coordinator.ts'
import { listPartitionReassignments } from '../../src/wire/apis/list-partition-reassignments.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'
import { ask, versionsOf, withAdmin } from './admin-context.ts'

/** Of `answer`, the fields that `like` has. */
function pick(answer: object, like: object): object {
  return Object.fromEntries(Object.keys(like).map((key) => [key, answer[key as keyof typeof answer]]))
}

describe('DescribeCluster', () => {
  for (const version of versionsOf(describeCluster)) {
    test(`version ${version} tells brokers, controller and id`, () =>
      withAdmin(
        async (fixture) => {
          const answer = await ask(describeCluster, handleDescribeCluster, version, {}, fixture)
          assert.deepEqual(answer, {
            throttleTimeMs: 0,
            errorCode: 0,
            errorMessage: null,
            endpointType: 1,
            clusterId: fixture.view.image().clusterId,
            controllerId: 1,
            brokers: [
              { brokerId: 1, host: 'host-1', port: 9092, rack: null, isFenced: false },
              { brokerId: 2, host: 'host-2', port: 9092, rack: 'r', isFenced: false },
            ],
            clusterAuthorizedOperations: -0x80000000,
          })
        },
        { brokers: [{ id: 1 }, { id: 2, rack: 'r' }] },
      ))
  }

  test('sends those away who look for controllers, or for nobody knows what', () =>
    withAdmin(async (fixture) => {
      for (const [endpointType, code] of [
        [2, 114],
        [3, 115],
      ] as const) {
        const answer = await ask(describeCluster, handleDescribeCluster, 2, { endpointType }, fixture)
        assert.deepEqual([answer.errorCode, answer.brokers], [code, []])
        assert.ok(answer.errorMessage)
      }
    }))

  test('tells authorized operations when asked', () =>
    withAdmin(async (fixture) => {
      const request = { includeClusterAuthorizedOperations: true }
      const answer = await ask(describeCluster, handleDescribeCluster, 0, request, fixture)
      assert.equal(answer.clusterAuthorizedOperations, 8096)
    }))
})

describe('FindCoordinator', () => {
  const GROUP = 0
  const groupCoordinator = {
    async findCoordinator(groupId: string) {
      if (groupId === 'lost') throw new KafkaError(errors.COORDINATOR_NOT_AVAILABLE, 'It cannot be made.')
      return groupId === 'gone' ? 7 : 2
    },
  } as unknown as GroupCoordinator
  const options = { brokers: [{ id: 1 }, { id: 2 }], overrides: { broker: { groupCoordinator } } }

  for (const version of versionsOf(findCoordinator)) {
    test(`version ${version} tells where groups are, and lets clients wait when they are nowhere`, () =>
      withAdmin(async (fixture) => {
        const find = async (key: string) => {
          const request =
            version >= 4 ? { keyType: GROUP, coordinatorKeys: ['g', key] } : { key, keyType: GROUP }
          const answer = await ask(findCoordinator, handleFindCoordinator, version, request, fixture)
          if (version < 4) return answer
          assert.deepEqual(
            answer.coordinators.map((found) => found.key),
            ['g', key],
          )
          assert.equal(answer.coordinators[0]!.errorCode, 0)
          return answer.coordinators[1]!
        }
        const { errorCode, nodeId, host, port } = await find('h')
        assert.deepEqual(
          { errorCode, nodeId, host, port },
          { errorCode: 0, nodeId: 2, host: 'host-2', port: 9092 },
        )
        const nowhere = { errorCode: 15, nodeId: -1, host: '', port: -1 }
        const lost = await find('lost')
        assert.deepEqual(pick(lost, nowhere), nowhere)
        if (version >= 1) assert.equal(lost.errorMessage, 'It cannot be made.')
        assert.deepEqual(pick(await find('gone'), nowhere), nowhere, 'a broker that has no address here')
      }, options))
  }

  test('knows transactional ids from version 1, share partitions from version 6, and nothing else', () =>
    withAdmin(async (fixture) => {
      const code = async (version: number, keyType: number, key = 'k') => {
        const answer = await ask(
          findCoordinator,
          handleFindCoordinator,
          version,
          { keyType, key, coordinatorKeys: [key] },
          fixture,
        )
        return version >= 4 ? answer.coordinators[0]?.errorCode : answer.errorCode
      }
      assert.deepEqual(await Promise.all([code(1, 1), code(6, 1), code(6, 2)]), [15, 15, 42])
      assert.equal(await code(6, 2, 'g:AAAAAAAAAAAAAAAAAAAAAQ:0'), 15)
      assert.deepEqual(
        await Promise.all([code(5, 2), code(3, 2), code(1, 3), code(6, 3), code(6, -1)]),
        Array(5).fill(42),
      )
    }))
})

describe('ListPartitionReassignments', () => {
  const list = async (topics: { name: string; partitionIndexes: number[] }[] | null) => {
    let answer: unknown
    await withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 2 })
      const topic = fixture.view.image().topics.get('t')!
      const reassigning = () =>
        topic.partitions.map((partition) => ({ topic, partition: { ...partition, addingReplicas: [2] } }))
      const context = {
        ...fixture.context,
        broker: { ...fixture.context.broker, controller: { reassigning } as unknown as Controller },
      }
      const { topics: found, errorCode } = await ask(
        listPartitionReassignments,
        handleListPartitionReassignments,
        0,
        { topics },
        { context },
      )
      assert.equal(errorCode, 0)
      answer = found.map(({ name, partitions }) => [
        name,
        partitions.map(({ partitionIndex }) => partitionIndex),
      ])
    })
    return answer
  }

  test('gives all that move for null, those asked for otherwise, and passes over what does not exist', async () => {
    assert.deepEqual(await list(null), [['t', [0, 1]]])
    assert.deepEqual(await list([]), [])
    assert.deepEqual(
      await list([
        { name: 't', partitionIndexes: [1, 9] },
        { name: 'x', partitionIndexes: [0] },
      ]),
      [['t', [1]]],
    )
  })

  test('is empty while nothing moves', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 2 })
      const answer = await ask(
        listPartitionReassignments,
        handleListPartitionReassignments,
        0,
        { topics: null },
        fixture,
      )
      assert.deepEqual(answer.topics, [])
    }))
})

describe('DescribeLogDirs', () => {
  const replica = (topic: string, index: number) => ({ topic, index, sizeInBytes: 100 * (index + 1) })
  const reports: LogDirectoryReport[] = [
    {
      path: '/a',
      isOffline: false,
      totalBytes: 1000,
      freeBytes: 400,
      replicas: [replica('t', 0), replica('u', 0), replica('t', 1)],
    },
    { path: '/b', isOffline: true, totalBytes: -1, freeBytes: -1, replicas: [replica('t', 2)] },
  ]
  const overrides = { broker: { replicas: { logDirectories: async () => reports } as unknown as Replicas } }

  for (const version of versionsOf(describeLogDirs)) {
    test(`version ${version} tells sizes, and which directory is offline`, () =>
      withAdmin(
        async (fixture) => {
          const { results, errorCode } = await ask(
            describeLogDirs,
            handleDescribeLogDirs,
            version,
            { topics: null },
            fixture,
          )
          assert.equal(errorCode, 0)
          const bytes =
            version >= 4 ? { totalBytes: 1000, usableBytes: 400 } : { totalBytes: -1, usableBytes: -1 }
          const partition = (index: number) => ({
            partitionIndex: index,
            partitionSize: 100 * (index + 1),
            offsetLag: 0,
            isFutureKey: false,
          })
          assert.deepEqual(results, [
            {
              errorCode: 0,
              logDir: '/a',
              topics: [
                { name: 't', partitions: [partition(0), partition(1)] },
                { name: 'u', partitions: [partition(0)] },
              ],
              ...bytes,
              isCordoned: false,
            },
            { errorCode: 56, logDir: '/b', topics: [], totalBytes: -1, usableBytes: -1, isCordoned: false },
          ])
        },
        { overrides },
      ))
  }

  test('tells of the partitions asked for only', () =>
    withAdmin(
      async (fixture) => {
        const topics = [
          { topic: 't', partitions: [1, 7] },
          { topic: 'x', partitions: [0] },
        ]
        const { results } = await ask(describeLogDirs, handleDescribeLogDirs, 5, { topics }, fixture)
        assert.deepEqual(
          results[0]?.topics.map(({ name, partitions }) => [name, partitions.map((p) => p.partitionIndex)]),
          [['t', [1]]],
        )
      },
      { overrides },
    ))
})
