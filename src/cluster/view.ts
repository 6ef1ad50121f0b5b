// The store's contents as a ClusterImage, kept current, and handed to whoever must make the broker match it.
// Promises that `image()` shows only what every subscriber has been given to apply (a leader that Metadata names exists),
// and that a lost event costs nothing: entries are always read again. Leaves the meaning of entries to image-reader.ts.
//
//   store --events, refresh()--> round of changed paths --read--> decided() --apply, one step at a time--> image()
import { type Deferred, deferred } from '../lib/deferred.ts'
import type { Logger } from '../lib/logger.ts'
import { advance, type ClusterImage, difference, emptyImage, type ImageDelta } from './image.ts'
import { ImageReader } from './image-reader.ts'
import type { MetadataStore } from './store.ts'

/** Makes something of the broker match the image: replicas, dynamic settings, coordinators. */
export interface ImageSubscriber {
  /**
   * Level-triggered: `image` is the whole truth, `delta` what differs from the image this subscriber last applied without
   * an error. Steps that fell together are applied as one. The next call comes only after this one has settled.
   * An error is for the unexpected: it fails the calls that wait for this step, and the image goes on all the same.
   */
  apply(image: ClusterImage, delta: ImageDelta): void | Promise<void>
}

interface Subscription {
  readonly subscriber: ImageSubscriber
  at: ClusterImage
}

/** Paths that are read together, and whoever waits for that. */
interface Round {
  readonly paths: Set<string>
  readonly outcome: Deferred<void>
}

interface AppliedWaiter {
  readonly version: number
  readonly outcome: Deferred<void>
}

const EVERYTHING = '/'

export class ClusterView {
  private readonly store: MetadataStore
  private readonly logger: Logger
  private readonly reader: ImageReader
  private readonly subscriptions: Subscription[] = []
  private decidedImage: ClusterImage
  private appliedImage: ClusterImage
  private nextRound: Round | null = null
  private isReading = false
  private isApplying = false
  private waiters: AppliedWaiter[] = []
  private unwatch: () => void = () => {}

  constructor(options: { store: MetadataStore; clusterId: string; logger: Logger }) {
    this.store = options.store
    this.logger = options.logger
    this.reader = new ImageReader(options.store)
    this.decidedImage = emptyImage(options.clusterId)
    this.appliedImage = this.decidedImage
  }

  /** Reads everything and follows the store from then on. Throws LayoutError for entries it cannot read. */
  async start(): Promise<void> {
    const follow = async (path: string): Promise<void> => {
      try {
        await this.refresh([path])
      } catch (error) {
        this.logger.error('could not read the cluster metadata', { path, error: String(error) })
      }
    }
    this.unwatch = await this.store.watch('/', (event) => {
      void follow(event.kind === 'resync' ? EVERYTHING : event.path)
    })
    await this.refresh([EVERYTHING])
  }

  close(): void {
    this.unwatch()
  }

  /** What this broker has applied, and what its clients are shown. */
  image(): ClusterImage {
    return this.appliedImage
  }

  /** What has been decided, as far as this broker knows: the ground of the next decision. */
  decided(): ClusterImage {
    return this.decidedImage
  }

  /** The subscriber is given all there is, then every step; in order of subscription. `applied()` says when it has caught up. */
  subscribe(subscriber: ImageSubscriber): void {
    this.subscriptions.push({ subscriber, at: emptyImage(this.decidedImage.clusterId) })
    this.applySteps()
  }

  /** Resolves when `decided()` shows what the store held for these paths at the time of the call, or later. */
  refresh(changed: readonly string[]): Promise<void> {
    this.nextRound ??= { paths: new Set(), outcome: deferred() }
    for (const path of changed) this.nextRound.paths.add(path)
    const { promise } = this.nextRound.outcome
    if (!this.isReading) void this.readRounds()
    return promise
  }

  /** Resolves when every subscriber has applied what is decided now; rejects when one of them failed to. */
  applied(): Promise<void> {
    if (this.isApplied()) return Promise.resolve()
    const outcome = deferred()
    this.waiters.push({ version: this.decidedImage.version, outcome })
    this.applySteps()
    return outcome.promise
  }

  private async readRounds(): Promise<void> {
    this.isReading = true
    // Changes of one turn are read together.
    await null
    while (this.nextRound !== null) {
      const { paths, outcome } = this.nextRound
      this.nextRound = null
      try {
        await this.readRound(paths)
        outcome.resolve()
      } catch (error) {
        outcome.reject(error)
      }
    }
    this.isReading = false
  }

  private async readRound(paths: ReadonlySet<string>): Promise<void> {
    const image = this.decidedImage
    const changes = paths.has(EVERYTHING)
      ? await this.reader.readAll(image)
      : await this.reader.readSome(paths, image)
    if (Object.keys(changes).length === 0) return
    this.decidedImage = advance(image, changes)
    this.applySteps()
  }

  private isApplied(): boolean {
    const decided = this.decidedImage
    return this.appliedImage === decided && this.subscriptions.every(({ at }) => at === decided)
  }

  private applySteps(): void {
    if (!this.isApplying && !this.isApplied()) void this.applyUntilCurrent()
  }

  private async applyUntilCurrent(): Promise<void> {
    this.isApplying = true
    for (let target: ClusterImage | null = null; target !== this.decidedImage; ) {
      target = this.decidedImage
      const { version } = target
      const failure = await this.applyStep(target)
      this.appliedImage = target
      const done = this.waiters.filter((waiter) => waiter.version <= version)
      this.waiters = this.waiters.filter((waiter) => waiter.version > version)
      for (const { outcome } of done) {
        if (failure === null) outcome.resolve()
        else outcome.reject(failure)
      }
    }
    this.isApplying = false
  }

  /** Returns the first failure of a subscriber, null when all did what they should. */
  private async applyStep(target: ClusterImage): Promise<Error | null> {
    let failure: Error | null = null
    // By index: a subscriber that comes meanwhile takes part.
    for (let index = 0; index < this.subscriptions.length; index++) {
      const subscription = this.subscriptions[index]!
      if (subscription.at === target) continue
      try {
        await subscription.subscriber.apply(target, difference(subscription.at, target))
        subscription.at = target
      } catch (error) {
        failure ??= error instanceof Error ? error : new Error(String(error))
        this.logger.error('this broker could not apply a change of the metadata', { error: String(error) })
      }
    }
    return failure
  }
}
