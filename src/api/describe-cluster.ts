// DescribeCluster (KIP-700): id, brokers and controller of the cluster.
// Promises addresses that the client can reach. Whoever asks a broker for controllers (KIP-919) is told that it asked the
// wrong kind of node: there are no nodes that are controllers only.
//
//  1 the kind of nodes asked for: 1 brokers, 2 controllers   2 fenced brokers; this cluster has none
import type { DescribeClusterRequest, describeCluster } from '../wire/apis/describe-cluster.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import { authorizedClusterOperations } from './authorized-operations.ts'
import type { RequestContext } from './context.ts'
import { reachableBrokers } from './partition-states.ts'

const BROKERS = 1
const CONTROLLERS = 2

export function handleDescribeCluster(
  request: DescribeClusterRequest,
  context: RequestContext,
): Input<typeof describeCluster.response> {
  const { clusterId, controllerId } = context.broker.cluster.image()
  const { endpointType } = request
  if (endpointType !== BROKERS) {
    const error =
      endpointType === CONTROLLERS ? errors.MISMATCHED_ENDPOINT_TYPE : errors.UNSUPPORTED_ENDPOINT_TYPE
    const errorMessage = `This is a broker: it answers for endpoint type ${BROKERS} (brokers), not for ${endpointType}.`
    return { errorCode: error.code, errorMessage, endpointType: BROKERS, clusterId: '', brokers: [] }
  }
  return {
    errorCode: errors.NONE.code,
    errorMessage: null,
    endpointType,
    clusterId,
    controllerId,
    brokers: reachableBrokers(context).map(({ id, host, port, rack }) => ({
      brokerId: id,
      host,
      port,
      rack,
      isFenced: false,
    })),
    clusterAuthorizedOperations: authorizedClusterOperations(request.includeClusterAuthorizedOperations),
  }
}
