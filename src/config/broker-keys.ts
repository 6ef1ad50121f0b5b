// The broker settings about the node itself, its listeners, connections, requests and topics.
// Promises Kafka's names, and its defaults but for three: node.id, listeners and log.dir
// (docs/decisions/0003-config-keys.md says why). Leaves settings about logs to broker-log-keys.ts.
import { brokerGroupKeyGroups, brokerGroupKeys } from './broker-group-keys.ts'
import { brokerLogKeyGroups, brokerLogKeys } from './broker-log-keys.ts'
import { type BrokerKeyDefinition, INT_MAX } from './definition.ts'

/** The rule of form of a text that is a list by convention, though Kafka declares it as a string. */
function listOf(element: RegExp): (texts: readonly string[]) => boolean {
  return ([text = '']) => text === '' || text.split(',').every((part) => element.test(part.trim()))
}

const node = {
  'node.id': {
    type: 'int',
    default: null,
    min: 0,
    update: 'read-only',
    doc: 'Number of this broker, unique in its cluster.',
  },
  'broker.id': {
    type: 'int',
    default: 1,
    min: 0,
    update: 'read-only',
    fallbackOf: 'node.id',
    doc: 'Older name of `node.id`, used when that is absent. If both are given they must be equal.',
  },
  'broker.rack': {
    type: 'string',
    default: null,
    update: 'read-only',
    doc: 'Where this broker stands, in any words; told to clients, and used to spread replicas.',
  },
  'log.dirs': {
    type: 'list',
    default: null,
    update: 'read-only',
    doc: 'Directories for the data; a new partition goes to the one with the fewest.',
  },
  'log.dir': {
    type: 'list',
    default: ['data'],
    update: 'read-only',
    fallbackOf: 'log.dirs',
    doc: 'Used when `log.dirs` is absent.',
  },
} as const satisfies Record<string, BrokerKeyDefinition>

const listeners = {
  listeners: {
    type: 'list',
    default: ['PLAINTEXT://127.0.0.1:9092'],
    update: 'read-only',
    doc: 'Where to listen: `NAME://host:port`, several with commas. An empty host or 0.0.0.0 means every interface; port 0 takes a free one.',
  },
  'advertised.listeners': {
    type: 'list',
    default: null,
    update: 'read-only',
    doc: 'The addresses told to clients, in the form of `listeners`. Without an entry a listener tells its own host; one on every interface tells the address that the client dialled.',
  },
  'listener.security.protocol.map': {
    type: 'string',
    default: 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT',
    form: { text: 'a list of NAME:PROTOCOL', matches: listOf(/^[^:\s]+:[^:\s]+$/) },
    update: 'read-only',
    doc: 'Which protocol each listener name speaks: `NAME:PROTOCOL`. PLAINTEXT is the one served so far.',
  },
  'controller.listener.names': {
    type: 'list',
    default: [],
    update: 'read-only',
    doc: 'Names in `listeners` and `advertised.listeners` that are left out: there is no KRaft controller to listen for.',
  },
  'inter.broker.listener.name': {
    type: 'string',
    default: null,
    update: 'read-only',
    doc: 'Name of the listener that brokers use among themselves; the PLAINTEXT one, or the first, when absent.',
  },
} as const satisfies Record<string, BrokerKeyDefinition>

const connections = {
  'socket.request.max.bytes': {
    type: 'int',
    default: 104_857_600,
    min: 1,
    update: 'read-only',
    doc: 'Largest request in bytes; the connection that sends a larger one is closed.',
  },
  'socket.listen.backlog.size': {
    type: 'int',
    default: 50,
    min: 1,
    update: 'read-only',
    doc: 'Connections that the operating system may hold until they are accepted.',
  },
  'max.connections': {
    type: 'int',
    default: INT_MAX,
    min: 0,
    update: 'cluster-wide',
    doc: 'Largest number of connections at a time; further clients wait until one is closed.',
  },
  'max.connections.per.ip': {
    type: 'int',
    default: INT_MAX,
    min: 0,
    update: 'cluster-wide',
    doc: 'Largest number of connections at a time from one address; further ones are closed at once.',
  },
  'max.connections.per.ip.overrides': {
    type: 'string',
    default: '',
    form: { text: 'a list of address:count', matches: listOf(/^.+:\d+$/) },
    update: 'cluster-wide',
    doc: 'Exceptions to `max.connections.per.ip`: `address:count`, several with commas.',
  },
  'connections.max.idle.ms': {
    type: 'long',
    default: 600_000,
    update: 'read-only',
    doc: 'Milliseconds without a request after which a connection is closed; negative for never.',
  },
  'odradek.connection.inflight.requests': {
    type: 'int',
    default: 1024,
    min: 1,
    update: 'read-only',
    doc: 'Requests of one connection that may be in work at a time; no more is read from it until one is answered.',
  },
  'odradek.connection.output.bytes': {
    type: 'int',
    default: 4_194_304,
    min: 1,
    update: 'read-only',
    doc: 'Bytes of unsent answers above which no more requests are read from a connection.',
  },
} as const satisfies Record<string, BrokerKeyDefinition>

const requests = {
  'fetch.max.bytes': {
    type: 'int',
    default: 57_671_680,
    min: 1024,
    update: 'read-only',
    doc: 'Largest answer to one fetch in bytes, whatever the client asks for.',
  },
  'max.incremental.fetch.session.cache.slots': {
    type: 'int',
    default: 1000,
    min: 0,
    update: 'read-only',
    doc: 'Number of incremental fetch sessions (KIP-227) kept at a time.',
  },
  'max.request.partition.size.limit': {
    type: 'int',
    default: 2000,
    min: 1,
    update: 'read-only',
    doc: 'Largest number of partitions in one answer to DescribeTopicPartitions; the client asks for the rest.',
  },
} as const satisfies Record<string, BrokerKeyDefinition>

const topics = {
  'num.partitions': {
    type: 'int',
    default: 1,
    min: 1,
    update: 'read-only',
    doc: 'Partitions of a topic whose creator does not say.',
  },
  'default.replication.factor': {
    type: 'int',
    default: 1,
    min: 1,
    update: 'read-only',
    doc: 'Replicas of each partition of a topic whose creator does not say.',
  },
  'auto.create.topics.enable': {
    type: 'boolean',
    default: true,
    update: 'read-only',
    doc: 'Whether a client that asks for an unknown topic may bring it into being.',
  },
  'delete.topic.enable': {
    type: 'boolean',
    default: true,
    update: 'read-only',
    doc: 'Whether topics can be deleted.',
  },
} as const satisfies Record<string, BrokerKeyDefinition>

/** Every broker setting that has an effect or is stored for one, in the order of the documentation. */
export const brokerKeys = {
  ...node,
  ...listeners,
  ...connections,
  ...requests,
  ...topics,
  ...brokerGroupKeys,
  ...brokerLogKeys,
} as const

export type BrokerKey = keyof typeof brokerKeys

/** The same settings under headings, for people. */
export const brokerKeyGroups: readonly (readonly [
  title: string,
  rows: Readonly<Record<string, BrokerKeyDefinition>>,
])[] = [
  ['Node and directories', node],
  ['Listeners', listeners],
  ['Connections', connections],
  ['Requests', requests],
  ['Topics', topics],
  ...brokerGroupKeyGroups,
  ...brokerLogKeyGroups,
]
