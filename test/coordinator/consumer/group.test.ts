// What a consumer group is to offsets and tools: who may commit and fetch, what is in use, description, deletion.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { describeConsumerGroup } from '../../../src/coordinator/group/consumer/describe.ts'
import type { OffsetsClient } from '../../../src/coordinator/group/group.ts'
import { KafkaError } from '../../../src/wire/errors.ts'
import { ConsumerScript, GROUP } from './script.ts'

/** a at epoch 3 with t-0 since epoch 2, b at epoch 3 with t-1 since epoch 3. */
const started = () => {
  const script = new ConsumerScript({ topics: { t: 2 } })
  script.join('a', 't')
  script.join('b', 't')
  script.settle()
  return script
}

function outcome(act: () => void): string {
  try {
    act()
    return 'NONE'
  } catch (error) {
    assert(error instanceof KafkaError)
    return error.error.name
  }
}

function commit(script: ConsumerScript, client: Partial<OffsetsClient>, ...partitions: string[]): string {
  const whole = {
    memberId: 'a1',
    groupInstanceId: null,
    generationIdOrMemberEpoch: 3,
    apiVersion: 9,
    ...client,
  }
  const listed = partitions.map((name) => ({ topic: name.slice(0, -2), partition: Number(name.at(-1)) }))
  let said = ''
  script.shard.run((_, step) => {
    said = outcome(() => script.group.checkOffsetCommit(whole, listed, step))
    return null
  })
  return said
}

describe('committing', () => {
  test('takes the member’s epoch, for whatever partition', () => {
    const script = started()
    assert.equal(commit(script, {}, 't-0'), 'NONE')
    assert.equal(commit(script, {}, 't-1'), 'NONE')
  })

  test('takes an older epoch for partitions that the member has had since then (Kafka 4.3)', () => {
    const script = started()
    assert.equal(commit(script, { generationIdOrMemberEpoch: 2 }, 't-0'), 'NONE')
    assert.equal(commit(script, { generationIdOrMemberEpoch: 1 }, 't-0'), 'STALE_MEMBER_EPOCH')
    assert.equal(commit(script, { generationIdOrMemberEpoch: 2 }, 't-1'), 'STALE_MEMBER_EPOCH', 'of b')
    assert.equal(commit(script, { generationIdOrMemberEpoch: 2 }, 't-0', 't-1'), 'STALE_MEMBER_EPOCH')
    const b = { memberId: 'b2', generationIdOrMemberEpoch: 2 }
    assert.equal(commit(script, b, 't-1'), 'STALE_MEMBER_EPOCH', 'b has it since epoch 3')
  })

  test('takes it also for partitions that the member has yet to give up', () => {
    const script = new ConsumerScript({ topics: { t: 2 } })
    script.join('a', 't')
    script.createTopic('u', 1)
    script.beat('a', { subscribedTopicNames: ['t', 'u'] })
    assert.equal(script.consumer('a').epoch, 3)
    script.join('b', 't')
    script.beat('a')
    assert.match(script.shape, /a@3 .*\(-t-/)
    const given = script.shape.match(/\(-(t-\d)\)/)![1]!
    assert.equal(commit(script, { generationIdOrMemberEpoch: 2 }, given), 'NONE')
  })

  test('refuses epochs to come, unknown members, and requests that cannot say the epoch', () => {
    const script = started()
    assert.equal(commit(script, { generationIdOrMemberEpoch: 4 }, 't-0'), 'STALE_MEMBER_EPOCH')
    assert.equal(commit(script, { memberId: 'x' }, 't-0'), 'UNKNOWN_MEMBER_ID')
    assert.equal(commit(script, { memberId: '', generationIdOrMemberEpoch: -1 }, 't-0'), 'UNKNOWN_MEMBER_ID')
    assert.equal(commit(script, { apiVersion: 8 }, 't-0'), 'UNSUPPORTED_VERSION')
  })

  test('without a member is for groups that have none', () => {
    const script = started()
    script.leave('a')
    script.leave('b')
    assert.equal(
      commit(script, { memberId: '', generationIdOrMemberEpoch: -1, apiVersion: 2 }, 't-0'),
      'NONE',
    )
    assert.equal(commit(script, { memberId: '', generationIdOrMemberEpoch: 0 }, 't-0'), 'UNKNOWN_MEMBER_ID')
  })

  test('in a transaction is ILLEGAL_GENERATION where it is stale, and needs no member', () => {
    const script = started()
    const check = (client: Partial<OffsetsClient>, topic?: string) =>
      outcome(() =>
        script.group.checkTransactionalOffsetCommit(
          { memberId: 'a1', groupInstanceId: null, generationIdOrMemberEpoch: 3, apiVersion: 3, ...client },
          topic === undefined ? undefined : [{ topic, partition: 0 }],
        ),
      )
    assert.equal(check({}), 'NONE')
    assert.equal(check({ generationIdOrMemberEpoch: 2 }), 'ILLEGAL_GENERATION')
    assert.equal(check({ generationIdOrMemberEpoch: 2 }, 't'), 'NONE')
    assert.equal(check({ generationIdOrMemberEpoch: 4 }, 't'), 'ILLEGAL_GENERATION')
    assert.equal(check({ memberId: '', generationIdOrMemberEpoch: -1 }), 'NONE')
    assert.equal(check({ memberId: 'x' }), 'UNKNOWN_MEMBER_ID')
  })
})

test('fetching takes the member’s epoch alone, or no member', () => {
  const { group } = started()
  const fetch = (memberId: string | null, epoch: number) =>
    outcome(() => group.checkOffsetFetch(memberId, epoch))
  assert.equal(fetch('a1', 3), 'NONE')
  assert.equal(fetch('a1', 2), 'STALE_MEMBER_EPOCH')
  assert.equal(fetch('x', 3), 'UNKNOWN_MEMBER_ID')
  assert.equal(fetch(null, -1), 'NONE')
})

test('offsets of topics that members subscribe to are in use; the others go for their age', () => {
  const script = started()
  assert.deepEqual(script.group.offsetExpiry('t'), { kind: 'never' })
  assert.deepEqual(script.group.offsetExpiry('u'), { kind: 'since-commit' })
  script.leave('a')
  script.leave('b')
  assert.deepEqual(script.group.offsetExpiry('t'), { kind: 'since-commit' })
})

test('a group can be deleted when it is empty: then nothing of it is left in the log', () => {
  const script = new ConsumerScript({ topics: { t: 2 } })
  script.join('a', { regex: '.*' })
  assert.equal(
    outcome(() => script.group.checkDelete()),
    'NON_EMPTY_GROUP',
  )
  script.leave('a')
  assert.equal(
    outcome(() => script.group.checkDelete()),
    'NONE',
  )
  script.shard.run(({ groups }, step) => groups.get(GROUP)!.appendTombstones(step))
  assert.equal(script.shard.machine.groups.size, 0)
  script.assertSameAfterReload()
  assert.equal(script.join('b', 't'), 'epoch 2: t-0 t-1')
})

describe('the description', () => {
  test('has epochs, state, assignor, and of each member what it has and shall have', () => {
    const script = new ConsumerScript({ topics: { t: 2 } })
    script.join('a', { topics: ['t'], instance: 'one', rack: 'r', assignor: 'range' })
    script.join('b', { regex: 't' })
    script.beat('a')
    const t = script.image.topics.get('t')!.id
    const part = (...partitions: number[]) => ({
      topicPartitions: partitions.length === 0 ? [] : [{ topicId: t, topicName: 't', partitions }],
    })
    assert.deepEqual(describeConsumerGroup(script.shard.machine.groups, GROUP), {
      errorCode: 0,
      errorMessage: null,
      groupId: GROUP,
      groupState: 'Reconciling',
      groupEpoch: 3,
      assignmentEpoch: 3,
      assignorName: 'range',
      members: [
        {
          memberId: 'a1',
          instanceId: 'one',
          rackId: 'r',
          memberEpoch: 2,
          clientId: 'a',
          clientHost: '/10.0.0.3',
          subscribedTopicNames: ['t'],
          subscribedTopicRegex: '',
          assignment: part(0, 1),
          targetAssignment: part(0),
          memberType: 1,
        },
        {
          memberId: 'b2',
          instanceId: null,
          rackId: null,
          memberEpoch: 3,
          clientId: 'b',
          clientHost: '/10.0.0.3',
          subscribedTopicNames: [],
          subscribedTopicRegex: 't',
          assignment: part(),
          targetAssignment: part(1),
          memberType: 1,
        },
      ],
    })
  })

  test('leaves topics out that are gone, and is GROUP_ID_NOT_FOUND for what is no consumer group', () => {
    const script = started()
    script.deleteTopic('t')
    const { members } = describeConsumerGroup(script.shard.machine.groups, GROUP)
    assert.deepEqual(members![0]!.assignment, { topicPartitions: [] })
    const missing = describeConsumerGroup(script.shard.machine.groups, 'x')
    assert.deepEqual(missing, { groupId: 'x', errorCode: 69, errorMessage: 'Group x not found.' })
  })
})
