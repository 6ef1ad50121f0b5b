// How members of consumer groups are spoken of in the timeline of their group. Promises short lines without control
// characters, whatever clients call themselves. Leaves showing them to `odradek groups explain`.
import * as words from '../words.ts'
import type { ConsumerMember } from './member.ts'

const named = (member: ConsumerMember) => ({ ...member, groupInstanceId: member.instanceId })

/** `member b2Vx… (client app-7 at /10.0.0.3)` */
export const nameOf = (member: ConsumerMember): string => words.nameOf(named(member))

/** The fields of an event that say whom it is about. */
export const aboutMember = (member: ConsumerMember) => words.aboutMember(named(member))

/** `orders, payments and the pattern logs-.*` */
export function subscriptionOf({ subscribedTopicNames, subscribedTopicRegex }: ConsumerMember): string {
  if (subscribedTopicRegex === '') return listNames(subscribedTopicNames)
  const pattern = `the pattern ${words.clip(subscribedTopicRegex, 60)}`
  return subscribedTopicNames.length === 0 ? pattern : `${listNames(subscribedTopicNames)} and ${pattern}`
}

/** `orders, payments and 3 more` */
export function listNames(names: readonly string[], most = 5): string {
  if (names.length === 0) return 'nothing'
  const shown = names.slice(0, most).map((name) => words.clip(name, 60))
  const rest = names.length - shown.length
  return rest === 0 ? shown.join(', ') : `${shown.join(', ')} and ${rest} more`
}
