// How members are spoken of in the timeline of a group. Promises short lines without control characters, whatever clients
// call themselves. Leaves showing them to `odradek groups explain`.
import type { TimelineEvent } from './timeline.ts'

/** Whom a line is about, whichever protocol it speaks. */
export interface NamedMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
}

/** What a client may contribute to one line. */
const MOST_CHARACTERS = 120
/** The random end of the ids that brokers make. */
const UUID_TAIL = /-([0-9a-f]{4})[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Text of a client, cut to what fits a line. */
export function clip(text: string, most = MOST_CHARACTERS): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const line = text.slice(0, most + 1).replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, ' ')
  return line.length > most ? `${line.slice(0, most - 1)}…` : line
}

/** A member id without most of its random end: `consumer-1-5b1c…`. */
export function shortId(memberId: string): string {
  return clip(memberId.replace(UUID_TAIL, '-$1…'))
}

/** `member consumer-1-5b1c… (client app-7 at /10.0.0.3)` */
export function nameOf(member: NamedMember): string {
  const { memberId, groupInstanceId, clientId, clientHost } = member
  const who =
    groupInstanceId === null
      ? `member ${shortId(memberId)}`
      : `static member ${clip(groupInstanceId)}, member id ${shortId(memberId)}`
  return `${who} (client ${clip(clientId)} at ${clip(clientHost)})`
}

/** `; the client says: ...`, where the client gave a reason (KIP-800). */
export function clientReason(reason: string | null | undefined): string {
  return reason === null || reason === undefined || reason === ''
    ? ''
    : `; the client says: ${clip(reason, 255)}`
}

/** The fields of an event that say whom it is about. */
export function aboutMember(
  member: NamedMember,
): Pick<TimelineEvent, 'memberId' | 'clientId' | 'clientHost' | 'groupInstanceId'> {
  return {
    memberId: clip(member.memberId, 255),
    clientId: clip(member.clientId),
    clientHost: clip(member.clientHost),
    groupInstanceId: member.groupInstanceId === null ? null : clip(member.groupInstanceId),
  }
}
