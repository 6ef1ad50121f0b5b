// What this broker speaks: one line for each API, schema and handler side by side.
// Promises that nothing else is advertised, and of our own APIs nothing. Leaves ApiVersions, which answers from this table, to dispatch.ts.
import type { Api } from '../wire/api.ts'
import { alterConfigs } from '../wire/apis/alter-configs.ts'
import { consumerGroupDescribe } from '../wire/apis/consumer-group-describe.ts'
import { consumerGroupHeartbeat } from '../wire/apis/consumer-group-heartbeat.ts'
import { createPartitions } from '../wire/apis/create-partitions.ts'
import { createTopics } from '../wire/apis/create-topics.ts'
import { deleteGroups } from '../wire/apis/delete-groups.ts'
import { deleteRecords } from '../wire/apis/delete-records.ts'
import { deleteTopics } from '../wire/apis/delete-topics.ts'
import { describeCluster } from '../wire/apis/describe-cluster.ts'
import { describeConfigs } from '../wire/apis/describe-configs.ts'
import { describeGroups } from '../wire/apis/describe-groups.ts'
import { describeLogDirs } from '../wire/apis/describe-log-dirs.ts'
import { describeProducers } from '../wire/apis/describe-producers.ts'
import { describeTopicPartitions } from '../wire/apis/describe-topic-partitions.ts'
import { fetch } from '../wire/apis/fetch.ts'
import { findCoordinator } from '../wire/apis/find-coordinator.ts'
import { heartbeat } from '../wire/apis/heartbeat.ts'
import { incrementalAlterConfigs } from '../wire/apis/incremental-alter-configs.ts'
import { initProducerId } from '../wire/apis/init-producer-id.ts'
import { joinGroup } from '../wire/apis/join-group.ts'
import { leaveGroup } from '../wire/apis/leave-group.ts'
import { listConfigResources } from '../wire/apis/list-config-resources.ts'
import { listGroups } from '../wire/apis/list-groups.ts'
import { listOffsets } from '../wire/apis/list-offsets.ts'
import { listPartitionReassignments } from '../wire/apis/list-partition-reassignments.ts'
import { metadata } from '../wire/apis/metadata.ts'
import { offsetCommit } from '../wire/apis/offset-commit.ts'
import { offsetDelete } from '../wire/apis/offset-delete.ts'
import { offsetFetch } from '../wire/apis/offset-fetch.ts'
import { offsetForLeaderEpoch } from '../wire/apis/offset-for-leader-epoch.ts'
import { describeGroupTimeline } from '../wire/apis/own/describe-group-timeline.ts'
import { produce } from '../wire/apis/produce.ts'
import { syncGroup } from '../wire/apis/sync-group.ts'
import type { Input, Value } from '../wire/schema.ts'
import { handleAlterConfigs } from './alter-configs.ts'
import { handleConsumerGroupDescribe } from './consumer-group-describe.ts'
import { handleConsumerGroupHeartbeat } from './consumer-group-heartbeat.ts'
import type { RequestContext } from './context.ts'
import { handleCreatePartitions } from './create-partitions.ts'
import { handleCreateTopics } from './create-topics.ts'
import { handleDeleteGroups } from './delete-groups.ts'
import { handleDeleteRecords } from './delete-records.ts'
import { handleDeleteTopics } from './delete-topics.ts'
import { handleDescribeCluster } from './describe-cluster.ts'
import { handleDescribeConfigs } from './describe-configs.ts'
import { handleDescribeGroupTimeline } from './describe-group-timeline.ts'
import { handleDescribeGroups } from './describe-groups.ts'
import { handleDescribeLogDirs } from './describe-log-dirs.ts'
import { handleDescribeProducers } from './describe-producers.ts'
import { handleDescribeTopicPartitions } from './describe-topic-partitions.ts'
import { handleFetch } from './fetch.ts'
import { handleFindCoordinator } from './find-coordinator.ts'
import { handleHeartbeat } from './heartbeat.ts'
import { handleIncrementalAlterConfigs } from './incremental-alter-configs.ts'
import { handleInitProducerId } from './init-producer-id.ts'
import { handleJoinGroup } from './join-group.ts'
import { handleLeaveGroup } from './leave-group.ts'
import { handleListConfigResources } from './list-config-resources.ts'
import { handleListGroups } from './list-groups.ts'
import { handleListOffsets } from './list-offsets.ts'
import { handleListPartitionReassignments } from './list-partition-reassignments.ts'
import { handleMetadata } from './metadata.ts'
import { handleOffsetCommit } from './offset-commit.ts'
import { handleOffsetDelete } from './offset-delete.ts'
import { handleOffsetFetch } from './offset-fetch.ts'
import { handleOffsetForLeaderEpoch } from './offset-for-leader-epoch.ts'
import { handleProduce } from './produce.ts'
import { handleSyncGroup } from './sync-group.ts'

export interface Handler {
  readonly api: Api
  /** Returns the response, a promise of it, or undefined for none. Throws to close the connection. */
  readonly handle: (request: never, context: RequestContext) => unknown
  /** Views of the request's bytes are not used after the first await: no copy is needed to keep them safe. */
  readonly readsInPlace: boolean
  /**
   * The answer may be large, or the work: further requests of the connection wait for it, as all do in Kafka. A thousand
   * of them at once would be gigabytes.
   */
  readonly isAlone: boolean
}

type Answer<A extends Api> = Input<A['response']> | undefined

function serve<A extends Api>(
  api: A,
  handle: (request: Value<A['request']>, context: RequestContext) => Answer<A> | Promise<Answer<A>>,
  { readsInPlace = false, isAlone = true } = {},
): Handler {
  return { api, handle, readsInPlace, isAlone }
}

export const handlers: readonly Handler[] = [
  serve(produce, handleProduce, { readsInPlace: true, isAlone: false }),
  serve(fetch, handleFetch, { readsInPlace: true, isAlone: false }),
  serve(listOffsets, handleListOffsets),
  serve(metadata, handleMetadata),
  serve(findCoordinator, handleFindCoordinator),
  serve(joinGroup, handleJoinGroup, { isAlone: false }),
  serve(syncGroup, handleSyncGroup, { isAlone: false }),
  serve(heartbeat, handleHeartbeat, { isAlone: false }),
  serve(leaveGroup, handleLeaveGroup),
  serve(deleteGroups, handleDeleteGroups),
  serve(describeGroups, handleDescribeGroups),
  serve(listGroups, handleListGroups),
  serve(offsetDelete, handleOffsetDelete),
  serve(offsetFetch, handleOffsetFetch),
  serve(offsetCommit, handleOffsetCommit, { isAlone: false }),
  serve(consumerGroupHeartbeat, handleConsumerGroupHeartbeat, { isAlone: false }),
  serve(consumerGroupDescribe, handleConsumerGroupDescribe),
  serve(listConfigResources, handleListConfigResources),
  serve(createTopics, handleCreateTopics),
  serve(deleteTopics, handleDeleteTopics),
  serve(deleteRecords, handleDeleteRecords),
  serve(initProducerId, handleInitProducerId),
  serve(offsetForLeaderEpoch, handleOffsetForLeaderEpoch),
  serve(describeConfigs, handleDescribeConfigs),
  serve(alterConfigs, handleAlterConfigs),
  serve(describeLogDirs, handleDescribeLogDirs),
  serve(createPartitions, handleCreatePartitions),
  serve(incrementalAlterConfigs, handleIncrementalAlterConfigs),
  serve(listPartitionReassignments, handleListPartitionReassignments),
  serve(describeCluster, handleDescribeCluster),
  serve(describeProducers, handleDescribeProducers),
  serve(describeTopicPartitions, handleDescribeTopicPartitions),
]

/** Served under keys outside Kafka's range, and not advertised (docs/decisions/0005-private-apis.md). */
export const ownHandlers: readonly Handler[] = [serve(describeGroupTimeline, handleDescribeGroupTimeline)]
