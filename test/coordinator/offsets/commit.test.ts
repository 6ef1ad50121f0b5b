// OffsetCommit: who may commit, what is written, and what a commit without a group brings about.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import { commitOffsets } from '../../../src/coordinator/group/offsets/commit.ts'
import { fetchOffsets } from '../../../src/coordinator/group/offsets/fetch.ts'
import { errors, KafkaError } from '../../../src/wire/errors.ts'
import { ZERO_UUID } from '../../../src/wire/schema.ts'
import { fetchedText, OffsetsShard, requestOf, topicIds } from './offsets-shard.ts'

describe('a client that joins no group', () => {
  test('commits, and the group is there', () => {
    const shard = new OffsetsShard()
    assert.equal(shard.offsetCommit('g', 't-0@5/3:here t-1@7 u-0@0'), 't-0 t-1 u-0')
    assert.equal(shard.offsetFetch('g'), 't-0@5/3:here t-1@7 u-0@0')
    const group = shard.machine.groups.get('g')
    assert.ok(group instanceof ClassicGroup)
    assert.deepEqual([group.stateName, group.protocolType, group.stateSinceMs], ['Empty', '', shard.nowMs])
    assert.deepEqual(
      shard.notes.map(({ groupId, kind }) => [groupId, kind]),
      [['g', 'created']],
    )
    assert.equal(shard.offsetCommit('g', 't-0@6'), 't-0')
    assert.equal(shard.notes.length, 1, 'it was there already')
    shard.assertSameAfterReload()
  })

  test('is written as Kafka 4.3 writes it: with the id of the topic and the time of the commit', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-1@5/3:here')
    assert.deepEqual(shard.records, [
      {
        type: 'OffsetCommit',
        key: { group: 'g', topic: 't', partition: 1 },
        value: {
          offset: 5,
          leaderEpoch: 3,
          metadata: 'here',
          commitTimestamp: shard.nowMs,
          expireTimestamp: -1,
          topicId: topicIds.t,
        },
      },
    ])
  })

  test('may say how long to keep it (OffsetCommit 2 to 4)', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@5', { retentionTimeMs: 1000, apiVersion: 4 })
    assert.equal(shard.machine.offsets.get('g', 't', 0)?.expireTimestampMs, shard.nowMs + 1000)
    // The layout that has room for it has none for the id.
    assert.equal(shard.reload().offsets.get('g', 't', 0)?.topicId, ZERO_UUID)
    assert.equal(shard.reload().offsets.get('g', 't', 0)?.expireTimestampMs, shard.nowMs + 1000)
  })

  test('may ask to keep it for the longest time there is', () => {
    const shard = new OffsetsShard()
    assert.equal(shard.offsetCommit('g', 't-0@5', { retentionTimeMs: Number.MAX_SAFE_INTEGER }), 't-0')
    assert.equal(shard.reload().offsets.get('g', 't', 0)?.expireTimestampMs, Number.MAX_SAFE_INTEGER)
  })

  test('may commit for the group without a name, as ever', () => {
    const shard = new OffsetsShard()
    assert.equal(shard.offsetCommit('', 't-0@5'), 't-0')
    assert.equal(shard.offsetFetch('', 't-0'), 't-0@5')
  })
})

describe('a generation of a group that is not there', () => {
  for (const [apiVersion, error] of [
    [2, 'ILLEGAL_GENERATION'],
    [8, 'ILLEGAL_GENERATION'],
    [9, 'GROUP_ID_NOT_FOUND'],
    [10, 'GROUP_ID_NOT_FOUND'],
  ] as const) {
    test(`version ${apiVersion}: ${error}`, () => {
      const shard = new OffsetsShard()
      const client = { generationIdOrMemberEpoch: 0, memberId: 'm', apiVersion }
      assert.equal(shard.offsetCommit('g', 't-0@5', client), error)
      assert.deepEqual(shard.records, [])
    })
  }
})

describe('metadata', () => {
  test('that is too large keeps its partition back, not the others', () => {
    const shard = new OffsetsShard({ 'offset.metadata.max.bytes': '4' })
    assert.equal(
      shard.offsetCommit('g', 't-0@1:1234 t-1@2:12345 u-0@3'),
      't-0 t-1=OFFSET_METADATA_TOO_LARGE u-0',
    )
    assert.equal(shard.offsetFetch('g', 't-0 t-1 u-0'), 't-0@1:1234 t-1@-1 u-0@3')
  })

  test('that is too large for all of them leaves no group behind', () => {
    const shard = new OffsetsShard({ 'offset.metadata.max.bytes': '4' })
    assert.equal(shard.offsetCommit('g', 't-0@1:12345'), 't-0=OFFSET_METADATA_TOO_LARGE')
    assert.equal(shard.machine.groups.get('g'), undefined)
    assert.deepEqual([shard.records, shard.notes], [[], []])
  })

  test('null is as good as none', () => {
    const shard = new OffsetsShard()
    const request = requestOf('g', 't-0@1')
    assert.equal(request.topics[0]!.partitions[0]!.committedMetadata, null)
    shard.offsetCommit('g', 't-0@1')
    assert.equal(shard.machine.offsets.get('g', 't', 0)?.metadata, '')
  })
})

describe('a group that is there', () => {
  test('decides itself, and is told who commits for which partitions', () => {
    const shard = new OffsetsShard({ 'offset.metadata.max.bytes': '4' })
    const group = shard.group('g')
    const client = {
      memberId: 'm',
      groupInstanceId: 'i',
      generationIdOrMemberEpoch: 3,
      apiVersion: 9,
    }
    shard.offsetCommit('g', 't-0@1 t-1@2:12345 u-7@3', client)
    assert.deepEqual(group.commits, [
      {
        client,
        partitions: [
          { topic: 't', partition: 0 },
          { topic: 'u', partition: 7 },
        ],
      },
    ])
  })

  test('refuses as a whole', () => {
    const shard = new OffsetsShard()
    const group = shard.group('g')
    group.refuse.commit = new KafkaError(errors.STALE_MEMBER_EPOCH)
    assert.equal(shard.offsetCommit('g', 't-0@1 t-1@2'), 'STALE_MEMBER_EPOCH')
    assert.deepEqual(shard.records, [])
  })

  test('that is empty and classic takes commits without a generation, and none with one', () => {
    const shard = new OffsetsShard()
    shard.offsetCommit('g', 't-0@1')
    assert.equal(shard.offsetCommit('g', 't-0@2', { memberId: 'm' }), 't-0')
    assert.equal(
      shard.offsetCommit('g', 't-0@3', { memberId: 'm', generationIdOrMemberEpoch: 0 }),
      'UNKNOWN_MEMBER_ID',
    )
    assert.equal(shard.offsetFetch('g'), 't-0@2')
  })
})

test('a commit that cannot be written has not happened', () => {
  const shard = new OffsetsShard()
  shard.offsetCommit('g', 't-0@1')
  shard.failNextAppend(errors.NOT_ENOUGH_REPLICAS)
  assert.equal(shard.offsetCommit('g', 't-0@2 t-1@2'), 'NOT_ENOUGH_REPLICAS')
  assert.equal(shard.offsetFetch('g'), 't-0@1')
  shard.assertSameAfterReload()
})

test('a fetch sees what was committed before it, and waits until that is safe', () => {
  const shard = new OffsetsShard()
  shard.holdCommits()
  const { surroundings } = shard.machine
  const commit = shard.run((machine, step) =>
    commitOffsets(machine, requestOf('g', 't-0@5'), step, surroundings),
  )
  const topics = [{ name: 't', topicId: topicIds.t!, partitionIndexes: [0] }]
  const request = { groupId: 'g', memberId: null, memberEpoch: -1, requireStable: false, topics }
  const fetch = shard.run((machine) => fetchOffsets(machine, request))
  assert.deepEqual([commit.isAnswered, fetch.isAnswered], [false, false])
  shard.commit()
  assert.deepEqual(fetch.answer.flatMap(fetchedText), ['t-0@5'])
})
