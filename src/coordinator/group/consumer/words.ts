// How members of consumer groups are spoken of in the timeline of their group. Promises short lines without control
// characters, whatever clients call themselves. Leaves showing them to `odradek groups explain`.
import { clip, shortId } from '../classic/words.ts'
import type { TimelineEvent } from '../timeline.ts'
import type { ConsumerMember } from './member.ts'

/** `member b2Vx… (client app-7 at /10.0.0.3)` */
export function nameOf({ memberId, instanceId, clientId, clientHost }: ConsumerMember): string {
  const who =
    instanceId === null
      ? `member ${shortId(memberId)}`
      : `static member ${clip(instanceId)}, member id ${shortId(memberId)}`
  return `${who} (client ${clip(clientId)} at ${clip(clientHost)})`
}

/** The fields of an event that say whom it is about. */
export function aboutMember(
  member: ConsumerMember,
): Pick<TimelineEvent, 'memberId' | 'clientId' | 'clientHost' | 'groupInstanceId'> {
  return {
    memberId: clip(member.memberId, 255),
    clientId: clip(member.clientId),
    clientHost: clip(member.clientHost),
    groupInstanceId: member.instanceId === null ? null : clip(member.instanceId),
  }
}

/** `orders, payments and the pattern logs-.*` */
export function subscriptionOf({ subscribedTopicNames, subscribedTopicRegex }: ConsumerMember): string {
  if (subscribedTopicRegex === '') return listNames(subscribedTopicNames)
  const pattern = `the pattern ${clip(subscribedTopicRegex, 60)}`
  return subscribedTopicNames.length === 0 ? pattern : `${listNames(subscribedTopicNames)} and ${pattern}`
}

/** `orders, payments and 3 more` */
export function listNames(names: readonly string[], most = 5): string {
  if (names.length === 0) return 'nothing'
  const shown = names.slice(0, most).map((name) => clip(name, 60))
  const rest = names.length - shown.length
  return rest === 0 ? shown.join(', ') : `${shown.join(', ')} and ${rest} more`
}
