// ListGroups: the groups that this broker coordinates.
// Promises all of them or an error. Leaves asking the other brokers to the client.
//
//  4 state, and a filter of states (KIP-518)      5 type, and a filter of types (KIP-848)
import type { ListGroupsRequest, listGroups } from '../wire/apis/list-groups.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'

type Answer = Input<typeof listGroups.response>

export async function handleListGroups(
  { statesFilter, typesFilter }: ListGroupsRequest,
  { broker }: RequestContext,
): Promise<Answer> {
  const isWantedState = filterOf(statesFilter)
  const isWantedType = filterOf(typesFilter)
  try {
    const groups = await broker.groupCoordinator.listGroups()
    return {
      errorCode: errors.NONE.code,
      groups: groups.filter(
        ({ groupState, groupType }) => isWantedState(groupState) && isWantedType(groupType),
      ),
    }
  } catch (error) {
    return { errorCode: asKafkaError(error, broker).code, groups: [] }
  }
}

/** Whatever the case of the letters; no names at all stand for every one, unknown ones for nothing. */
function filterOf(names: readonly string[]): (name: string) => boolean {
  const wanted = new Set(names.map((name) => name.trim().toLowerCase()))
  return (name) => wanted.size === 0 || wanted.has(name.toLowerCase())
}
