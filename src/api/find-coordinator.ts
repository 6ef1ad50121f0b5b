// FindCoordinator: which broker keeps a group, a transactional id or a share partition.
// Promises COORDINATOR_NOT_AVAILABLE, with a reason, until this broker coordinates anything: clients wait and ask again.
//
//  1 kind of key (0 group, 1 transactional id)   4 many keys at once (KIP-699)   6 share groups (KIP-932)
import type { FindCoordinatorRequest, findCoordinator } from '../wire/apis/find-coordinator.ts'
import { type ErrorCode, errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'

const BATCH_VERSION = 4
const SHARE_VERSION = 6

const kinds: Readonly<Record<number, { readonly name: string; readonly since: number }>> = {
  0: { name: 'Groups', since: 0 },
  1: { name: 'Transactions', since: 1 },
  2: { name: 'Share groups', since: SHARE_VERSION },
}

const SHARE = 2
/** `group:topicId:partition`, the key of a share partition's state. */
const SHARE_KEY = /^.+:[\w-]{22}:\d+$/

const nowhere = { nodeId: -1, host: '', port: -1 }

export function handleFindCoordinator(
  request: FindCoordinatorRequest,
  context: RequestContext,
): Input<typeof findCoordinator.response> {
  const { apiVersion } = context
  const refusal = (key: string) => {
    const { error, errorMessage } = outcome(key, request.keyType, apiVersion)
    return { ...nowhere, errorCode: error.code, errorMessage }
  }
  if (apiVersion < BATCH_VERSION) return { ...refusal(request.key), coordinators: [] }
  return { ...nowhere, coordinators: request.coordinatorKeys.map((key) => ({ key, ...refusal(key) })) }
}

function outcome(
  key: string,
  keyType: number,
  apiVersion: number,
): { error: ErrorCode; errorMessage: string } {
  const kind = kinds[keyType]
  if (kind === undefined || apiVersion < kind.since) {
    const errorMessage = `Key type ${keyType} is unknown in version ${apiVersion}; 0 is a group, 1 a transactional id, 2 a share group.`
    return { error: errors.INVALID_REQUEST, errorMessage }
  }
  if (keyType === SHARE && !SHARE_KEY.test(key)) {
    const errorMessage = `The key of a share partition is group:topicId:partition, not '${key}'.`
    return { error: errors.INVALID_REQUEST, errorMessage }
  }
  return {
    error: errors.COORDINATOR_NOT_AVAILABLE,
    errorMessage: `${kind.name} are not served by this broker yet.`,
  }
}
