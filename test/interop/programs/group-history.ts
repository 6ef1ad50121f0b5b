// What the members of a group printed (README-groups.md), and whether it is what a group may do.
// Promises a list of sentences, one for each thing that is wrong, each with the lines it follows from; an empty list is a verdict.
// Leaves starting and ending members to group-scenarios.ts.

export type EventKind = 'ready' | 'assigned' | 'revoked' | 'lost' | 'record' | 'committed' | 'left' | 'killed'

export interface GroupEvent {
  readonly atMs: number
  readonly kind: EventKind
  readonly member: string
  /** Generation or member epoch; undefined where the client does not say, or is in none. */
  readonly generation?: number
  /** `topic-0`: added or taken away; of a record the only one. */
  readonly partitions: readonly string[]
  /** Of a record. */
  readonly offset?: number
  readonly value?: string
  /** Of a commit: by partition where to go on from. */
  readonly offsets?: ReadonlyMap<string, number>
}

const words = (column: string | undefined): string[] => (column ? column.split(',') : [])

/** One line of a member. Throws for a line that is not in the form agreed on. */
export function parseEvent(line: string, arrivedAtMs: number): GroupEvent {
  const columns = line.split('\t')
  const stamped = /^\d+(\.\d+)?$/.test(columns[0]!)
  // Whole milliseconds, as some languages have no finer ones: parts of them would put the lines of others out of order.
  const atMs = stamped ? Math.floor(Number(columns.shift())) : arrivedAtMs
  const [kind, member, ...rest] = columns
  if (!member) throw new Error(`a line without a member: ${JSON.stringify(line)}`)
  switch (kind) {
    case 'ready':
    case 'left':
      return { atMs, kind, member, partitions: [] }
    case 'assigned':
    case 'revoked':
    case 'lost': {
      const generation = /^\d+$/.test(rest[0] ?? '') ? { generation: Number(rest[0]) } : {}
      return { atMs, kind, member, ...generation, partitions: words(rest[1]) }
    }
    case 'record': {
      const [partition, offset, value] = rest
      if (!partition || value === undefined) break
      return { atMs, kind, member, partitions: [partition], offset: Number(offset), value }
    }
    case 'committed': {
      const offsets = words(rest[0]).map((word): [string, number] => {
        const colon = word.lastIndexOf(':')
        return [word.slice(0, colon), Number(word.slice(colon + 1))]
      })
      return { atMs, kind, member, partitions: [], offsets: new Map(offsets) }
    }
  }
  throw new Error(`a line that is not in the form agreed on: ${JSON.stringify(line)}`)
}

/** A time during which a member had a partition, by what it printed. */
interface Stretch {
  readonly member: string
  readonly partition: string
  readonly generation: number | undefined
  readonly fromMs: number
  untilMs: number
  end: 'revoked' | 'lost' | 'left' | 'killed' | 'still'
  firstOffset: number | undefined
  nextOffset: number | undefined
}

export interface Expected {
  /** By partition the end of the log: all records below it have to be read. */
  readonly ends: ReadonlyMap<string, number>
  /** Whether generations are those of assignments: not so with epochs, which a client may take up before it says what changed. */
  readonly hasGenerations: boolean
  /** Members that are one static member after the other: `group.instance.id` by name. */
  readonly instances?: ReadonlyMap<string, string>
}

/** What the driver writes into partition `t-0` at offset 17. */
export const valueAt = (partition: string, offset: number): string => `${partition} ${offset}`

/** Everything that members printed and that was done to them, in the order of its arrival. */
export class GroupHistory {
  readonly events: GroupEvent[] = []
  private readonly owned = new Map<string, Set<string>>()
  private readonly read = new Map<string, Set<number>>()

  add(event: GroupEvent): void {
    this.events.push(event)
    const owned = this.owned.get(event.member) ?? new Set()
    this.owned.set(event.member, owned)
    if (event.kind === 'assigned') for (const partition of event.partitions) owned.add(partition)
    if (event.kind === 'revoked' || event.kind === 'lost') {
      for (const partition of event.partitions) owned.delete(partition)
    }
    if (event.kind === 'left' || event.kind === 'killed') owned.clear()
    if (event.kind !== 'record') return
    const read = this.read.get(event.partitions[0]!) ?? new Set()
    this.read.set(event.partitions[0]!, read.add(event.offset!))
  }

  /** What a member has now, sorted. */
  ownedBy(member: string): string[] {
    return [...(this.owned.get(member) ?? [])].sort()
  }

  /** How many different records of a partition were read. */
  readCount(partition: string): number {
    return this.read.get(partition)?.size ?? 0
  }

  /** How many events of a kind a member had. */
  count(member: string, kind: EventKind): number {
    return this.of(member).filter((event) => event.kind === kind).length
  }

  of(member: string): GroupEvent[] {
    return this.events.filter((event) => event.member === member)
  }

  /** Everything that is wrong. */
  problems(expected: Expected): string[] {
    const problems: string[] = []
    const members = [...new Set(this.events.map(({ member }) => member))]
    const stretches = members.flatMap((member) => stretchesOf(this.of(member), problems))
    overlaps(stretches, problems)
    if (expected.hasGenerations) generations(this.events, expected.instances ?? new Map(), problems)
    positions(stretches, this.events, problems)
    for (const [partition, end] of expected.ends) {
      const read = this.read.get(partition) ?? new Set()
      const missing = Array.from({ length: end }, (_, offset) => offset).filter((offset) => !read.has(offset))
      if (missing.length > 0) {
        problems.push(
          `${partition}: ${missing.length} of ${end} records were read by nobody, first ${missing[0]}`,
        )
      }
    }
    return problems
  }

  /** The events but for records, and how many of those lie between: for the message of a failure. */
  toString(): string {
    const lines: string[] = []
    const records = new Map<string, number>()
    for (const { atMs, kind, member, generation = '-', partitions, offsets } of this.events) {
      if (kind === 'record') records.set(member, (records.get(member) ?? 0) + 1)
      if (kind === 'record' || kind === 'committed') continue
      const counts = [...records].map(([name, count]) => `${name} ${count}`).join(', ')
      if (counts !== '') lines.push(`  (records: ${counts})`)
      records.clear()
      const shown = offsets === undefined ? partitions.join(',') : [...offsets].join(' ')
      lines.push(`${(atMs / 1000).toFixed(3)} ${member} ${kind} ${generation} ${shown}`)
    }
    return lines.join('\n')
  }
}

/** Follows one member: what it had when, and whether it kept to it. */
function stretchesOf(events: readonly GroupEvent[], problems: string[]): Stretch[] {
  const all: Stretch[] = []
  const open = new Map<string, Stretch>()
  const close = (partition: string, atMs: number, end: Stretch['end']) => {
    const stretch = open.get(partition)
    if (stretch === undefined) return
    stretch.untilMs = atMs
    stretch.end = end
    open.delete(partition)
  }
  for (const { kind, atMs, member, generation, partitions, offset, value } of events) {
    if (kind === 'left' || kind === 'killed') {
      for (const partition of [...open.keys()]) close(partition, atMs, kind)
    }
    for (const partition of partitions) {
      const stretch = open.get(partition)
      if (kind === 'revoked' || kind === 'lost') {
        if (stretch === undefined) problems.push(`${member}: ${kind} ${partition}, which it did not have`)
        close(partition, atMs, kind)
      } else if (kind === 'assigned') {
        if (stretch !== undefined) problems.push(`${member}: was assigned ${partition}, which it had already`)
        const added: Stretch = {
          ...{ member, partition, generation, fromMs: atMs, untilMs: Number.POSITIVE_INFINITY },
          ...{ end: 'still', firstOffset: undefined, nextOffset: undefined },
        }
        open.set(partition, added)
        all.push(added)
      } else if (kind === 'record') {
        problems.push(...recordProblems(stretch, member, partition, offset!, value!))
        if (stretch === undefined) continue
        stretch.firstOffset ??= offset!
        stretch.nextOffset = offset! + 1
      }
    }
  }
  return all
}

function recordProblems(
  stretch: Stretch | undefined,
  member: string,
  partition: string,
  offset: number,
  value: string,
): string[] {
  const what = `${member}: record ${offset} of ${partition}`
  const problems: string[] = []
  if (value !== valueAt(partition, offset)) problems.push(`${what} is '${value}'`)
  if (stretch === undefined) problems.push(`${what}, which it did not have`)
  const { nextOffset = offset } = stretch ?? {}
  if (offset !== nextOffset) problems.push(`${what} where ${nextOffset} was due`)
  return problems
}

/** A member that lost a partition found out late: only of those that gave it back is more than that demanded. */
function overlaps(stretches: readonly Stretch[], problems: string[]): void {
  for (const one of stretches) {
    for (const other of stretches) {
      if (one.partition !== other.partition || one === other || one.end === 'lost') continue
      const isWithin = other.fromMs > one.fromMs && other.fromMs < one.untilMs
      const isSameTime = other.fromMs === one.fromMs && one.member < other.member && other.end !== 'lost'
      if (!isWithin && !(isSameTime && one.untilMs > one.fromMs && other.untilMs > other.fromMs)) continue
      problems.push(
        `${one.partition}: ${other.member} got it at ${other.fromMs} while ${one.member} had it ` +
          `from ${one.fromMs} to ${one.untilMs} (${one.end})`,
      )
    }
  }
}

function generations(
  events: readonly GroupEvent[],
  instances: ReadonlyMap<string, string>,
  problems: string[],
): void {
  const owners = new Map<string, string>()
  const latest = new Map<string, number>()
  for (const { kind, member, generation, partitions } of events) {
    if (kind !== 'assigned' || generation === undefined) continue
    const before = latest.get(member) ?? generation
    if (generation < before) problems.push(`${member}: generation ${generation} after ${before}`)
    latest.set(member, generation)
    const identity = instances.get(member) ?? member
    for (const partition of partitions) {
      const key = `${partition} in generation ${generation}`
      const owner = owners.get(key) ?? identity
      if (owner !== identity) problems.push(`${key}: was given to ${owner} and to ${identity}`)
      owners.set(key, owner)
    }
  }
}

/** Whoever gets a partition goes on at what was committed when it got it, or later. */
function positions(stretches: readonly Stretch[], events: readonly GroupEvent[], problems: string[]): void {
  const commits = events.filter(({ kind }) => kind === 'committed')
  for (const { member, partition, fromMs, firstOffset } of stretches) {
    if (firstOffset === undefined) continue
    for (const { offsets, atMs, member: by } of commits) {
      const committed = offsets!.get(partition)
      if (atMs >= fromMs || committed === undefined || committed <= firstOffset) continue
      problems.push(
        `${member}: began ${partition} at ${firstOffset}, though ${by} had committed ${committed} before`,
      )
      break
    }
  }
}
