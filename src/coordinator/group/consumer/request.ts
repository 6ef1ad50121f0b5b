// What a ConsumerGroupHeartbeat has to look like before anybody looks at the group. Promises errors that say what is wrong
// and what would be right. Leaves epochs, instance ids and patterns to checks.ts and patterns.ts.
import type { BrokerConfig } from '../../../config/broker-config.ts'
import type {
  ConsumerGroupHeartbeatRequest,
  consumerGroupHeartbeat,
} from '../../../wire/apis/consumer-group-heartbeat.ts'
import { errors, KafkaError } from '../../../wire/errors.ts'
import type { Input } from '../../../wire/schema.ts'
import { JOIN_EPOCH, LEAVE_EPOCH, STATIC_LEAVE_EPOCH } from './member.ts'

/** Who sent a request. */
export interface ClientInfo {
  readonly clientId: string | null
  /** As Kafka shows addresses: `/10.0.0.3`. */
  readonly clientHost: string
  readonly apiVersion: number
}

export type HeartbeatRequest = ConsumerGroupHeartbeatRequest & ClientInfo
export type HeartbeatAnswer = Input<typeof consumerGroupHeartbeat.response>

/** Members name themselves from this version on (KIP-1082). */
const MEMBER_ID_REQUIRED_VERSION = 1

/** No record has room for more names, and to sort a million of them takes seconds. */
const MOST_TOPIC_NAMES = 100_000

/** @throws KafkaError INVALID_REQUEST for a subscription that is too long for any member */
export function checkTopicNames(names: readonly string[] | null): void {
  refuse(
    (names?.length ?? 0) > MOST_TOPIC_NAMES,
    `The subscription has more than ${MOST_TOPIC_NAMES} names of topics.`,
  )
}

/** @throws KafkaError INVALID_REQUEST, UNSUPPORTED_ASSIGNOR */
export function checkHeartbeat(request: HeartbeatRequest, config: BrokerConfig): void {
  const { memberEpoch, apiVersion } = request
  const isNamed = apiVersion >= MEMBER_ID_REQUIRED_VERSION || memberEpoch > 0 || memberEpoch === LEAVE_EPOCH
  refuse(isNamed && isBlank(request.memberId), "MemberId can't be empty.")
  refuse(isBlank(request.groupId), "GroupId can't be empty.")
  refuse(request.instanceId !== null && isBlank(request.instanceId), "InstanceId can't be empty.")
  refuse(request.rackId !== null && isBlank(request.rackId), "RackId can't be empty.")
  checkTopicNames(request.subscribedTopicNames)
  if (memberEpoch === JOIN_EPOCH) checkJoin(request)
  refuse(
    memberEpoch === STATIC_LEAVE_EPOCH && request.instanceId === null,
    `InstanceId can't be null with the member epoch ${STATIC_LEAVE_EPOCH}.`,
  )
  refuse(
    memberEpoch < STATIC_LEAVE_EPOCH,
    `MemberEpoch is invalid: ${memberEpoch} is below ${STATIC_LEAVE_EPOCH}.`,
  )
  const { serverAssignor } = request
  const supported: readonly string[] = config.groupConsumerAssignors
  if (serverAssignor !== null && !supported.includes(serverAssignor)) {
    throw new KafkaError(
      errors.UNSUPPORTED_ASSIGNOR,
      `ServerAssignor ${serverAssignor} is not supported. Supported assignors: ${supported.join(', ')}.`,
    )
  }
}

function checkJoin(request: HeartbeatRequest): void {
  refuse(request.rebalanceTimeoutMs === -1, 'RebalanceTimeoutMs must be provided in first request.')
  refuse(
    request.topicPartitions === null || request.topicPartitions.length > 0,
    'TopicPartitions must be empty when (re-)joining.',
  )
  refuse(
    request.subscribedTopicNames === null && request.subscribedTopicRegex === null,
    'Either SubscribedTopicNames or SubscribedTopicRegex must be non-null when (re-)joining.',
  )
}

/** Whether everything about the member is in the request: it asks to be told its assignment again. */
export function isFullRequest(request: HeartbeatRequest): boolean {
  return (
    request.rebalanceTimeoutMs !== -1 &&
    (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) &&
    request.topicPartitions !== null
  )
}

function isBlank(text: string): boolean {
  return text.trim() === ''
}

function refuse(isWrong: boolean, message: string): void {
  if (isWrong) throw new KafkaError(errors.INVALID_REQUEST, message)
}
