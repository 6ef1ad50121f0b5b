// ConsumerGroupHeartbeat and ConsumerGroupDescribe as clients of every version see them, over a coordinator that says what
// the test wants it to say.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { handleConsumerGroupDescribe } from '../../src/api/consumer-group-describe.ts'
import { handleConsumerGroupHeartbeat } from '../../src/api/consumer-group-heartbeat.ts'
import type { RequestContext } from '../../src/api/context.ts'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { consumerGroupDescribe } from '../../src/wire/apis/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../../src/wire/apis/consumer-group-heartbeat.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'
import { ask, versionsOf } from './admin-context.ts'

const topicId = 'tttttttttttttttttttttA'

/** A context whose coordinator has these methods. */
function contextWith(
  groupCoordinator: object,
  settings: Readonly<Record<string, string>> = {},
): RequestContext {
  const config = parseBrokerConfig(settings)
  const broker = { groupCoordinator, logger: silentLogger, config: () => config }
  return { clientId: 'app-7', remoteAddress: '::ffff:10.0.0.3', broker } as unknown as RequestContext
}

const withoutConsumers = { 'group.coordinator.rebalance.protocols': 'classic' }

describe('ConsumerGroupHeartbeat', () => {
  const request = { groupId: 'g', memberId: 'm', memberEpoch: 0, subscribedTopicNames: ['t'] }

  for (const version of versionsOf(consumerGroupHeartbeat)) {
    test(`version ${version}: the coordinator learns who it is, the client what the coordinator says`, async () => {
      const heard: Record<string, unknown>[] = []
      const answer = {
        errorCode: 0,
        memberId: 'm',
        memberEpoch: 2,
        heartbeatIntervalMs: 5000,
        assignment: { topicPartitions: [{ topicId, partitions: [0, 2] }] },
      }
      const context = contextWith({
        consumerGroupHeartbeat: async (request: Record<string, unknown>) => {
          heard.push(request)
          return answer
        },
      })
      assert.deepEqual(
        await ask(consumerGroupHeartbeat, handleConsumerGroupHeartbeat, version, request, { context }),
        { throttleTimeMs: 0, errorMessage: null, ...answer },
      )
      const { clientId, clientHost, apiVersion, rebalanceTimeoutMs, topicPartitions } = heard[0]!
      assert.deepEqual(
        [clientId, clientHost, apiVersion, rebalanceTimeoutMs, topicPartitions],
        ['app-7', '/10.0.0.3', version, -1, null],
      )
    })

    test(`version ${version}: an error is a code and a sentence`, async () => {
      const context = contextWith({
        consumerGroupHeartbeat: async () => {
          throw new KafkaError(errors.FENCED_MEMBER_EPOCH, 'too old')
        },
      })
      const answer = await ask(consumerGroupHeartbeat, handleConsumerGroupHeartbeat, version, request, {
        context,
      })
      assert.deepEqual([answer.errorCode, answer.errorMessage, answer.assignment], [110, 'too old', null])
    })
  }

  test('is UNSUPPORTED_VERSION where group.coordinator.rebalance.protocols has no consumer', async () => {
    const context = contextWith({}, withoutConsumers)
    const answer = await ask(consumerGroupHeartbeat, handleConsumerGroupHeartbeat, 1, request, { context })
    assert.equal(answer.errorCode, errors.UNSUPPORTED_VERSION.code)
  })
})

describe('ConsumerGroupDescribe', () => {
  const assignment = { topicPartitions: [{ topicId, topicName: 't', partitions: [0] }] }
  const member = {
    memberId: 'm',
    instanceId: null,
    rackId: 'r',
    memberEpoch: 2,
    clientId: 'app-7',
    clientHost: '/10.0.0.3',
    subscribedTopicNames: ['t'],
    subscribedTopicRegex: '',
    assignment,
    targetAssignment: assignment,
    memberType: 1,
  }
  const group = {
    errorCode: 0,
    errorMessage: null,
    groupId: 'g',
    groupState: 'Stable',
    groupEpoch: 2,
    assignmentEpoch: 2,
    assignorName: 'uniform',
    members: [member],
  }
  const describing = contextWith({
    consumerGroupDescribe: async (groupId: string) => {
      if (groupId === 'elsewhere') throw new KafkaError(errors.NOT_COORDINATOR, 'not here')
      if (groupId === 'g') return group
      return {
        groupId,
        errorCode: errors.GROUP_ID_NOT_FOUND.code,
        errorMessage: `Group ${groupId} not found.`,
      }
    },
  })

  for (const version of versionsOf(consumerGroupDescribe)) {
    test(`version ${version} has all of a group`, async () => {
      const { groups } = await ask(
        consumerGroupDescribe,
        handleConsumerGroupDescribe,
        version,
        { groupIds: ['g'], includeAuthorizedOperations: true },
        { context: describing },
      )
      const { authorizedOperations, ...rest } = groups[0]!
      // The kind of a member came with version 1 (KIP-1099).
      assert.deepEqual(rest, { ...group, members: [{ ...member, memberType: version >= 1 ? 1 : -1 }] })
      assert.ok(authorizedOperations > 0)
    })
  }

  test('has one answer for each group, in the order of the request', async () => {
    const { groups } = await ask(
      consumerGroupDescribe,
      handleConsumerGroupDescribe,
      1,
      { groupIds: ['x', 'g', 'elsewhere'] },
      { context: describing },
    )
    assert.deepEqual(
      groups.map(({ groupId, errorCode, errorMessage }) => [groupId, errorCode, errorMessage]),
      [
        ['x', 69, 'Group x not found.'],
        ['g', 0, null],
        ['elsewhere', 16, 'not here'],
      ],
    )
    assert.ok(groups.every(({ authorizedOperations }) => authorizedOperations === -0x80000000))
  })

  test('is UNSUPPORTED_VERSION where group.coordinator.rebalance.protocols has no consumer', async () => {
    const context = contextWith({}, withoutConsumers)
    const { groups } = await ask(
      consumerGroupDescribe,
      handleConsumerGroupDescribe,
      1,
      { groupIds: ['g'] },
      { context },
    )
    assert.deepEqual([groups[0]!.groupId, groups[0]!.errorCode], ['g', errors.UNSUPPORTED_VERSION.code])
  })
})
