// The interesting requests of administrators: topics, partitions, settings, and what the cluster says of itself.
// Promises names of its own, so that it meets nothing of the other tables. Leaves settings that only one of the two
// brokers knows to known-differences.ts.
import { apiVersions } from '../../../src/wire/apis/api-versions.ts'
import { createPartitions } from '../../../src/wire/apis/create-partitions.ts'
import { deleteTopics } from '../../../src/wire/apis/delete-topics.ts'
import { describeCluster } from '../../../src/wire/apis/describe-cluster.ts'
import { describeLogDirs } from '../../../src/wire/apis/describe-log-dirs.ts'
import { describeTopicPartitions } from '../../../src/wire/apis/describe-topic-partitions.ts'
import { listPartitionReassignments } from '../../../src/wire/apis/list-partition-reassignments.ts'
import { metadata } from '../../../src/wire/apis/metadata.ts'
import { ZERO_UUID } from '../../../src/wire/schema.ts'
import {
  alterStep,
  BROKER,
  changeStep,
  createStep,
  deleteStep,
  describeStep,
  growStep,
  metadataStep,
  type Operation,
  settling,
  type TopicRequest,
} from './admin-requests.ts'
import { idOf, type Side, type Step, step } from './sides.ts'

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)

function topicSteps(): Step[] {
  const long = 'n'.repeat(249)
  const bad: TopicRequest[] = [
    { name: '' },
    { name: '.' },
    { name: '..' },
    { name: 'with space' },
    { name: 'with/slash' },
    { name: 'ümlaut' },
    { name: `${long}n` },
    { name: 'zero', partitions: 0 },
    { name: 'minus-two', partitions: -2 },
    { name: 'no-replicas', replicas: 0 },
    { name: 'minus-two-replicas', replicas: -2 },
    { name: 'three-replicas', replicas: 3 },
    { name: 'both', partitions: 1, replicas: 1, assignments: [[1]] },
    { name: 'unknown-broker', partitions: -1, replicas: -1, assignments: [[7]] },
    { name: 'same-broker-twice', partitions: -1, replicas: -1, assignments: [[1, 1]] },
    { name: 'empty-assignment', partitions: -1, replicas: -1, assignments: [[]] },
    { name: 'uneven', partitions: -1, replicas: -1, assignments: [[1], [1, 2]] },
    { name: 'unknown-key', configs: { 'no.such.key': '1' } },
    { name: 'bad-number', configs: { 'retention.ms': 'soon' } },
    { name: 'bad-choice', configs: { 'cleanup.policy': 'shred' } },
    { name: 'below', configs: { 'segment.bytes': '10' } },
    { name: 'null-value', configs: { 'retention.ms': null } },
    { name: 'lags', configs: { 'min.compaction.lag.ms': '10', 'max.compaction.lag.ms': '5' } },
    { name: 'empty-policy', configs: { 'cleanup.policy': '' } },
    { name: 'policy-twice', configs: { 'cleanup.policy': 'compact,compact' } },
    { name: 'bad-ratio', configs: { 'min.cleanable.dirty.ratio': '2' } },
    { name: 'spaces', configs: { 'retention.ms': ' 5000 ' } },
    { name: 'bad-bool', configs: { preallocate: 'yes' } },
    { name: 'in-sync-0', configs: { 'min.insync.replicas': '0' } },
    { name: 'level', configs: { 'compression.gzip.level': '77' } },
    { name: 'gone', configs: { 'message.format.version': '2.0' } },
  ]
  return [
    ...bad.map((topic) => createStep(`${topic.name} only to see`, [topic], { validateOnly: true })),
    ...bad.slice(0, 20).map((topic) => createStep(`${topic.name}`, [topic], { version: 4 })),
    ...bad.slice(20).map((topic) => createStep(`${topic.name}`, [topic])),
    metadataStep(
      'none of the refused',
      bad.map(({ name }) => name).filter((name) => name !== ''),
    ),
    createStep(long, [{ name: long }]),
    createStep('again', [{ name: 'again' }]),
    createStep('again', [{ name: 'again' }]),
    createStep('twice in a request', [{ name: 'twice' }, { name: 'twice' }, { name: 'other' }]),
    createStep('dots', [
      { name: 'a.b_c', configs: { 'retention.ms': '7000', 'cleanup.policy': 'compact,delete' } },
    ]),
    createStep('collision', [{ name: 'a_b.c' }]),
    createStep('assigned', [{ name: 'assigned', partitions: -1, replicas: -1, assignments: [[1], [1]] }]),
    createStep('defaults', [{ name: 'defaults', partitions: -1, replicas: -1 }]),
    createStep('defaults before version 4', [{ name: 'defaults-2', partitions: -1, replicas: -1 }], {
      version: 3,
    }),
    createStep('nothing', []),
    ...range(2, 7).map((version) =>
      createStep('to see', [{ name: 'seen', partitions: 3 }], { version, validateOnly: true }),
    ),
    ...range(2, 7).map((version) =>
      createStep('for good', [{ name: `good-${version}`, partitions: 2 }], { version }),
    ),
    growStep('more', 'again', 3),
    growStep('as many', 'again', 3),
    growStep('fewer', 'again', 2),
    growStep('none', 'again', 0),
    growStep('negative', 'again', -1),
    growStep('too many', 'again', 1_000_000, { validateOnly: true }),
    growStep('unknown topic', 'nowhere', 3),
    growStep('invalid name', 'no/name', 3),
    growStep('to see', 'again', 9, { validateOnly: true }),
    growStep('assigned', 'again', 4, { assignments: [[1]] }),
    growStep('assigned to nobody', 'again', 5, { assignments: [[9]] }),
    growStep('too few assigned', 'again', 7, { assignments: [[1]] }),
    growStep('empty assignment', 'again', 5, { assignments: [[]] }),
    growStep('no assignments', 'again', 5, { assignments: [] }),
    ...range(0, 3).map((version) => growStep('more', `good-${version + 2}`, 4, { version })),
    metadataStep('grown', ['again', 'good-2', 'good-5']),
    step('the same topic twice', createPartitions, 3, {
      topics: [
        { name: 'again', count: 8, assignments: null },
        { name: 'again', count: 9, assignments: null },
        { name: 'other', count: 2, assignments: null },
      ],
      timeoutMs: 1000,
      validateOnly: false,
    }),
  ]
}

function deletionSteps(): Step[] {
  const remove = (name: string, topics: (side: Side) => { name: string | null; topicId: string }[]) =>
    step(name, deleteTopics, 6, (side) => ({ topics: topics(side), timeoutMs: 10_000 }))
  return [
    ...range(1, 5).map((version) => deleteStep('by name', [`good-${version + 1}`, 'nowhere'], version)),
    deleteStep('nothing', []),
    deleteStep('an invalid name', ['no/name', '']),
    deleteStep('twice in a request', ['again', 'again', 'other']),
    remove('by id', (side) => [{ name: null, topicId: idOf(side, 'assigned') }]),
    remove('by id again', (side) => [{ name: null, topicId: idOf(side, 'assigned') }]),
    remove('unknown id', (side) => [{ name: null, topicId: idOf(side, 'nowhere') }]),
    remove('neither', () => [{ name: null, topicId: ZERO_UUID }]),
    remove('both', (side) => [{ name: 'defaults', topicId: idOf(side, 'defaults') }]),
    remove('by name and by id', (side) => [
      { name: 'defaults', topicId: ZERO_UUID },
      { name: null, topicId: idOf(side, 'defaults') },
    ]),
    remove('by id, two', (side) =>
      ['good-7', 'a.b_c'].map((name) => ({ name: null, topicId: idOf(side, name) })),
    ),
    metadataStep('deleted', ['good-2', 'good-7', 'again']),
  ]
}

function metadataSteps(): Step[] {
  return [
    ...range(0, 13).flatMap((version) => [
      metadataStep('one', ['plain'], { version }),
      metadataStep('unknown', ['nowhere'], { version }),
      metadataStep('invalid', ['no/name'], { version }),
      metadataStep('empty name', [''], { version }),
      metadataStep('twice', ['plain', 'plain'], { version }),
      metadataStep('internal', ['__consumer_offsets'], { version }),
      ...(version > 0 ? [metadataStep('none', [], { version })] : []),
    ]),
    ...[12, 13].flatMap((version) => [
      metadataStep('by id', ['plain'], { version, byId: true }),
      metadataStep('by unknown id', ['nowhere'], { version, byId: true }),
      metadataStep('by two ids', ['plain', 'nowhere', 'read'], { version, byId: true }),
    ]),
    metadataStep('may create, but the broker does not', ['nowhere'], { create: true }),
    metadataStep('all', null),
    metadataStep('all', null, { version: 4 }),
    metadataStep('all by an empty list', [], { version: 0 }),
    step('neither name nor id', metadata, 12, { topics: [{ name: null, topicId: ZERO_UUID }] }),
    step('name and id', metadata, 12, (side) => ({
      topics: [{ name: 'plain', topicId: idOf(side, 'plain') }],
    })),
    step('id before version 12', metadata, 11, (side) => ({
      topics: [{ name: 'plain', topicId: idOf(side, 'plain') }],
    })),
    ...range(0, 2).flatMap((version) => [
      step('cluster', describeCluster, version, { includeClusterAuthorizedOperations: true }),
      step('cluster, no operations', describeCluster, version, { includeClusterAuthorizedOperations: false }),
      step('controllers', describeCluster, version, {
        includeClusterAuthorizedOperations: false,
        endpointType: 2,
      }),
      step('endpoints of type 3', describeCluster, version, {
        includeClusterAuthorizedOperations: false,
        endpointType: 3,
      }),
      step('fenced', describeCluster, version, {
        includeClusterAuthorizedOperations: false,
        includeFencedBrokers: true,
      }),
    ]),
    step('all', listPartitionReassignments, 0, { topics: null }),
    step('one', listPartitionReassignments, 0, { topics: [{ name: 'plain', partitionIndexes: [0, 1] }] }),
    step('unknown', listPartitionReassignments, 0, { topics: [{ name: 'nowhere', partitionIndexes: [0] }] }),
    ...partitionSteps(),
    ...range(1, 5).flatMap((version) => [
      step('some', describeLogDirs, version, { topics: [{ topic: 'read', partitions: [0, 1] }] }),
      step('unknown', describeLogDirs, version, { topics: [{ topic: 'nowhere', partitions: [0] }] }),
      step('unknown partition', describeLogDirs, version, {
        topics: [{ topic: 'read', partitions: [0, 77] }],
      }),
      step('none', describeLogDirs, version, { topics: [] }),
    ]),
    ...range(0, 4).map((version) =>
      step('plain', apiVersions, version, { clientSoftwareName: 'test', clientSoftwareVersion: '1.0' }),
    ),
    step('no name', apiVersions, 3, { clientSoftwareName: '', clientSoftwareVersion: '1.0' }),
    step('odd name', apiVersions, 3, { clientSoftwareName: 'a b', clientSoftwareVersion: '1.0' }),
    step('odd version', apiVersions, 4, { clientSoftwareName: 'a', clientSoftwareVersion: '-' }),
  ]
}

function partitionSteps(): Step[] {
  const ask = (name: string, names: readonly string[], rest: object = {}) =>
    step(
      name,
      describeTopicPartitions,
      0,
      { topics: names.map((topic) => ({ name: topic })), ...rest },
      settling,
    )
  return [
    ask('one', ['plain']),
    ask('unknown and invalid', ['nowhere', 'plain', 'no/name']),
    ask('empty name', ['plain', '']),
    ask('unsorted', ['read', 'plain']),
    ask('twice', ['plain', 'plain']),
    ask('limit 3', ['plain', 'read'], { responsePartitionLimit: 3 }),
    ask('limit 5', ['plain', 'read'], { responsePartitionLimit: 5 }),
    ask('limit 0', ['plain', 'read'], { responsePartitionLimit: 0 }),
    ask('limit -1', ['plain', 'read'], { responsePartitionLimit: -1 }),
    ask('a cursor', ['plain', 'read'], { cursor: { topicName: 'plain', partitionIndex: 3 } }),
    ask('a cursor at the second', ['plain', 'read'], { cursor: { topicName: 'read', partitionIndex: 0 } }),
    ask('a cursor beyond', ['plain', 'read'], { cursor: { topicName: 'read', partitionIndex: 50 } }),
    ask('a cursor between', ['plain', 'read'], { cursor: { topicName: 'q', partitionIndex: 0 } }),
    ask('a negative cursor', ['plain'], { cursor: { topicName: 'plain', partitionIndex: -1 } }),
    ask('all from a cursor', [], {
      cursor: { topicName: 'plain', partitionIndex: 2 },
      responsePartitionLimit: 6,
    }),
    ask('all, limit 4', [], { responsePartitionLimit: 4 }),
  ]
}

function configSteps(): Step[] {
  const t = { name: 'settings' }
  const change = (
    name: string,
    operations: readonly Operation[],
    rest: { validateOnly?: boolean; version?: number } = {},
  ) => changeStep(name, [{ ...t, operations }], rest)
  return [
    createStep('for its settings', [{ name: 'settings', configs: { 'retention.ms': '9000' } }]),
    ...range(1, 4).flatMap((version) => [
      describeStep('all of a topic', [t], { version }),
      describeStep('all of a topic, no synonyms', [t], { version, synonyms: false }),
      describeStep('some', [{ ...t, keys: ['retention.ms', 'no.such.key', 'segment.bytes'] }], { version }),
      describeStep('none', [{ ...t, keys: [] }], { version }),
      describeStep('unknown topic', [{ name: 'nowhere' }], { version }),
    ]),
    describeStep('twice', [t, t]),
    describeStep('an invalid topic', [{ name: 'no/name' }, { name: '' }]),
    describeStep('of the broker', [
      {
        type: BROKER,
        name: '1',
        keys: ['num.partitions', 'log.retention.ms', 'node.id', 'message.max.bytes'],
      },
    ]),
    describeStep('of all brokers', [{ type: BROKER, name: '' }]),
    describeStep('of another broker', [{ type: BROKER, name: '8' }]),
    describeStep('of no broker', [{ type: BROKER, name: 'one' }]),
    describeStep('of a type that is not', [{ type: 99, name: 'x' }]),
    describeStep('of type 0', [{ type: 0, name: 'x' }]),
    change('set', [
      ['retention.ms', 0, '8000'],
      ['cleanup.policy', 0, 'compact'],
    ]),
    change('append', [['cleanup.policy', 2, 'delete']]),
    change('append again', [['cleanup.policy', 2, 'delete']]),
    describeStep('after that', [t]),
    change('subtract', [['cleanup.policy', 3, 'compact']]),
    change('subtract what is not there', [['cleanup.policy', 3, 'compact']]),
    change('append to a number', [['retention.ms', 2, '5']]),
    change('subtract from a number', [['retention.ms', 3, '5']]),
    change('delete', [['retention.ms', 1, null]]),
    change('delete again', [['retention.ms', 1, null]]),
    change('delete what was never set', [['segment.ms', 1, '']]),
    change('delete an unknown key', [['no.such.key', 1, null]]),
    change('set an unknown key', [['no.such.key', 0, '1']]),
    change('set null', [['retention.ms', 0, null]]),
    change('append null', [['cleanup.policy', 2, null]]),
    change('a bad value', [['retention.ms', 0, 'x']]),
    change('one bad of two', [
      ['retention.ms', 0, '5000'],
      ['segment.bytes', 0, '1'],
    ]),
    change('the same key twice', [
      ['retention.ms', 0, '1'],
      ['retention.ms', 0, '2'],
    ]),
    change('an unknown operation', [['retention.ms', 7, '1']]),
    change('only to see', [['retention.ms', 0, '4000']], { validateOnly: true }),
    change('only to see, bad', [['retention.ms', 0, 'y']], { validateOnly: true }),
    change('nothing', []),
    change('version 0', [['flush.messages', 0, '100']], { version: 0 }),
    change('lags that do not fit', [
      ['min.compaction.lag.ms', 0, '100'],
      ['max.compaction.lag.ms', 0, '50'],
    ]),
    change('unclean election', [['unclean.leader.election.enable', 0, 'true']]),
    change('throttled replicas', [['leader.replication.throttled.replicas', 0, '0:1,1:1']]),
    change('throttled replicas, bad', [['leader.replication.throttled.replicas', 0, 'x']]),
    change('retention below -1', [['retention.ms', 0, '-2']]),
    change('no policy', [['cleanup.policy', 0, '']]),
    changeStep('unknown topic', [{ name: 'nowhere', operations: [['retention.ms', 0, '1']] }]),
    changeStep('the same topic twice', [
      { ...t, operations: [['retention.ms', 0, '1']] },
      { ...t, operations: [['retention.ms', 0, '2']] },
    ]),
    changeStep('a type that is not', [{ type: 99, name: 'x', operations: [['a', 0, 'b']] }]),
    changeStep('broker, a setting that is fixed', [
      { type: BROKER, name: '1', operations: [['node.id', 0, '5']] },
    ]),
    changeStep('broker, an unknown setting', [
      { type: BROKER, name: '1', operations: [['no.such.key', 0, '5']] },
    ]),
    changeStep('broker, bad value', [
      { type: BROKER, name: '1', operations: [['message.max.bytes', 0, 'x']] },
    ]),
    changeStep('another broker', [
      { type: BROKER, name: '8', operations: [['message.max.bytes', 0, '100000']] },
    ]),
    changeStep('all brokers', [
      { type: BROKER, name: '', operations: [['log.retention.ms', 0, '100000000']] },
    ]),
    describeStep('after that', [t]),
    changeStep('all brokers, back', [
      { type: BROKER, name: '', operations: [['log.retention.ms', 1, null]] },
    ]),
    describeStep('after that', [t]),
    ...range(0, 2).map((version) =>
      alterStep('replace', [{ ...t, configs: { 'retention.bytes': `${version + 7}` } }], { version }),
    ),
    describeStep('replaced', [t]),
    alterStep('replace by nothing', [{ ...t, configs: {} }]),
    alterStep('replace by a bad value', [{ ...t, configs: { 'retention.bytes': 'x' } }]),
    alterStep('replace by null', [{ ...t, configs: { 'retention.bytes': null } }]),
    alterStep('unknown topic', [{ name: 'nowhere', configs: {} }]),
    alterStep('only to see', [{ ...t, configs: { 'retention.bytes': '3' } }], { validateOnly: true }),
    {
      ...alterStep('the same topic twice', [
        { ...t, configs: {} },
        { ...t, configs: {} },
      ]),
      patienceMs: 2000,
    },
    alterStep('a type that is not', [{ type: 99, name: 'x', configs: {} }]),
    describeStep('at last', [t]),
  ]
}

export function adminSteps(): Step[] {
  return [...topicSteps(), ...metadataSteps(), ...configSteps(), ...deletionSteps()]
}
