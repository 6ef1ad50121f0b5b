// DeleteGroups (KIP-229): forgets groups that have no members, and their offsets.
// Promises one answer for each group, however often it is named. Leaves what is deleted to the coordinator.
import type { DeleteGroupsRequest, deleteGroups } from '../wire/apis/delete-groups.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'

type Answer = Input<typeof deleteGroups.response>

export async function handleDeleteGroups(
  { groupsNames }: DeleteGroupsRequest,
  { broker }: RequestContext,
): Promise<Answer> {
  const deletions = Array.from(new Set(groupsNames), async (groupId) => {
    try {
      return await broker.groupCoordinator.deleteGroup(groupId)
    } catch (error) {
      return { groupId, errorCode: asKafkaError(error, broker).code }
    }
  })
  return { results: await Promise.all(deletions) }
}
