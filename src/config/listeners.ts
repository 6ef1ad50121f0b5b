// The addresses in the settings: where to listen, what to tell clients, who may open how many connections.
// Promises checked listeners, or problems that name the setting. Leaves opening sockets to net/, and answering with
// the address that a client dialled, where none is configured, to the handlers.
import type { BrokerConfig } from './broker-config.ts'
import type { ConfigProblem } from './config-error.ts'

export interface ListenerConfig {
  /** In upper case, as Kafka spells listener names. */
  readonly name: string
  /** Empty: every interface. IPv6 without brackets. */
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** TLS and SASL come with security. */
  readonly securityProtocol: 'PLAINTEXT'
  /** What clients are told; undefined: the address that the client dialled. */
  readonly advertisedHost: string | undefined
  /** What clients are told; undefined: the port that is listened on. */
  readonly advertisedPort: number | undefined
}

export interface ListenerSettings {
  readonly listeners: readonly ListenerConfig[]
  /** The listener for brokers among themselves. */
  readonly interBrokerListenerName: string
}

type AddressSettings = Pick<
  BrokerConfig,
  | 'listeners'
  | 'advertisedListeners'
  | 'listenerSecurityProtocolMap'
  | 'controllerListenerNames'
  | 'interBrokerListenerName'
>

interface Address {
  readonly name: string
  readonly host: string
  readonly port: number
}

const ADDRESS = /^([^:/\s]+):\/\/(\[[0-9a-fA-F:.]+(?:%[^\]\s]+)?\]|[^\s:/[\]]*):(-?\d+)$/
const PROTOCOLS: readonly string[] = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']

/** The listeners of a checked configuration. Call `listenerProblems` first: what is wrong there is left out here. */
export function listenerSettings(config: AddressSettings): ListenerSettings {
  return readListeners(config).settings
}

/** Everything that is wrong with the settings about listeners. */
export function listenerProblems(config: AddressSettings): ConfigProblem[] {
  return readListeners(config).problems
}

function readListeners(config: AddressSettings): { settings: ListenerSettings; problems: ConfigProblem[] } {
  const problems: ConfigProblem[] = []
  const left = new Set(config.controllerListenerNames.map((name) => name.toUpperCase()))
  const parse = (key: string, texts: readonly string[]) =>
    parseAddresses(key, texts, problems).filter(({ name }) => !left.has(name))
  const addresses = parse('listeners', config.listeners)
  const advertised = parse('advertised.listeners', config.advertisedListeners ?? [])
  const protocols = protocolMap(config.listenerSecurityProtocolMap)
  if (addresses.length === 0 && problems.length === 0) {
    problems.push({
      key: 'listeners',
      message: 'is empty; give at least one, such as PLAINTEXT://127.0.0.1:9092',
    })
  }
  problems.push(...clashes(addresses), ...protocolProblems(addresses, protocols))
  problems.push(...advertisedProblems(addresses, advertised))
  const listeners = addresses.map((address) => ({
    ...address,
    host: isEverywhere(address.host) ? '' : address.host,
    securityProtocol: 'PLAINTEXT' as const,
    ...toldTo(
      address,
      advertised.find(({ name }) => name === address.name),
    ),
  }))
  return {
    settings: { listeners, interBrokerListenerName: interBrokerName(config, addresses, problems) },
    problems,
  }
}

function parseAddresses(key: string, texts: readonly string[], problems: ConfigProblem[]): Address[] {
  const addresses: Address[] = []
  for (const text of texts) {
    const match = ADDRESS.exec(text)
    const port = Number(match?.[3])
    if (match === null) {
      problems.push({ key, message: `'${text}' is not NAME://host:port (an IPv6 host goes into [brackets])` })
    } else if (port < 0 || port > 65_535) {
      problems.push({ key, message: `'${text}' has port ${match[3]}; allowed: 0 to 65535` })
    } else {
      const host = match[2]!.replace(/^\[(.*)\]$/, '$1')
      addresses.push({ name: match[1]!.toUpperCase(), host, port })
    }
  }
  const names = addresses.map(({ name }) => name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined)
    problems.push({ key, message: `the name ${twice} is given twice; each needs its own` })
  return addresses
}

/** Two listeners that would want the same port of the same interface. */
function clashes(addresses: readonly Address[]): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  addresses.forEach((one, at) => {
    const other = addresses.slice(0, at).find(({ host, port }) => {
      const sameHost = host === one.host || isEverywhere(host) || isEverywhere(one.host)
      return port !== 0 && port === one.port && sameHost
    })
    if (other === undefined) return
    const message = `${other.name} and ${one.name} both want port ${one.port}; each needs its own`
    problems.push({ key: 'listeners', message })
  })
  return problems
}

function protocolMap(text: string): Map<string, string> {
  const pairs = text === '' ? [] : text.split(',').map((pair) => pair.trim().split(':'))
  return new Map(pairs.map(([name = '', protocol = '']) => [name.toUpperCase(), protocol.toUpperCase()]))
}

function protocolProblems(
  addresses: readonly Address[],
  protocols: ReadonlyMap<string, string>,
): ConfigProblem[] {
  const key = 'listener.security.protocol.map'
  const problems: ConfigProblem[] = []
  for (const [name, protocol] of protocols) {
    if (PROTOCOLS.includes(protocol)) continue
    problems.push({ key, message: `${name} has protocol '${protocol}'; allowed: ${PROTOCOLS.join(', ')}` })
  }
  for (const { name } of addresses) {
    const protocol = protocols.get(name)
    if (protocol === undefined) {
      problems.push({ key, message: `says no protocol for the listener ${name}; add ${name}:PLAINTEXT` })
    } else if (PROTOCOLS.includes(protocol) && protocol !== 'PLAINTEXT') {
      const message = `the listener ${name} wants ${protocol}, which is not supported yet; allowed: PLAINTEXT`
      problems.push({ key: 'listeners', message })
    }
  }
  return problems
}

function advertisedProblems(addresses: readonly Address[], advertised: readonly Address[]): ConfigProblem[] {
  const key = 'advertised.listeners'
  const problems: ConfigProblem[] = []
  for (const { name, host } of advertised) {
    if (!addresses.some((address) => address.name === name)) {
      const known = addresses.map((address) => address.name).join(', ')
      problems.push({ key, message: `there is no listener ${name}; allowed: ${known}` })
    }
    if (host !== '' && isEverywhere(host)) {
      problems.push({
        key,
        message: `${name} tells clients ${host}, which leads nowhere; give an address of this host`,
      })
    }
  }
  return problems
}

function interBrokerName(
  config: AddressSettings,
  addresses: readonly Address[],
  problems: ConfigProblem[],
): string {
  const asked = config.interBrokerListenerName?.toUpperCase()
  const names = addresses.map(({ name }) => name)
  if (asked === undefined) return names.includes('PLAINTEXT') ? 'PLAINTEXT' : (names[0] ?? 'PLAINTEXT')
  if (!names.includes(asked)) {
    const message = `there is no listener ${asked}; allowed: ${names.join(', ')}`
    problems.push({ key: 'inter.broker.listener.name', message })
  }
  return asked
}

function toldTo(
  listener: Address,
  advertised: Address | undefined,
): Pick<ListenerConfig, 'advertisedHost' | 'advertisedPort'> {
  const host = advertised?.host || listener.host
  const port = advertised?.port || listener.port
  return {
    advertisedHost: isEverywhere(host) ? undefined : host,
    advertisedPort: port === 0 ? undefined : port,
  }
}

function isEverywhere(host: string): boolean {
  return host === '' || host === '0.0.0.0' || /^[0:]+$/.test(host)
}

/** How many connections an address may have open at a time: max.connections.per.ip with its overrides. */
export function connectionLimit(
  config: Pick<BrokerConfig, 'maxConnectionsPerIp' | 'maxConnectionsPerIpOverrides'>,
): (address: string) => number {
  const overrides = new Map<string, number>()
  for (const pair of config.maxConnectionsPerIpOverrides.split(',')) {
    const match = /^\s*(.+):(\d+)\s*$/.exec(pair)
    if (match !== null) overrides.set(withoutV4Prefix(match[1]!), Number(match[2]))
  }
  return (address) => overrides.get(withoutV4Prefix(address)) ?? config.maxConnectionsPerIp
}

/** A socket that serves IPv6 and IPv4 reports 10.0.0.1 as ::ffff:10.0.0.1. */
function withoutV4Prefix(address: string): string {
  return address.replace(/^\[(.*)\]$/, '$1').replace(/^::ffff:(?=\d+\.)/i, '')
}
