// Members of one consumer group who do things in random order, of both protocols. Promises the same moves for the same seed,
// as long as both brokers say the same; and only such that both may answer alike: server-made ids, on which the range
// assignor depends, are avoided, somebody of the consumer protocol is always there, and whoever leaves is followed by a
// heartbeat, as a timer of ours works out the target then. Leaves comparing to consumer-groups.test.ts.
import type { SeededRandom } from '../../../src/lib/random.ts'
import type { ConsumerSide, Outcome } from './consumer-side.ts'

type Do = (what: string, move: (side: ConsumerSide) => Promise<Outcome>) => Promise<Outcome>

const SUBSCRIPTIONS: readonly (readonly string[])[] = [['t'], ['t', 'u'], ['u'], ['t', 'missing']]
const PARTITIONS = ['t-0', 't-1', 't-2', 't-3', 'u-0']
/** Names of clients, and their instance ids: `s` and `old` follow each other. */
const CONSUMERS: Readonly<Record<string, string | null>> = { a: null, b: null, s: 'two' }
const CLASSIC: Readonly<Record<string, string | null>> = { k1: null, k2: null, k3: null, old: 'two' }

export class RandomConsumers {
  private readonly random: SeededRandom
  private readonly does: Do
  private readonly joined = new Set<string>()
  /** What members of the classic protocol say that they have. */
  private readonly owned = new Map<string, readonly string[]>()

  constructor(random: SeededRandom, does: Do) {
    this.random = random
    this.does = does
  }

  async live(moves: number): Promise<void> {
    await this.join('a', ['t'])
    for (let at = 0; at < moves; at++) {
      if (this.random.below(2) === 0) await this.moveConsumer(this.oneOf(Object.keys(CONSUMERS)))
      else await this.moveClassic(this.oneOf(Object.keys(CLASSIC)))
    }
  }

  private oneOf<Item>(items: readonly Item[]): Item {
    return items[this.random.below(items.length)]!
  }

  private async join(name: string, topics: readonly string[]): Promise<void> {
    const instanceId = CONSUMERS[name] ?? null
    const changes = { serverAssignor: 'range', ...(instanceId === null ? {} : { instanceId }) }
    const { error } = await this.does(`${name} joins ${topics}`, (side) => side.join(name, topics, changes))
    if (error !== 'NONE') return
    this.joined.add(name)
    if (instanceId !== null) this.owned.delete('old')
  }

  private async moveConsumer(name: string): Promise<void> {
    const topics = this.oneOf(SUBSCRIPTIONS)
    const kind = this.random.below(12)
    if (!this.joined.has(name)) await this.join(name, topics)
    else if (kind === 0 && name !== 'a') {
      this.joined.delete(name)
      await this.does(`${name} leaves`, async (side) => {
        await side.leave(name)
        return side.beat('a')
      })
    } else {
      const changes = kind === 1 ? { subscribedTopicNames: topics } : {}
      const what = kind === 1 ? `${name} subscribes to ${topics}` : `${name} sends a heartbeat`
      const { error } = await this.does(what, (side) => side.beat(name, changes))
      if (error !== 'NONE') this.joined.delete(name)
      if (!this.joined.has('a')) await this.join('a', topics)
    }
  }

  private async joinClassic(name: string): Promise<void> {
    const topics = this.oneOf(SUBSCRIPTIONS)
    const owned = this.owned.get(name) ?? []
    const instance = CLASSIC[name] ?? null
    const { error } = await this.does(`${name} joins ${topics} with ${owned}`, (side) => {
      const client = side.client(name)
      client.instance = instance
      if (instance === null) client.memberId = name
      else if (!this.owned.has(name)) client.memberId = ''
      return side.joinClassic(name, topics, owned)
    })
    if (error !== 'NONE') this.owned.delete(name)
    else {
      this.owned.set(name, owned)
      if (instance !== null) this.joined.delete('s')
    }
  }

  private async moveClassic(name: string): Promise<void> {
    const kind = this.random.below(14)
    if (!this.owned.has(name) || kind < 4) await this.joinClassic(name)
    else if (kind === 4) {
      this.owned.delete(name)
      await this.does(`${name} leaves`, async (side) => {
        const left = await side.leaveClassic(name)
        await side.beat('a')
        return left
      })
    } else if (kind === 5) {
      const by = this.random.below(3) - 1
      const move = (side: ConsumerSide) => side.beatClassic(name, side.client(name).epoch + by)
      await this.does(`${name} sends a heartbeat with its generation + ${by}`, move)
    } else if (kind === 6) {
      const by = this.random.below(3) - 1
      const partition = this.oneOf(PARTITIONS)
      const move = (side: ConsumerSide) => side.commit(name, side.client(name).epoch + by, partition)
      await this.does(`${name} commits ${partition} at its generation + ${by}`, move)
    } else if (kind < 10) {
      const synced = await this.does(`${name} syncs`, (side) => side.syncClassic(name))
      // It may go on with what it had: then it has not given up anything yet.
      if (synced.error === 'NONE' && this.random.below(2) === 0) {
        this.owned.set(name, synced.assignment as string[])
      }
    } else await this.does(`${name} sends a heartbeat`, (side) => side.beatClassic(name))
  }
}
