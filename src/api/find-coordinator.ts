// FindCoordinator: which broker keeps a group, a transactional id or a share partition.
// Promises an address that the client can reach, and for a group the first time the topic that groups are kept in. What is
// not served is answered COORDINATOR_NOT_AVAILABLE, with a reason: clients wait and ask again.
//
//  1 kind of key (0 group, 1 transactional id)   4 many keys at once (KIP-699)   6 share groups (KIP-932)
import type { FindCoordinatorRequest, findCoordinator } from '../wire/apis/find-coordinator.ts'
import { type ErrorCode, errors, KafkaError } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { endpointFor } from './endpoint.ts'

const BATCH_VERSION = 4
const SHARE_VERSION = 6

const GROUP = 0
const SHARE = 2
const kinds: Readonly<Record<number, { readonly name: string; readonly since: number }>> = {
  [GROUP]: { name: 'Groups', since: 0 },
  1: { name: 'Transactions', since: 1 },
  [SHARE]: { name: 'Share groups', since: SHARE_VERSION },
}

/** `group:topicId:partition`, the key of a share partition's state. */
const SHARE_KEY = /^.+:[\w-]{22}:\d+$/

interface Found {
  readonly nodeId: number
  readonly host: string
  readonly port: number
  readonly errorCode: number
  readonly errorMessage: string | null
}

export async function handleFindCoordinator(
  request: FindCoordinatorRequest,
  context: RequestContext,
): Promise<Input<typeof findCoordinator.response>> {
  if (context.apiVersion < BATCH_VERSION) {
    return { ...(await find(request.key, request.keyType, context)), coordinators: [] }
  }
  const coordinators = request.coordinatorKeys.map(async (key) => ({
    key,
    ...(await find(key, request.keyType, context)),
  }))
  return { coordinators: await Promise.all(coordinators) }
}

async function find(key: string, keyType: number, context: RequestContext): Promise<Found> {
  const problem = refusal(key, keyType, context.apiVersion)
  if (problem !== undefined) return nowhere(problem.error, problem.message)
  try {
    return address(await context.broker.groupCoordinator.findCoordinator(key), context)
  } catch (error) {
    if (error instanceof KafkaError) return nowhere(error.error, error.message)
    throw error
  }
}

function refusal(key: string, keyType: number, apiVersion: number) {
  const kind = kinds[keyType]
  if (kind === undefined || apiVersion < kind.since) {
    const message = `Key type ${keyType} is unknown in version ${apiVersion}; 0 is a group, 1 a transactional id, 2 a share group.`
    return { error: errors.INVALID_REQUEST, message }
  }
  if (keyType === SHARE && !SHARE_KEY.test(key)) {
    const message = `The key of a share partition is group:topicId:partition, not '${key}'.`
    return { error: errors.INVALID_REQUEST, message }
  }
  if (keyType === GROUP) return undefined
  return {
    error: errors.COORDINATOR_NOT_AVAILABLE,
    message: `${kind.name} are not served by this broker yet.`,
  }
}

function address(nodeId: number, context: RequestContext): Found {
  const registration = context.broker.cluster.image().brokers.get(nodeId)
  const endpoint = registration === undefined ? undefined : endpointFor(registration, context)
  if (endpoint === undefined) {
    return nowhere(
      errors.COORDINATOR_NOT_AVAILABLE,
      `Broker ${nodeId} cannot be reached by this listener now.`,
    )
  }
  return { nodeId, ...endpoint, errorCode: errors.NONE.code, errorMessage: null }
}

function nowhere(error: ErrorCode, errorMessage: string): Found {
  return { nodeId: -1, host: '', port: -1, errorCode: error.code, errorMessage }
}
