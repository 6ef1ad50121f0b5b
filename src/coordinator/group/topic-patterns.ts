// Which topics the patterns of this broker's consumer groups stand for (KIP-848). Promises that no pattern holds up the event
// loop: a turn of it spends a fixed number of steps for those who ask, and one slice for what is left in the background; that
// a name is looked at once; and bounds on everything that is kept. What decides is counted in steps, not in time, so
// simulations see the same as often as they like. Leaves reading and matching patterns to regex.ts, and when groups ask to
// consumer/.
//
//   resolve ─▶ known already, or few steps left ─▶ the topics
//          └─▶ queue ─▶ a slice in each turn, some turns for each pattern in its turn ─▶ whoever asks then has the topics
import type { ClusterImage } from '../../cluster/image.ts'
import type { Clock } from '../../lib/clock.ts'
import { compilePattern, type TopicPattern } from './regex.ts'
import { TopicNames } from './topic-names.ts'

export interface TopicPatternsOptions {
  readonly clock: Pick<Clock, 'endOfTurn' | 'monotonicMs'>
  /** What a turn may spend on those who ask, and again in the background: 300,000 are 3 to 5 ms. */
  readonly stepsPerTurn?: number
  /** Patterns that are remembered, those of all groups together: many use the same. */
  readonly mostKnown?: number
  /** Patterns that wait for the background. */
  readonly mostQueued?: number
  /** Names of topics that all remembered patterns together stand for. */
  readonly mostNames?: number
}

/** For so many turns a pattern keeps the background before the next one has it: to compile it again costs, too. */
const TURNS_AT_A_STRETCH = 16

/** Longer than a consumer is silent unless it is gone. */
const ABANDONED_AFTER_MS = 60_000

/** Steps to put a name in its order among those that match. */
const STEPS_PER_MATCH = 20

const NO_TOPICS: ReadonlySet<string> = new Set()

/** What is known of a pattern. It is not kept compiled: that may take some hundred KB. */
interface Known {
  readonly source: string
  /** The number (see TopicNames) of the last name that was looked at. */
  upTo: number
  /** In order, as they were when `deletions` was what it is here. Never changed: groups keep it. */
  topics: ReadonlySet<string>
  deletions: number
  /** To be added to them. */
  found: string[]
  askedAtMs: number
  /** What went wrong with a name, if anything did: for those who ask, as nobody hears of it in the background. */
  failure: unknown
}

/** The pattern that the background is at. */
interface Running {
  readonly known: Known
  readonly pattern: TopicPattern
  turns: number
}

export class TopicPatterns {
  private readonly clock: TopicPatternsOptions['clock']
  private readonly stepsPerTurn: number
  private readonly mostKnown: number
  private readonly mostQueued: number
  private readonly mostNames: number
  private readonly names = new TopicNames()
  /** By their text, in the order in which they were last asked for. */
  private readonly known = new Map<string, Known>()
  /** In the order in which the background takes them up. */
  private readonly queue = new Set<Known>()
  private running: Running | undefined
  /** What those who ask may still spend in this turn. */
  private stepsLeft: number
  private stepCount = 0
  private isTurnAwaited = false
  private isClosed = false

  constructor(options: TopicPatternsOptions) {
    this.clock = options.clock
    this.stepsPerTurn = options.stepsPerTurn ?? 300_000
    this.mostKnown = options.mostKnown ?? 500
    this.mostQueued = options.mostQueued ?? 100
    this.mostNames = options.mostNames ?? 1_000_000
    this.stepsLeft = this.stepsPerTurn
  }

  /** All steps up to now (see TopicPattern). */
  get steps(): number {
    return this.stepCount
  }

  /** How many patterns are remembered. */
  get size(): number {
    return this.known.size
  }

  /** How many patterns wait for the background. */
  get queued(): number {
    return this.queue.size
  }

  /**
   * `resolve` for a pattern that a request brings: it is read in any case.
   * @throws KafkaError INVALID_REGULAR_EXPRESSION
   */
  resolveNew(source: string, topics: ClusterImage['topics']): ReadonlySet<string> | undefined {
    return this.find(source, topics, this.known.has(source) ? undefined : this.compile(source))
  }

  /**
   * The names of all topics that the pattern matches, in order. As with Apache Kafka 4.3 that includes internal topics: a
   * pattern that begins with `__` or `.*` asks for them. Undefined: not yet; to be asked again with the next heartbeat.
   * @throws KafkaError INVALID_REGULAR_EXPRESSION, but for the first time perhaps not yet
   */
  resolve(source: string, topics: ClusterImage['topics']): ReadonlySet<string> | undefined {
    if (this.known.has(source)) return this.find(source, topics, undefined)
    // A group may have more patterns than are remembered.
    return this.stepsLeft > 0 ? this.resolveNew(source, topics) : undefined
  }

  private find(
    source: string,
    topics: ClusterImage['topics'],
    fresh: TopicPattern | undefined,
  ): ReadonlySet<string> | undefined {
    if (this.isClosed) return undefined
    this.names.follow(topics)
    const known = this.take(source)
    if (known === undefined) return undefined
    if (!this.isDone(known) && !this.queue.has(known)) {
      this.spend(known, fresh)
      if (!this.isDone(known) && this.queue.size < this.mostQueued) this.queue.add(known)
    }
    if (known.failure !== undefined) throw known.failure
    return this.isDone(known) ? known.topics : undefined
  }

  /** Ends the work in the background. */
  close(): void {
    this.isClosed = true
    this.queue.clear()
    this.known.clear()
    this.running = undefined
    this.names.follow(new Map())
  }

  // What is remembered.

  /** Undefined for a new one when there is no room for it. */
  private take(source: string): Known | undefined {
    let known = this.known.get(source)
    if (known === undefined) {
      this.forgetOthers(1)
      if (this.known.size >= this.mostKnown) return undefined
      const { deletions } = this.names
      known = { source, upTo: 0, topics: NO_TOPICS, deletions, found: [], askedAtMs: 0, failure: undefined }
    }
    known.askedAtMs = this.clock.monotonicMs()
    this.putLast(known)
    return known
  }

  private putLast(known: Known): void {
    this.known.delete(known.source)
    this.known.set(known.source, known)
  }

  /** Forgets what nobody has asked for the longest, until there is room for `more`; nothing that the background is to do. */
  private forgetOthers(more: number): void {
    let count = this.known.size
    let names = 0
    for (const { topics } of this.known.values()) names += topics.size
    for (const known of this.known.values()) {
      const isOver = this.known.size + more > this.mostKnown || names > this.mostNames
      // The last one has only just been asked for, or is done at last: it is needed however many names it stands for.
      if (!isOver || --count + more === 0) return
      if (this.queue.has(known)) continue
      this.known.delete(known.source)
      names -= known.topics.size
    }
  }

  /** Whether there are names to look at. */
  private isBehind({ upTo, failure }: Known): boolean {
    return upTo < this.names.last && failure === undefined
  }

  private isDone(known: Known): boolean {
    return !this.isBehind(known) && known.found.length === 0 && known.deletions === this.names.deletions
  }

  /** All names have been looked at: adds what was found, and takes away what is gone. */
  private settle(known: Known): void {
    const { names } = this
    this.stepCount += this.settlingSteps(known)
    const all = [...known.topics, ...known.found].filter((name) => names.has(name))
    known.topics = new Set(all.sort())
    known.found = []
    known.deletions = names.deletions
    this.putLast(known)
    this.forgetOthers(0)
  }

  private settlingSteps({ topics, found }: Known): number {
    return (topics.size + found.length) * STEPS_PER_MATCH
  }

  // Looking at names.

  private compile(source: string): TopicPattern {
    const pattern = compilePattern(source)
    this.stepCount += pattern.steps
    return pattern
  }

  /** Looks at names on behalf of somebody who asks, for what is left of this turn's steps. */
  private spend(known: Known, fresh: TopicPattern | undefined): void {
    this.awaitTurn()
    if (this.stepsLeft <= 0) return
    if (this.isBehind(known)) {
      const pattern = fresh ?? this.compile(known.source)
      this.stepsLeft -= pattern.steps
      this.stepsLeft -= this.look(known, pattern, this.stepsLeft, 0)
    }
    if (this.isBehind(known) || this.settlingSteps(known) > this.stepsLeft) return
    this.stepsLeft -= this.settlingSteps(known)
    this.settle(known)
  }

  /** Looks at as many names as so many steps allow, and at `least` names; returns the steps that it took. */
  private look(known: Known, pattern: TopicPattern, steps: number, least: number): number {
    const before = pattern.steps
    try {
      this.lookAtNames(known, pattern, before + steps, least)
    } catch (error) {
      known.failure = error
    }
    const taken = pattern.steps - before
    this.stepCount += taken
    return taken
  }

  private lookAtNames(known: Known, pattern: TopicPattern, lastStep: number, least: number): void {
    const { names } = this
    for (let at = names.after(known.upTo), count = 0; at < names.length; at++, count++) {
      const name = names.name(at)
      if (count >= least && pattern.steps + pattern.stepsFor(name) > lastStep) return
      if (pattern.matches(name)) known.found.push(name)
      known.upTo = names.number(at)
    }
  }

  // The background.

  private awaitTurn(): void {
    if (this.isTurnAwaited) return
    this.isTurnAwaited = true
    this.clock.endOfTurn(() => {
      this.isTurnAwaited = false
      if (this.isClosed) return
      this.stepsLeft = this.stepsPerTurn
      this.work()
      if (this.queue.size > 0) this.awaitTurn()
    })
  }

  /** One slice: as many steps as a turn has, or one name if that takes more. */
  private work(): void {
    let steps = this.stepsPerTurn
    let least = 1
    while (steps > 0) {
      const before = this.stepCount
      const running = this.next()
      if (running === undefined) return
      const { known, pattern } = running
      this.look(known, pattern, steps - (this.stepCount - before), least)
      least = 0
      if (this.isBehind(known)) break
      this.queue.delete(known)
      this.running = undefined
      this.settle(known)
      steps -= this.stepCount - before
    }
    this.takeTurns()
  }

  /** The pattern that is to be worked at; those that nobody asks for any more are left where they are. */
  private next(): Running | undefined {
    const oldestMs = this.clock.monotonicMs() - ABANDONED_AFTER_MS
    for (const known of this.queue) {
      if (known.askedAtMs >= oldestMs) {
        if (this.running?.known !== known) {
          this.running = { known, pattern: this.compile(known.source), turns: 0 }
        }
        return this.running
      }
      this.queue.delete(known)
    }
    this.running = undefined
    return undefined
  }

  private takeTurns(): void {
    const { running, queue } = this
    if (running === undefined || ++running.turns < TURNS_AT_A_STRETCH || queue.size === 1) return
    queue.delete(running.known)
    queue.add(running.known)
    this.running = undefined
  }
}
