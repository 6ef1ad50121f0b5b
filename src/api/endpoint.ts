// The address a client is told for a broker: one it can reach.
// Promises the listener's advertised address, or, when none is set and the listener is bound to every interface, the
// address the client itself dialled. Leaves what a broker advertises to its registration.
import type { BrokerRegistration } from '../cluster/image.ts'
import type { RequestContext } from './context.ts'

/** Undefined when the broker has no listener of the name the client came in by (LISTENER_NOT_FOUND). */
export function endpointFor(
  registration: BrokerRegistration,
  context: Pick<RequestContext, 'listenerName' | 'localAddress' | 'localPort'>,
): { host: string; port: number } | undefined {
  const endpoint = registration.endpoints.find(({ listenerName }) => listenerName === context.listenerName)
  if (endpoint === undefined) return undefined
  if (endpoint.host !== '') return { host: endpoint.host, port: endpoint.port }
  return {
    host: plainAddress(context.localAddress),
    port: endpoint.port === 0 ? context.localPort : endpoint.port,
  }
}

/** An address without the `::ffff:` that IPv4 has on a socket which listens on all interfaces. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
}
