// What a member of a group is told by its test, and what it tells: one line an event (test/interop/programs/README-groups.md).
// Promises that each line is written at once, so that a member that is killed has told all that it did, and that only
// partitions it owns are told as assigned or taken away. Leaves the client to its program.
import { writeSync } from 'node:fs'
import { parseArgs } from 'node:util'

export const heartbeatIntervalMs = 1000
export const fetchWaitMs = 100

/** The arguments of README-groups.md. */
export function readArguments() {
  const { values } = parseArgs({
    options: {
      bootstrap: { type: 'string' },
      group: { type: 'string' },
      topics: { type: 'string' },
      regex: { type: 'string' },
      name: { type: 'string' },
      instance: { type: 'string' },
      strategy: { type: 'string' },
      protocol: { type: 'string', default: 'classic' },
      session: { type: 'string', default: '6000' },
    },
  })
  return { ...values, topics: values.topics?.split(','), sessionTimeoutMs: Number(values.session) }
}

export class Report {
  #name
  #owned = new Set()

  constructor(name) {
    this.#name = name
  }

  owns(topic, partition) {
    return this.#owned.has(`${topic}-${partition}`)
  }

  ready() {
    this.#line('ready')
  }

  left() {
    this.#line('left')
  }

  /** Tells what is new in a whole assignment, and what is gone from it without having been given up. */
  assignment(generation, topics) {
    const now = new Set(
      topics.flatMap(({ topic, partitions }) => partitions.map((index) => `${topic}-${index}`)),
    )
    this.#away(
      'lost',
      generation,
      [...this.#owned].filter((partition) => !now.has(partition)),
    )
    const added = [...now].filter((partition) => !this.#owned.has(partition))
    for (const partition of added) this.#owned.add(partition)
    this.#line('assigned', generation, added.sort().join(','))
  }

  /** Tells that all partitions but these (`topic-0`) are given up. */
  revokedAllBut(generation, kept = []) {
    this.#away(
      'revoked',
      generation,
      [...this.#owned].filter((partition) => !kept.includes(partition)),
    )
  }

  lostAll(generation) {
    this.#away('lost', generation, [...this.#owned])
  }

  record(topic, partition, offset, value) {
    this.#line('record', `${topic}-${partition}`, offset, value.toString())
  }

  /** `offsets`: [{ topic, partition, offset }] */
  committed(offsets) {
    this.#line(
      'committed',
      offsets.map(({ topic, partition, offset }) => `${topic}-${partition}:${offset}`).join(','),
    )
  }

  /** An error that the client gets over. */
  hindered(error) {
    process.stderr.write(`${this.#name}: ${error?.message ?? error}\n`)
  }

  #away(how, generation, partitions) {
    if (partitions.length === 0) return
    for (const partition of partitions) this.#owned.delete(partition)
    this.#line(how, generation, partitions.sort().join(','))
  }

  #line(kind, ...fields) {
    const atMs = (performance.timeOrigin + performance.now()).toFixed(3)
    writeSync(1, `${[atMs, kind, this.#name, ...fields].join('\t')}\n`)
  }
}

/** Resolves when standard input ends: that is how a member is asked to leave. */
export const askedToLeave = () =>
  new Promise((resolve) => {
    process.stdin.resume()
    process.stdin.once('end', resolve)
  })
