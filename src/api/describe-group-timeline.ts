// DescribeGroupTimeline, one of our own (docs/decisions/0005-private-apis.md): what happened to groups, and why.
// Promises one answer for each group that is named, and nothing but what the coordinator still remembers: a
// group that nothing is known of has no events, whether it is there or not.
import type {
  DescribeGroupTimelineRequest,
  describeGroupTimeline,
} from '../wire/apis/own/describe-group-timeline.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'
import { asKafkaError } from './each.ts'

type Answer = Input<typeof describeGroupTimeline.response>
type GroupTimeline = NonNullable<Answer['groups']>[number]

export async function handleDescribeGroupTimeline(
  { groupIds }: DescribeGroupTimelineRequest,
  context: RequestContext,
): Promise<Answer> {
  // Each name once: a small request shall not have a large answer.
  const groups = [...new Set(groupIds)].map((groupId) => timelineOf(groupId, context))
  return { groups: await Promise.all(groups) }
}

async function timelineOf(groupId: string, { broker }: RequestContext): Promise<GroupTimeline> {
  try {
    return { groupId, events: await broker.groupCoordinator.timeline(groupId) }
  } catch (error) {
    const { code, message } = asKafkaError(error, broker)
    return { groupId, errorCode: code, errorMessage: message }
  }
}
