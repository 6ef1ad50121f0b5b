// The APIs of Apache Kafka 4.3 that have no schema here: key, name, versions, and what they belong to.
// Promises that docs/api-support.md names every API key there is; a row goes when its schema comes.

export interface AbsentApi {
  readonly key: number
  readonly name: string
  /** First and last stable version; null where Kafka 4.3 has none left. */
  readonly versions: readonly [number, number] | null
  readonly area: string
}

const zookeeper = 'Kafka brokers among themselves, until 3.9 (ZooKeeper)'
const kraft = 'Kafka brokers and KRaft controllers among themselves'
const tokens = 'delegation tokens (KIP-48)'
const telemetry = 'client metrics (KIP-714)'
const share = 'share groups (KIP-932)'
const streams = 'streams groups (KIP-1071)'

export const absentApis: readonly AbsentApi[] = [
  { key: 4, name: 'LeaderAndIsr', versions: null, area: zookeeper },
  { key: 5, name: 'StopReplica', versions: null, area: zookeeper },
  { key: 6, name: 'UpdateMetadata', versions: null, area: zookeeper },
  { key: 7, name: 'ControlledShutdown', versions: null, area: zookeeper },
  { key: 38, name: 'CreateDelegationToken', versions: [1, 3], area: tokens },
  { key: 39, name: 'RenewDelegationToken', versions: [1, 2], area: tokens },
  { key: 40, name: 'ExpireDelegationToken', versions: [1, 2], area: tokens },
  { key: 41, name: 'DescribeDelegationToken', versions: [1, 3], area: tokens },
  { key: 52, name: 'Vote', versions: [0, 2], area: kraft },
  { key: 53, name: 'BeginQuorumEpoch', versions: [0, 1], area: kraft },
  { key: 54, name: 'EndQuorumEpoch', versions: [0, 1], area: kraft },
  { key: 56, name: 'AlterPartition', versions: [2, 3], area: kraft },
  { key: 58, name: 'Envelope', versions: [0, 0], area: kraft },
  { key: 59, name: 'FetchSnapshot', versions: [0, 1], area: kraft },
  { key: 62, name: 'BrokerRegistration', versions: [0, 4], area: kraft },
  { key: 63, name: 'BrokerHeartbeat', versions: [0, 2], area: kraft },
  { key: 67, name: 'AllocateProducerIds', versions: [0, 0], area: kraft },
  { key: 70, name: 'ControllerRegistration', versions: [0, 0], area: kraft },
  { key: 71, name: 'GetTelemetrySubscriptions', versions: [0, 0], area: telemetry },
  { key: 72, name: 'PushTelemetry', versions: [0, 0], area: telemetry },
  { key: 73, name: 'AssignReplicasToDirs', versions: [0, 0], area: kraft },
  { key: 76, name: 'ShareGroupHeartbeat', versions: [1, 1], area: share },
  { key: 77, name: 'ShareGroupDescribe', versions: [1, 1], area: share },
  { key: 78, name: 'ShareFetch', versions: [1, 2], area: share },
  { key: 79, name: 'ShareAcknowledge', versions: [1, 2], area: share },
  { key: 80, name: 'AddRaftVoter', versions: [0, 1], area: kraft },
  { key: 81, name: 'RemoveRaftVoter', versions: [0, 0], area: kraft },
  { key: 82, name: 'UpdateRaftVoter', versions: [0, 0], area: kraft },
  { key: 83, name: 'InitializeShareGroupState', versions: [0, 0], area: share },
  { key: 84, name: 'ReadShareGroupState', versions: [0, 0], area: share },
  { key: 85, name: 'WriteShareGroupState', versions: [0, 1], area: share },
  { key: 86, name: 'DeleteShareGroupState', versions: [0, 0], area: share },
  { key: 87, name: 'ReadShareGroupStateSummary', versions: [0, 1], area: share },
  { key: 88, name: 'StreamsGroupHeartbeat', versions: [0, 0], area: streams },
  { key: 89, name: 'StreamsGroupDescribe', versions: [0, 0], area: streams },
  { key: 90, name: 'DescribeShareGroupOffsets', versions: [0, 1], area: share },
  { key: 91, name: 'AlterShareGroupOffsets', versions: [0, 0], area: share },
  { key: 92, name: 'DeleteShareGroupOffsets', versions: [0, 0], area: share },
]
