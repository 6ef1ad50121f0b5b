// `odradek groups explain`: what happened to a group and why, line by line.
// Promises the broker's own words, oldest first, and with --follow each new event once. Needs a broker that keeps timelines.
import { Command } from 'commander'
import type { Cluster } from '../client/cluster.ts'
import { NoSuchGroupError } from '../client/failure.ts'
import { NoTimelinesError, type TimelineEvent, timeline } from '../client/group-admin.ts'
import { describeGroup, hostText } from '../client/group-describe.ts'
import { CommandError } from '../failure.ts'
import type { Io } from '../io.ts'
import { type ClusterFlags, inCluster, wholeNumber, withCluster } from '../options.ts'
import { type Cell, counted, printJson, table } from '../output.ts'
import { timeText } from '../record-text.ts'
import { naming, shortMemberId } from './names.ts'

interface ExplainFlags extends ClusterFlags {
  readonly json: boolean
  readonly follow: boolean
  readonly last?: number
}

const LOOK_EVERY_MS = 500
const HEADINGS = ['TIME', 'EPOCH', 'EVENT', 'MEMBER', 'CLIENT', 'WHY']
/** How reasons begin that are about one member, which has columns of its own here. */
const MEMBER_FIRST = /^(?:static )?member .*? \(client .*? at [^ )]*\) /

export function makeExplain(io: Io): Command {
  const command = withCluster(new Command('explain'))
    .description('Tell what happened to a group and why: who joined, left or timed out, and what followed')
    .argument('<group>')
    .option('-n, --last <n>', 'only the last events', wholeNumber('--last', 1, Number.MAX_SAFE_INTEGER))
    .option('-f, --follow', 'go on with what happens next, until interrupted', false)
    .option('--json', 'JSON for programs; with --follow one object per line', false)
    .addHelpText(
      'after',
      `
EPOCH is the generation (classic groups) or the group epoch (consumer groups) after the event. The broker remembers a
limited number of events, and none over its restart. Apache Kafka keeps no such timelines.

Examples:
  $ odradek groups explain billing
  $ odradek groups explain billing --last 5
  $ odradek groups explain billing --follow`,
    )
  return command.action((groupId: string, flags: ExplainFlags) =>
    inCluster(flags, async (cluster) => {
      const all = await naming(cluster, () => eventsOf(cluster, groupId))
      const events = flags.last === undefined ? all : all.slice(-flags.last)
      if (flags.json && !flags.follow) return printJson(io, events)
      if (flags.json) await io.print(linesOf(events))
      else if (events.length === 0) {
        io.note(
          `nothing has happened to group ${groupId} since its broker started; ${await nowText(cluster, groupId)}`,
        )
      } else {
        await io.print(
          table(
            HEADINGS,
            events.map((event) => cells(event, io)),
            io.outputIsTerminal,
          ),
        )
        io.note(await nowText(cluster, groupId))
      }
      return flags.follow ? follow(io, cluster, groupId, all, flags.json) : undefined
    }),
  )
}

async function eventsOf(cluster: Cluster, groupId: string): Promise<readonly TimelineEvent[]> {
  try {
    const events = await timeline(cluster, groupId)
    // Nothing is known of groups that never were; of others that nothing happened to since the broker started either.
    if (events.length === 0) await describeGroup(cluster, groupId)
    return events
  } catch (error) {
    if (!(error instanceof NoTimelinesError)) throw error
    throw new CommandError(`${error.message} (Apache Kafka does not; Odradek does)`)
  }
}

async function nowText(cluster: Cluster, groupId: string): Promise<string> {
  try {
    const { state, members, type } = await describeGroup(cluster, groupId)
    return `now: ${state}, ${counted(members.length, 'member')} (${type} group)`
  } catch (error) {
    if (error instanceof NoSuchGroupError) return 'now: the group is gone'
    throw error
  }
}

async function follow(
  io: Io,
  cluster: Cluster,
  groupId: string,
  shown: readonly TimelineEvent[],
  json: boolean,
): Promise<void> {
  let isInterrupted = false
  const release = io.onInterrupt(() => {
    isInterrupted = true
  })
  try {
    for (let known = shown; !isInterrupted; ) {
      await cluster.pause(LOOK_EVERY_MS)
      const events = await eventsOf(cluster, groupId)
      const fresh = newEvents(known, events)
      known = events
      if (fresh.length === 0) continue
      if (json) await io.print(linesOf(fresh))
      else
        for (const event of fresh)
          await io.print(`${cells(event, io).join(io.outputIsTerminal ? '  ' : '\t')}\n`)
    }
  } finally {
    release()
  }
}

/** The events behind those known: the broker adds at the end, and drops old ones at the front. */
export function newEvents(
  known: readonly TimelineEvent[],
  events: readonly TimelineEvent[],
): readonly TimelineEvent[] {
  const before = known.map((event) => JSON.stringify(event))
  const now = events.map((event) => JSON.stringify(event))
  for (let dropped = 0; dropped < before.length; dropped++) {
    const kept = before.length - dropped
    if (kept <= now.length && before.slice(dropped).every((event, at) => event === now[at])) {
      return events.slice(kept)
    }
  }
  return events
}

function linesOf(events: readonly TimelineEvent[]): string {
  return events.map((event) => `${JSON.stringify(event)}\n`).join('')
}

function cells(event: TimelineEvent, io: Io): Cell[] {
  const { atMs, generation, kind, memberId, groupInstanceId, clientId, clientHost, reason } = event
  const id = memberId === null ? null : io.outputIsTerminal ? shortMemberId(memberId) : memberId
  const member = groupInstanceId === null ? id : `${groupInstanceId} = ${id ?? '-'}`
  const client = clientId === null ? '-' : `${clientId} at ${hostText(clientHost ?? '-')}`
  const why = member === null ? reason : reason.replace(MEMBER_FIRST, '')
  return [timeText(atMs), generation < 0 ? '-' : generation, kind, member ?? '-', client, why]
}
