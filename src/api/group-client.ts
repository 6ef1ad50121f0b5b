// Who sends a request about a group, as groups keep it; and what becomes of a refusal.
// Promises client hosts in the form that Kafka shows them in. Leaves answers to the handlers.
import { errors, type KafkaError } from '../wire/errors.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'
import { plainAddress } from './endpoint.ts'

export interface GroupClient {
  readonly clientId: string
  /** `/10.0.0.3` or `/0:0:0:0:0:0:0:1`, as Java prints an address without a name. */
  readonly clientHost: string
  readonly apiVersion: number
}

export function groupClient({ clientId, remoteAddress, apiVersion }: RequestContext): GroupClient {
  return { clientId: clientId ?? '', clientHost: `/${uncompressed(plainAddress(remoteAddress))}`, apiVersion }
}

const IPV6_GROUPS = 8

/** An IPv6 address as Java prints it, with every zero: `0:0:0:0:0:0:0:1` for `::1`. Others stay as they are. */
function uncompressed(address: string): string {
  const [numbers = '', zone] = address.split('%')
  if (!numbers.includes(':')) return address
  const [left = [], right = []] = numbers.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const zeros = new Array<string>(Math.max(0, IPV6_GROUPS - left.length - right.length)).fill('0')
  return [...left, ...zeros, ...right].join(':') + (zone === undefined ? '' : `%${zone}`)
}

/** The group's answer, or what `refused` makes of the error. */
export async function answerOrRefusal<Answer>(
  answer: Promise<Answer>,
  context: RequestContext,
  refused: (error: KafkaError) => Answer,
): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    return refused(asKafkaError(error, context.broker))
  }
}

/** Nobody has a reason to name a group more often in one request: all the answers could be gigabytes. */
const MOST_REPETITIONS = 10

/** Answers for each group that is named, in the order of the request; INVALID_REQUEST for one that is named very often. */
export function describeEach<Described>(
  groupIds: readonly string[],
  describe: (groupId: string) => Promise<Described>,
): Promise<(Described | { groupId: string; errorCode: number; errorMessage: string })[]> {
  const counts = new Map<string, number>()
  const described = groupIds.map(async (groupId) => {
    const count = (counts.get(groupId) ?? 0) + 1
    counts.set(groupId, count)
    if (count <= MOST_REPETITIONS) return describe(groupId)
    const errorMessage = `The group is named more than ${MOST_REPETITIONS} times in one request.`
    return { groupId, errorCode: errors.INVALID_REQUEST.code, errorMessage }
  })
  return Promise.all(described)
}

/** Whether members may speak the consumer protocol here (KIP-848). */
export function servesConsumerProtocol({ broker }: RequestContext): boolean {
  return broker.config().groupCoordinatorRebalanceProtocols.includes('consumer')
}

export const consumerProtocolIsOff = {
  errorCode: errors.UNSUPPORTED_VERSION.code,
  errorMessage: 'group.coordinator.rebalance.protocols of this broker does not name consumer.',
} as const
