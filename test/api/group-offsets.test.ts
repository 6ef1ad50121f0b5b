// OffsetCommit, OffsetFetch and OffsetDelete as clients of every version see them, over a coordinator that says what the test wants it to say. What groups say themselves: test/coordinator.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { handleOffsetCommit } from '../../src/api/offset-commit.ts'
import { handleOffsetDelete } from '../../src/api/offset-delete.ts'
import { handleOffsetFetch } from '../../src/api/offset-fetch.ts'
import type { OffsetsToCommit } from '../../src/coordinator/group/offsets/commit.ts'
import {
  type FetchedTopic,
  noOffset,
  type OffsetsToFetch,
} from '../../src/coordinator/group/offsets/fetch.ts'
import { type OffsetCommitRequest, offsetCommit } from '../../src/wire/apis/offset-commit.ts'
import { type OffsetDeleteRequest, offsetDelete } from '../../src/wire/apis/offset-delete.ts'
import { offsetFetch } from '../../src/wire/apis/offset-fetch.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'
import { ZERO_UUID } from '../../src/wire/schema.ts'
import { type AdminFixture, ask, versionsOf } from './admin-context.ts'
import { refusing, withCoordinator } from './group-context.ts'

const {
  COORDINATOR_NOT_AVAILABLE,
  GROUP_ID_NOT_FOUND,
  INVALID_REQUEST,
  NOT_COORDINATOR,
  OFFSET_METADATA_TOO_LARGE,
  STALE_MEMBER_EPOCH,
  UNKNOWN_TOPIC_ID,
  UNKNOWN_TOPIC_OR_PARTITION,
  UNSTABLE_OFFSET_COMMIT,
} = errors
const UNKNOWN_ID = 'unknownunknownunknownA'

describe('OffsetCommit', () => {
  const commits: OffsetsToCommit[] = []
  const committing = {
    offsetCommit: async (request: OffsetsToCommit) => {
      commits.push(request)
      return {
        topics: request.topics.map(({ partitions }) => ({
          partitions: partitions.map(({ partitionIndex, committedMetadata }) => ({
            partitionIndex,
            errorCode: committedMetadata === 'large' ? OFFSET_METADATA_TOO_LARGE.code : 0,
          })),
        })),
      }
    },
  }
  const partition = (partitionIndex: number, committedMetadata: string | null = null) => ({
    partitionIndex,
    committedOffset: 5,
    committedMetadata,
  })
  const request = (topics: object[]) => ({ groupId: 'g', memberId: 'm', topics }) as OffsetCommitRequest

  for (const version of versionsOf(offsetCommit)) {
    const hasIds = version >= 10
    const codesOf = async (fixture: AdminFixture, topics: object[]) => {
      const answer = await ask(offsetCommit, handleOffsetCommit, version, request(topics), fixture)
      return answer.topics.map(({ partitions }) =>
        partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode]),
      )
    }

    test(`version ${version}: each partition has its own outcome, in the order of the request`, () =>
      withCoordinator(committing, async (fixture, id) => {
        const topics = [
          { name: 'x', topicId: UNKNOWN_ID, partitions: [partition(0)] },
          {
            name: 't',
            topicId: id('t'),
            partitions: [partition(7), partition(0, 'large'), partition(-1), partition(1, 'small')],
          },
          { name: 'u', topicId: id('u'), partitions: [partition(0)] },
        ]
        commits.length = 0
        const unknownTopic = hasIds ? UNKNOWN_TOPIC_ID : UNKNOWN_TOPIC_OR_PARTITION
        assert.deepEqual(await codesOf(fixture, topics), [
          [[0, unknownTopic.code]],
          [
            [7, UNKNOWN_TOPIC_OR_PARTITION.code],
            [0, OFFSET_METADATA_TOO_LARGE.code],
            [-1, UNKNOWN_TOPIC_OR_PARTITION.code],
            [1, 0],
          ],
          [[0, 0]],
        ])
        const told = commits.map(({ apiVersion, topics }) => [
          apiVersion,
          topics.map(({ name, topicId, partitions }) => [
            name,
            topicId,
            partitions.map(({ partitionIndex }) => partitionIndex),
          ]),
        ])
        assert.deepEqual(told, [
          [
            version,
            [
              ['t', id('t'), [0, 1]],
              ['u', id('u'), [0]],
            ],
          ],
        ])
      }))

    test(`version ${version}: what the group says goes for all that is there`, () =>
      withCoordinator({ offsetCommit: refusing(STALE_MEMBER_EPOCH) }, async (fixture, id) => {
        const topics = [{ name: 't', topicId: id('t'), partitions: [partition(0), partition(9)] }]
        assert.deepEqual(await codesOf(fixture, topics), [
          [
            [0, STALE_MEMBER_EPOCH.code],
            [9, UNKNOWN_TOPIC_OR_PARTITION.code],
          ],
        ])
      }))
  }

  test('is answered without the coordinator when nothing is there', () =>
    withCoordinator({ offsetCommit: () => assert.fail('was asked') }, async (fixture) => {
      const topics = [{ name: 'x', partitions: [partition(0)] }]
      const answer = await ask(offsetCommit, handleOffsetCommit, 9, request(topics), fixture)
      assert.equal(answer.topics[0]!.partitions[0]!.errorCode, UNKNOWN_TOPIC_OR_PARTITION.code)
    }))

  test('tells the retention, the member and its generation on', () =>
    withCoordinator(committing, async (fixture) => {
      commits.length = 0
      const topics = [{ name: 't', partitions: [partition(0)] }]
      const full = {
        ...request(topics),
        retentionTimeMs: 77,
        generationIdOrMemberEpoch: 3,
        groupInstanceId: 'i',
      }
      await ask(offsetCommit, handleOffsetCommit, 4, full, fixture)
      await ask(offsetCommit, handleOffsetCommit, 7, full, fixture)
      assert.deepEqual(
        commits.map((commit) => [
          commit.retentionTimeMs,
          commit.memberId,
          commit.generationIdOrMemberEpoch,
          commit.groupInstanceId,
        ]),
        [
          [77, 'm', 3, null],
          [-1, 'm', 3, 'i'],
        ],
      )
    }))
})

describe('OffsetFetch', () => {
  const offsetOf = (partitionIndex: number) => ({
    partitionIndex,
    committedOffset: 40 + partitionIndex,
    committedLeaderEpoch: 3,
    metadata: 'm',
    errorCode: 0,
  })
  const fetches: OffsetsToFetch[] = []
  const fetching = {
    offsetFetch: async (request: OffsetsToFetch): Promise<FetchedTopic[]> => {
      fetches.push(request)
      if (request.groupId === 'bad') throw new KafkaError(NOT_COORDINATOR)
      if (request.groupId === 'away') throw new KafkaError(COORDINATOR_NOT_AVAILABLE)
      if (request.topics === null) {
        return ['t', 'gone'].map((name) => ({ name, topicId: ZERO_UUID, partitions: [offsetOf(1)] }))
      }
      return request.topics.map(({ name, topicId, partitionIndexes }) => ({
        name,
        topicId,
        partitions: partitionIndexes.map((index) =>
          index === 1 && request.requireStable
            ? noOffset(index, UNSTABLE_OFFSET_COMMIT.code)
            : offsetOf(index),
        ),
      }))
    },
  }

  test('of more than an answer can hold is refused, group by group', () => {
    const metadata = 'm'.repeat(4096)
    const large = {
      offsetFetch: async ({ groupId }: OffsetsToFetch): Promise<FetchedTopic[]> => {
        const count = groupId === 'large' ? 20_000 : 10
        const partitions = Array.from({ length: count }, () => ({ ...offsetOf(0), metadata }))
        return [{ name: 't', topicId: ZERO_UUID, partitions }]
      },
    }
    return withCoordinator(large, async (fixture) => {
      const groups = ['large', 'small', 'large', 'large'].map((groupId) => ({ groupId, topics: null }))
      const answer = await ask(offsetFetch, handleOffsetFetch, 8, { groups }, fixture)
      const { code } = INVALID_REQUEST
      assert.deepEqual(
        answer.groups.map(({ errorCode, topics }) => [errorCode, topics.length]),
        [
          [0, 1],
          [0, 1],
          [code, 0],
          [code, 0],
        ],
      )
    })
  })

  /** The answer of any version in one form: error, and topic-partition@offset=error. */
  const query = async (
    version: number,
    groupId: string,
    topics: object[] | null,
    fixture: AdminFixture,
    requireStable = false,
  ) => {
    const request = { groupId, topics, groups: [{ groupId, topics }], requireStable }
    const answer = await ask(offsetFetch, handleOffsetFetch, version, request as never, fixture)
    const group = version >= 8 ? answer.groups[0]! : answer
    if (version >= 8) assert.equal(answer.groups[0]!.groupId, groupId)
    const named = (topic: { name: string; topicId?: string }) => (version >= 10 ? topic.topicId! : topic.name)
    const partitions = (
      group.topics as { name: string; topicId?: string; partitions: ReturnType<typeof offsetOf>[] }[]
    ).flatMap((topic) =>
      topic.partitions.map(
        ({ partitionIndex, committedOffset, committedLeaderEpoch, errorCode }) =>
          `${named(topic)}-${partitionIndex}@${committedOffset}/${committedLeaderEpoch}=${errorCode}`,
      ),
    )
    return [group.errorCode, ...partitions]
  }
  const asked = (id: (name: string) => string) => [
    { name: 't', topicId: id('t'), partitionIndexes: [0, 1] },
    { name: 'x', topicId: UNKNOWN_ID, partitionIndexes: [2] },
  ]

  for (const version of versionsOf(offsetFetch)) {
    const epoch = version >= 5 ? 3 : -1

    test(`version ${version} has the offsets that were asked for`, () =>
      withCoordinator(fetching, async (fixture, id) => {
        const t = version >= 10 ? id('t') : 't'
        const x = version >= 10 ? `${UNKNOWN_ID}-2@-1/-1=${UNKNOWN_TOPIC_ID.code}` : `x-2@42/${epoch}=0`
        assert.deepEqual(await query(version, 'g', asked(id), fixture), [
          0,
          `${t}-0@40/${epoch}=0`,
          `${t}-1@41/${epoch}=0`,
          x,
        ])
      }))

    test(`version ${version} has a group's error where it is looked for`, () =>
      withCoordinator(fetching, async (fixture, id) => {
        const { code } = NOT_COORDINATOR
        const expected =
          version >= 2 ? [code] : [0, `t-0@-1/-1=${code}`, `t-1@-1/-1=${code}`, `x-2@-1/-1=${code}`]
        assert.deepEqual(await query(version, 'bad', asked(id), fixture), expected)
      }))

    test(`version ${version} tells no consumer COORDINATOR_NOT_AVAILABLE, which is the end of old ones`, () =>
      withCoordinator(fetching, async (fixture, id) => {
        assert.deepEqual(
          await query(version, 'away', asked(id), fixture),
          await query(version, 'bad', asked(id), fixture),
        )
      }))

    if (version >= 2) {
      test(`version ${version} has all offsets when no topics are named`, () =>
        withCoordinator(fetching, async (fixture, id) => {
          const expected =
            version >= 10 ? [0, `${id('t')}-1@41/3=0`] : [0, `t-1@41/${epoch}=0`, `gone-1@41/${epoch}=0`]
          assert.deepEqual(await query(version, 'g', null, fixture), expected)
        }))
    }

    if (version >= 7) {
      test(`version ${version} may insist on stable offsets`, () =>
        withCoordinator(fetching, async (fixture, id) => {
          const [error, , unstable] = await query(version, 'g', asked(id), fixture, true)
          assert.equal(error, 0)
          assert.match(`${unstable}`, new RegExp(`-1@-1/-1=${UNSTABLE_OFFSET_COMMIT.code}$`))
        }))
    }

    if (version >= 8) {
      test(`version ${version} asks for many groups, each with its own outcome`, () =>
        withCoordinator(fetching, async (fixture) => {
          const groups = ['one', 'bad', 'two'].map((groupId) => ({ groupId, topics: null }))
          const answer = await ask(offsetFetch, handleOffsetFetch, version, { groups }, fixture)
          assert.deepEqual(
            answer.groups.map(({ groupId, errorCode, topics }) => [groupId, errorCode, topics.length > 0]),
            [
              ['one', 0, true],
              ['bad', NOT_COORDINATOR.code, false],
              ['two', 0, true],
            ],
          )
        }))
    }
  }

  test('tells the coordinator who asks, and which topic of the name is meant', () =>
    withCoordinator(fetching, async (fixture, id) => {
      fetches.length = 0
      const groups = [{ groupId: 'g', memberId: 'm', memberEpoch: 4, topics: asked(id) }]
      await ask(offsetFetch, handleOffsetFetch, 9, { groups, requireStable: true }, fixture)
      await query(1, 'g', asked(id), fixture)
      assert.deepEqual(
        fetches.map(({ memberId, memberEpoch, requireStable }) => [memberId, memberEpoch, requireStable]),
        [
          ['m', 4, true],
          [null, -1, false],
        ],
      )
      for (const { topics } of fetches) {
        assert.deepEqual(
          topics?.map(({ name, topicId }) => [name, topicId]),
          [
            ['t', id('t')],
            ['x', ZERO_UUID],
          ],
        )
      }
    }))
})

describe('OffsetDelete', () => {
  const request = {
    groupId: 'g',
    topics: [
      { name: 't', partitions: [{ partitionIndex: 9 }, { partitionIndex: 1 }] },
      { name: 'x', partitions: [{ partitionIndex: 0 }] },
    ],
  }

  test('refuses by itself what does not exist', () => {
    const asked: OffsetDeleteRequest[] = []
    const deleting = {
      offsetDelete: async (request: OffsetDeleteRequest) => {
        asked.push(request)
        return request
      },
    }
    return withCoordinator(deleting, async (fixture) => {
      const answer = await ask(offsetDelete, handleOffsetDelete, 0, request, fixture)
      assert.equal(answer.errorCode, 0)
      assert.deepEqual(answer.topics, [
        {
          name: 't',
          partitions: [
            { partitionIndex: 9, errorCode: UNKNOWN_TOPIC_OR_PARTITION.code },
            { partitionIndex: 1, errorCode: 0 },
          ],
        },
        { name: 'x', partitions: [{ partitionIndex: 0, errorCode: UNKNOWN_TOPIC_OR_PARTITION.code }] },
      ])
      assert.deepEqual(
        asked[0]!.topics.map(({ partitions }) => partitions.length),
        [1, 0],
      )
    })
  })

  test("has the group's error at the top", () =>
    withCoordinator({ offsetDelete: refusing(GROUP_ID_NOT_FOUND) }, async (fixture) => {
      const answer = await ask(offsetDelete, handleOffsetDelete, 0, request, fixture)
      assert.deepEqual([answer.errorCode, answer.topics], [GROUP_ID_NOT_FOUND.code, []])
    }))
})
