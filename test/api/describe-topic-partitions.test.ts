// DescribeTopicPartitions: pages, cursors, limits.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { handleDescribeTopicPartitions } from '../../src/api/describe-topic-partitions.ts'
import { describeTopicPartitions } from '../../src/wire/apis/describe-topic-partitions.ts'
import { type AdminFixture, ask, withAdmin } from './admin-context.ts'

const query = (request: object, fixture: AdminFixture) =>
  ask(
    describeTopicPartitions,
    handleDescribeTopicPartitions,
    0,
    { topics: [], responsePartitionLimit: 2000, cursor: null, ...request },
    fixture,
  )

const named = (...names: string[]) => names.map((name) => ({ name }))

/** `name:first-last` for each topic of a page. */
function shape({ topics }: Awaited<ReturnType<typeof query>>): string[] {
  return topics.map(({ name, partitions, errorCode }) => {
    if (errorCode !== 0) return `${name}!${errorCode}`
    return `${name}:${partitions.map(({ partitionIndex }) => partitionIndex).join('')}`
  })
}

describe('DescribeTopicPartitions', () => {
  test('describes a topic with everything a partition has', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 1 })
      const { topics, nextCursor } = await query({ topics: named('t') }, fixture)
      assert.equal(nextCursor, null)
      assert.deepEqual(topics, [
        {
          errorCode: 0,
          name: 't',
          topicId: fixture.view.image().topics.get('t')!.id,
          isInternal: false,
          topicAuthorizedOperations: 3576,
          partitions: [
            {
              errorCode: 0,
              partitionIndex: 0,
              leaderId: 1,
              leaderEpoch: 0,
              replicaNodes: [1],
              isrNodes: [1],
              eligibleLeaderReplicas: [],
              lastKnownElr: [],
              offlineReplicas: [],
            },
          ],
        },
      ])
    }))

  test('sorts by name, gives all topics for an empty list, and an error for one that is not there', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ c: 1, a: 2, b: 1 })
      assert.deepEqual(shape(await query({}, fixture)), ['a:01', 'b:0', 'c:0'])
      assert.deepEqual(shape(await query({ topics: named('x', 'c', 'a b', 'a') }, fixture)), [
        'a:01',
        'a b!17',
        'c:0',
        'x!3',
      ])
    }))

  test('gives the same partitions in pages of any size', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ a: 3, b: 1, c: 4 })
      const all = shape(await query({}, fixture)).flatMap(flat)
      for (let limit = 1; limit <= 9; limit++) {
        const seen: string[] = []
        let cursor: { topicName: string; partitionIndex: number } | null = null
        let pages = 0
        do {
          const page: Awaited<ReturnType<typeof query>> = await query(
            { responsePartitionLimit: limit, cursor },
            fixture,
          )
          const count = page.topics.reduce((sum, { partitions }) => sum + partitions.length, 0)
          assert.ok(count <= limit && (count === limit || page.nextCursor === null))
          seen.push(...shape(page).flatMap(flat))
          cursor = page.nextCursor
        } while (cursor !== null && ++pages < 20)
        assert.deepEqual(seen, all, `limit ${limit}`)
      }
    }))

  test('goes on at the next topic when a page ends with one', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ a: 2, b: 1 })
      const page = await query({ responsePartitionLimit: 2 }, fixture)
      assert.deepEqual(page.nextCursor, { topicName: 'b', partitionIndex: 0 })
    }))

  test('starts with the next name when the topic of the cursor is gone', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ a: 2, c: 1 })
      assert.deepEqual(shape(await query({ cursor: { topicName: 'b', partitionIndex: 7 } }, fixture)), [
        'c:0',
      ])
    }))

  test('never gives more than the broker allows, nor less than one partition', () =>
    withAdmin(
      async (fixture) => {
        await fixture.createTopics({ a: 9 })
        assert.deepEqual(shape(await query({}, fixture)), ['a:0123'])
        assert.deepEqual(shape(await query({ responsePartitionLimit: -5 }, fixture)), ['a:0'])
      },
      { settings: { 'max.request.partition.size.limit': '4' } },
    ))

  test('refuses a cursor below zero, and one that none of the topics asked for can have given', () =>
    withAdmin(async (fixture) => {
      await fixture.createTopics({ t: 2 })
      const foreign = { topicName: 'b', partitionIndex: 0 }
      assert.deepEqual(shape(await query({ topics: named('t', 'u'), cursor: foreign }, fixture)), [
        't!42',
        'u!42',
      ])
      const cursor = { topicName: 'a', partitionIndex: -1 }
      assert.deepEqual(shape(await query({ topics: named('t'), cursor }, fixture)), ['t!42'])
    }))
})

function flat(line: string): string[] {
  const [name, indexes = ''] = line.split(':')
  return [...indexes].map((index) => `${name}${index}`)
}
