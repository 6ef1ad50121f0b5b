// The catalogue of outcomes the protocol can name: every error code of Apache Kafka 4.3, by name. Promises
// the code, whether a client should try again (as Kafka's Java client sees it), and a default message in our
// words. Leaves turning a KafkaError into codes per topic and partition to the api layer.

/** One outcome as it goes over the wire. */
export interface ErrorCode {
  /** The int16 of the protocol. */
  readonly code: number
  /** Kafka's own name of the code. */
  readonly name: ErrorName
  /** True when the same call can succeed later, perhaps at another broker or after fresh metadata. */
  readonly retriable: boolean
  /** What happened, for a person. */
  readonly message: string
}

interface Entry {
  readonly code: number
  readonly retriable: boolean
  readonly message: string
}

const final = (code: number, message: string): Entry => ({ code, retriable: false, message })
const retriable = (code: number, message: string): Entry => ({ code, retriable: true, message })

const catalogue = {
  UNKNOWN_SERVER_ERROR: final(-1, 'the broker failed in a way it has no code for'),
  NONE: final(0, 'success'),
  OFFSET_OUT_OF_RANGE: final(1, 'the offset lies outside what this log holds'),
  CORRUPT_MESSAGE: retriable(2, 'the batch is damaged: its checksum, size or layout does not fit'),
  UNKNOWN_TOPIC_OR_PARTITION: retriable(3, 'no such topic or partition on this broker'),
  INVALID_FETCH_SIZE: final(4, 'the fetch size must not be negative'),
  LEADER_NOT_AVAILABLE: retriable(5, 'the partition has no leader at the moment'),
  NOT_LEADER_OR_FOLLOWER: retriable(
    6,
    'this broker is neither leader nor a usable follower of the partition',
  ),
  REQUEST_TIMED_OUT: retriable(7, 'the request was not completed within its time limit'),
  BROKER_NOT_AVAILABLE: final(8, 'the broker is not up'),
  REPLICA_NOT_AVAILABLE: retriable(9, 'the replica that was asked for is not on this broker yet'),
  MESSAGE_TOO_LARGE: final(10, 'the batch is larger than the topic allows (max.message.bytes)'),
  STALE_CONTROLLER_EPOCH: final(11, 'the sender acts for a controller that has been replaced'),
  OFFSET_METADATA_TOO_LARGE: final(12, 'the metadata text of the offset commit is too long'),
  NETWORK_EXCEPTION: retriable(13, 'the connection broke before an answer arrived'),
  COORDINATOR_LOAD_IN_PROGRESS: retriable(14, 'the coordinator is still reading its state'),
  COORDINATOR_NOT_AVAILABLE: retriable(15, 'no coordinator can serve this group or transaction now'),
  NOT_COORDINATOR: retriable(16, 'another broker coordinates this group or transaction'),
  INVALID_TOPIC_EXCEPTION: final(17, 'the topic name is not valid, or the topic may not be written to'),
  RECORD_LIST_TOO_LARGE: final(18, 'the batch does not fit into a segment (segment.bytes)'),
  NOT_ENOUGH_REPLICAS: retriable(19, 'fewer replicas are in sync than min.insync.replicas asks for'),
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: retriable(
    20,
    'written, but too few replicas stayed in sync to confirm it',
  ),
  INVALID_REQUIRED_ACKS: final(21, 'acks must be 0, 1 or -1'),
  ILLEGAL_GENERATION: final(22, 'the group has moved on to another generation'),
  INCONSISTENT_GROUP_PROTOCOL: final(23, 'the member shares no protocol with the rest of the group'),
  INVALID_GROUP_ID: final(24, 'the group id is not valid'),
  UNKNOWN_MEMBER_ID: final(25, 'the group does not know this member'),
  INVALID_SESSION_TIMEOUT: final(26, 'the session timeout is outside the range the broker allows'),
  REBALANCE_IN_PROGRESS: final(27, 'the group is rebalancing, the member has to join again'),
  INVALID_COMMIT_OFFSET_SIZE: final(28, 'the offset commit is too large to be stored'),
  TOPIC_AUTHORIZATION_FAILED: final(29, 'not authorised for this topic'),
  GROUP_AUTHORIZATION_FAILED: final(30, 'not authorised for this group'),
  CLUSTER_AUTHORIZATION_FAILED: final(31, 'not authorised for this operation on the cluster'),
  INVALID_TIMESTAMP: final(32, 'the record timestamp is outside the range the topic accepts'),
  UNSUPPORTED_SASL_MECHANISM: final(33, 'the broker does not offer this SASL mechanism'),
  ILLEGAL_SASL_STATE: final(34, 'this request does not fit the state of the SASL exchange'),
  UNSUPPORTED_VERSION: final(35, 'the broker does not serve this version of the API'),
  TOPIC_ALREADY_EXISTS: final(36, 'a topic of this name exists already'),
  INVALID_PARTITIONS: final(37, 'the number of partitions is not valid'),
  INVALID_REPLICATION_FACTOR: final(38, 'the replication factor is below 1 or above the number of brokers'),
  INVALID_REPLICA_ASSIGNMENT: final(39, 'the replica assignment is not valid'),
  INVALID_CONFIG: final(40, 'a configuration key or value is not valid'),
  NOT_CONTROLLER: retriable(41, 'this broker is not the controller'),
  INVALID_REQUEST: final(42, 'the request contradicts itself or the protocol'),
  UNSUPPORTED_FOR_MESSAGE_FORMAT: final(43, 'the message format of the log cannot express this'),
  POLICY_VIOLATION: final(44, 'a policy of the cluster forbids this'),
  OUT_OF_ORDER_SEQUENCE_NUMBER: final(45, 'a sequence number of this producer is missing before this batch'),
  DUPLICATE_SEQUENCE_NUMBER: final(46, 'this batch of the producer was written before'),
  INVALID_PRODUCER_EPOCH: final(47, 'a newer producer epoch is known'),
  INVALID_TXN_STATE: final(48, 'the transaction is not in a state that allows this'),
  INVALID_PRODUCER_ID_MAPPING: final(49, 'the producer id does not belong to this transactional id'),
  INVALID_TRANSACTION_TIMEOUT: final(50, 'the transaction timeout is above what the broker allows'),
  CONCURRENT_TRANSACTIONS: retriable(51, 'an earlier operation of this transaction is still being completed'),
  TRANSACTION_COORDINATOR_FENCED: final(52, 'the transaction coordinator was replaced by a newer one'),
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: final(53, 'not authorised for this transactional id'),
  SECURITY_DISABLED: final(54, 'security features are switched off on this broker'),
  OPERATION_NOT_ATTEMPTED: final(55, 'not tried, because another part of the request failed'),
  KAFKA_STORAGE_ERROR: retriable(56, 'the log directory of the partition is offline'),
  LOG_DIR_NOT_FOUND: final(57, 'no such log directory on this broker'),
  SASL_AUTHENTICATION_FAILED: final(58, 'the credentials were refused'),
  UNKNOWN_PRODUCER_ID: final(59, 'nothing is left in the log of this producer'),
  REASSIGNMENT_IN_PROGRESS: final(60, 'the partition is being reassigned'),
  DELEGATION_TOKEN_AUTH_DISABLED: final(61, 'delegation tokens are switched off'),
  DELEGATION_TOKEN_NOT_FOUND: final(62, 'no such delegation token'),
  DELEGATION_TOKEN_OWNER_MISMATCH: final(63, 'the principal is neither owner nor renewer of the token'),
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: final(64, 'tokens cannot be asked for over this connection'),
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: final(65, 'not authorised for this delegation token'),
  DELEGATION_TOKEN_EXPIRED: final(66, 'the delegation token has expired'),
  INVALID_PRINCIPAL_TYPE: final(67, 'this type of principal is not supported'),
  NON_EMPTY_GROUP: final(68, 'the group still has members'),
  GROUP_ID_NOT_FOUND: final(69, 'no such group'),
  FETCH_SESSION_ID_NOT_FOUND: retriable(70, 'the fetch session is not known (any more)'),
  INVALID_FETCH_SESSION_EPOCH: retriable(71, 'the fetch session epoch is not the next one'),
  LISTENER_NOT_FOUND: retriable(72, 'the leader has no listener of this name'),
  TOPIC_DELETION_DISABLED: final(73, 'deleting topics is switched off (delete.topic.enable)'),
  FENCED_LEADER_EPOCH: retriable(74, 'the leader epoch in the request is older than the current one'),
  UNKNOWN_LEADER_EPOCH: retriable(75, 'the leader epoch in the request is newer than this broker knows'),
  UNSUPPORTED_COMPRESSION_TYPE: final(76, 'the requesting client cannot read this compression type'),
  STALE_BROKER_EPOCH: final(77, 'the broker has registered again since this request was made'),
  OFFSET_NOT_AVAILABLE: retriable(78, 'the new leader does not know its high watermark yet'),
  MEMBER_ID_REQUIRED: final(79, 'join again with the member id of this answer'),
  PREFERRED_LEADER_NOT_AVAILABLE: retriable(80, 'the preferred leader cannot lead now'),
  GROUP_MAX_SIZE_REACHED: final(81, 'the group is full'),
  FENCED_INSTANCE_ID: final(82, 'another member uses this group instance id now'),
  ELIGIBLE_LEADERS_NOT_AVAILABLE: retriable(83, 'no replica that may lead is up'),
  ELECTION_NOT_NEEDED: retriable(84, 'the partition is led as it should be'),
  NO_REASSIGNMENT_IN_PROGRESS: final(85, 'the partition is not being reassigned'),
  GROUP_SUBSCRIBED_TO_TOPIC: final(86, 'the group still consumes this topic'),
  INVALID_RECORD: final(87, 'a record breaks a rule of the topic or the format'),
  UNSTABLE_OFFSET_COMMIT: retriable(88, 'the offset belongs to a transaction that is still open'),
  THROTTLING_QUOTA_EXCEEDED: retriable(89, 'the quota of the client is used up'),
  PRODUCER_FENCED: final(90, 'a newer producer has taken over this transactional id'),
  RESOURCE_NOT_FOUND: final(91, 'no such resource'),
  DUPLICATE_RESOURCE: final(92, 'the request names a resource twice'),
  UNACCEPTABLE_CREDENTIAL: final(93, 'the credential does not meet the requirements'),
  INCONSISTENT_VOTER_SET: final(94, 'the two sides disagree about who votes in the quorum'),
  INVALID_UPDATE_VERSION: final(95, 'the version in the update is not valid'),
  FEATURE_UPDATE_FAILED: final(96, 'the finalised features could not be changed'),
  PRINCIPAL_DESERIALIZATION_FAILURE: final(97, 'the forwarded principal could not be read'),
  SNAPSHOT_NOT_FOUND: final(98, 'no such snapshot'),
  POSITION_OUT_OF_RANGE: final(99, 'the position lies outside the snapshot'),
  UNKNOWN_TOPIC_ID: retriable(100, 'no topic of this id on this broker'),
  DUPLICATE_BROKER_REGISTRATION: final(101, 'a broker of this id is registered already'),
  BROKER_ID_NOT_REGISTERED: final(102, 'no broker of this id is registered'),
  INCONSISTENT_TOPIC_ID: retriable(103, 'the topic of this name has another id in the log'),
  INCONSISTENT_CLUSTER_ID: final(104, 'the sender belongs to another cluster'),
  TRANSACTIONAL_ID_NOT_FOUND: final(105, 'no such transactional id'),
  FETCH_SESSION_TOPIC_ID_ERROR: retriable(106, 'the fetch session mixes topic names and topic ids'),
  INELIGIBLE_REPLICA: final(107, 'the replica may not join the in-sync set'),
  NEW_LEADER_ELECTED: final(108, 'the change was made, and it moved leadership to another broker'),
  OFFSET_MOVED_TO_TIERED_STORAGE: final(109, 'the offset lies in remote storage'),
  FENCED_MEMBER_EPOCH: final(110, 'the member epoch is not one the coordinator accepts'),
  UNRELEASED_INSTANCE_ID: final(111, 'the group instance id is still held by another member'),
  UNSUPPORTED_ASSIGNOR: final(112, 'the group does not support this assignor'),
  STALE_MEMBER_EPOCH: final(113, 'the member has to take up its new epoch first'),
  MISMATCHED_ENDPOINT_TYPE: final(114, 'the request went to the wrong kind of endpoint'),
  UNSUPPORTED_ENDPOINT_TYPE: final(115, 'this kind of endpoint is not known'),
  UNKNOWN_CONTROLLER_ID: final(116, 'no controller of this id'),
  UNKNOWN_SUBSCRIPTION_ID: final(117, 'the telemetry subscription is out of date'),
  TELEMETRY_TOO_LARGE: final(118, 'the pushed telemetry is larger than allowed'),
  INVALID_REGISTRATION: final(119, 'the controller refused the registration of the broker'),
  TRANSACTION_ABORTABLE: final(120, 'the transaction cannot go on: abort it and start the next'),
  INVALID_RECORD_STATE: final(121, 'the state of the record does not allow this acknowledgement'),
  SHARE_SESSION_NOT_FOUND: retriable(122, 'the share session is not known (any more)'),
  INVALID_SHARE_SESSION_EPOCH: retriable(123, 'the share session epoch is not the next one'),
  FENCED_STATE_EPOCH: final(124, 'the state epoch is older than the stored one'),
  INVALID_VOTER_KEY: final(125, 'the voter key does not match the one that receives it'),
  DUPLICATE_VOTER: final(126, 'the voter belongs to the quorum already'),
  VOTER_NOT_FOUND: final(127, 'no such voter'),
  INVALID_REGULAR_EXPRESSION: final(128, 'the regular expression cannot be parsed'),
  REBOOTSTRAP_REQUIRED: final(129, 'start again from the bootstrap servers: the metadata is of no use'),
  STREAMS_INVALID_TOPOLOGY: final(130, 'the topology of the streams application is not valid'),
  STREAMS_INVALID_TOPOLOGY_EPOCH: final(131, 'the topology epoch is not valid'),
  STREAMS_TOPOLOGY_FENCED: final(132, 'the topology epoch is out of date'),
  SHARE_SESSION_LIMIT_REACHED: retriable(133, 'no further share session can be opened'),
} as const satisfies Record<string, Entry>

export type ErrorName = keyof typeof catalogue

/** Every error code of the protocol by its name, `errors.NONE` included. */
export const errors = Object.freeze(
  Object.fromEntries(
    Object.entries(catalogue).map(([name, entry]) => [name, Object.freeze({ name, ...entry })]),
  ),
) as { readonly [Name in ErrorName]: ErrorCode }

const byCode: ReadonlyMap<number, ErrorCode> = new Map(
  Object.values(errors).map((error) => [error.code, error]),
)

/**
 * The entry for a code from the wire. A code from a later version of the protocol counts as
 * UNKNOWN_SERVER_ERROR.
 */
export function errorByCode(code: number): ErrorCode {
  return byCode.get(code) ?? errors.UNKNOWN_SERVER_ERROR
}

/** An outcome that the client is told about: thrown below the api layer, which turns it into a code. */
export class KafkaError extends Error {
  override readonly name = 'KafkaError'
  readonly error: ErrorCode

  /** @param message what went wrong in this case; the general message of the code when absent */
  constructor(error: ErrorCode, message: string = error.message) {
    super(message)
    this.error = error
  }

  /** The int16 of the protocol. */
  get code(): number {
    return this.error.code
  }
}
