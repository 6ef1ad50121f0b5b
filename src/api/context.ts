// What a handler is given besides the request: who asks, over which door, and the layers it may call.
// Promises names for the layers below; leaves their making to broker.ts.
import type { Controller } from '../cluster/controller.ts'
import type { ClusterImage } from '../cluster/image.ts'
import type { ProducerIds } from '../cluster/producer-ids.ts'
import type { BrokerConfig } from '../config/broker-config.ts'
import type { GroupCoordinator } from '../coordinator/group/group-coordinator.ts'
import type { Clock } from '../lib/clock.ts'
import type { Logger } from '../lib/logger.ts'
import type { FetchSessions } from '../partition/fetch-session.ts'
import type { Replicas } from '../partition/replicas.ts'

/** The layers below the handlers, one set for each broker. */
export interface BrokerContext {
  readonly nodeId: number
  /** The settings in force now: static ones with what was altered while running laid over them. */
  config(): BrokerConfig
  /** What the broker was started with: the static layer of its settings, as text. */
  readonly staticEntries: ReadonlyMap<string, string>
  readonly cluster: { image(): ClusterImage }
  readonly controller: Controller
  readonly replicas: Replicas
  readonly fetchSessions: FetchSessions
  readonly producerIds: ProducerIds
  readonly groupCoordinator: GroupCoordinator
  readonly clock: Clock
  readonly logger: Logger
}

/** One request's surroundings. */
export interface RequestContext {
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** The listener (`listeners=NAME://...`) the client came in by: answers name endpoints of the same listener. */
  readonly listenerName: string
  /** The address and port of ours that the client dialled: what it is told when nothing is advertised. */
  readonly localAddress: string
  readonly localPort: number
  readonly remoteAddress: string
  /** `tell` is called once if the connection closes before the function returned here is called: nobody waits any more. */
  readonly whenClosed: (tell: () => void) => () => void
  readonly broker: BrokerContext
  /** Whether the memory of the request may be kept, by `retain`, beyond the synchronous part of the handler. */
  readonly bytesAreOwned: boolean
}
