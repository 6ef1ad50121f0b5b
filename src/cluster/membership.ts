// A broker's place in the cluster: its registration in the metadata store.
// Promises an epoch that is newer than that of any registration before it, and a registration that ends with the session.
// Leaves deciding who leads to the controller.
import { errors, KafkaError } from '../wire/errors.ts'
import { refusalFor } from './decision-log.ts'
import type { BrokerRegistration } from './image.ts'
import { encodeBroker, paths } from './layout.ts'
import type { Entry, MetadataStore } from './store.ts'

export type BrokerDescription = Pick<BrokerRegistration, 'id' | 'rack' | 'endpoints'>

export class Membership {
  private readonly store: MetadataStore
  private entry: Entry

  /** Throws KafkaError(DUPLICATE_BROKER_REGISTRATION) when a broker of this id is registered and alive. */
  static async register(store: MetadataStore, broker: BrokerDescription): Promise<Membership> {
    const path = paths.broker(broker.id)
    const registered = await store
      .transaction([{ kind: 'create', path, value: encodeBroker(broker), ephemeral: true }])
      .catch((error: unknown) => Promise.reject(refusalFor(error)))
    if (!registered.ok) {
      throw new KafkaError(
        errors.DUPLICATE_BROKER_REGISTRATION,
        `A broker with id ${broker.id} is running already.`,
      )
    }
    return new Membership(store, registered.entries[0]!)
  }

  private constructor(store: MetadataStore, entry: Entry) {
    this.store = store
    this.entry = entry
  }

  /** The broker epoch (KIP-841). */
  get epoch(): number {
    return Number(this.entry.born)
  }

  /** Tells the cluster other addresses, once the ports of the listeners are known. The epoch stays. */
  async update(broker: BrokerDescription): Promise<void> {
    const value = encodeBroker(broker)
    if (Buffer.compare(value, this.entry.value) === 0) return
    const { path, version } = this.entry
    const updated = await this.store
      .transaction([{ kind: 'put', path, value, expected: version }])
      .catch((error: unknown) => Promise.reject(refusalFor(error)))
    if (!updated.ok)
      throw new KafkaError(errors.STALE_BROKER_EPOCH, `Broker ${broker.id} is not registered any more.`)
    this.entry = updated.entries[0]!
  }
}
