// What CreateTopics, CreatePartitions and DeleteTopics come to, case by case (Apache Kafka 4.3, ReplicationControlManager).
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { newPartition } from '../../src/cluster/election.ts'
import { advance, type ClusterImage, emptyImage, NO_CONFIGS } from '../../src/cluster/image.ts'
import {
  type Decision,
  type DecisionGround,
  decideDeletions,
  decidePartitions,
  decideTopics,
  newTopicId,
} from '../../src/cluster/topic-decisions.ts'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { KafkaError } from '../../src/wire/errors.ts'
import { topicNamed } from './fixture.ts'

function image(brokerIds: readonly number[], topics: Record<string, number[][]> = {}): ClusterImage {
  return advance(emptyImage('cluster'), {
    brokers: brokerIds.map((id) => ({ id, epoch: id, rack: null, endpoints: [] })),
    topics: Object.entries(topics).map(([name, replicas]) => ({
      name,
      id: `id-of-${name}`,
      internal: false,
      partitions: replicas.map((brokers, index) => newPartition(index, brokers)),
      configs: NO_CONFIGS,
    })),
  })
}

function ground(options: { image?: ClusterImage; settings?: Record<string, string> } = {}): DecisionGround {
  return {
    image: options.image ?? image([1]),
    config: parseBrokerConfig(options.settings ?? {}),
    random: new SeededRandom(7),
  }
}

function outcomes(decisions: readonly Decision<unknown, unknown>[]): string[] {
  return decisions.map(({ outcome }) => (outcome instanceof KafkaError ? outcome.error.name : 'NONE'))
}

function messageOf(decisions: readonly Decision<unknown, unknown>[], position = 0): string {
  const { outcome } = decisions[position]!
  assert.ok(outcome instanceof KafkaError, 'an error')
  return outcome.message
}

describe('CreateTopics refuses', () => {
  const threeBrokers = image([1, 2, 3])
  const assigned = (...brokerIds: number[][]) =>
    brokerIds.map((ids, partitionIndex) => ({ partitionIndex, brokerIds: ids }))
  const cases: [rule: string, request: object, error: string, message: RegExp, where?: ClusterImage][] = [
    ['an empty name', { name: '' }, 'INVALID_TOPIC_EXCEPTION', /empty/],
    ['the name .', { name: '.' }, 'INVALID_TOPIC_EXCEPTION', /'\.'/],
    ['the name ..', { name: '..' }, 'INVALID_TOPIC_EXCEPTION', /'\.\.'/],
    ['a name of 250 characters', { name: 'x'.repeat(250) }, 'INVALID_TOPIC_EXCEPTION', /250.*249/],
    ['a name with a slash', { name: 'a/b' }, 'INVALID_TOPIC_EXCEPTION', /'a\/b'/],
    ['a name with a letter outside ASCII', { name: 'ä' }, 'INVALID_TOPIC_EXCEPTION', /ASCII/],
    ['the name of the metadata log', { name: '__cluster_metadata' }, 'INVALID_REQUEST', /reserved/],
    ['0 partitions', { numPartitions: 0 }, 'INVALID_PARTITIONS', /is 0/],
    ['-2 partitions', { numPartitions: -2 }, 'INVALID_PARTITIONS', /is -2/],
    ['replication factor 0', { replicationFactor: 0 }, 'INVALID_REPLICATION_FACTOR', /is 0/],
    ['replication factor -2', { replicationFactor: -2 }, 'INVALID_REPLICATION_FACTOR', /is -2/],
    [
      'more replicas than brokers',
      { replicationFactor: 3 },
      'INVALID_REPLICATION_FACTOR',
      /factor 3 .*: 1 registered/,
    ],
    ['10,001 partitions', { numPartitions: 10_001 }, 'POLICY_VIOLATION', /10001 .* 10000/],
    ['an unknown setting', { configs: [{ name: 'retention', value: '1' }] }, 'INVALID_CONFIG', /retention/],
    [
      'a bad value',
      { configs: [{ name: 'retention.ms', value: 'x' }] },
      'INVALID_CONFIG',
      /retention\.ms.*'x'/,
    ],
    ['a null value', { configs: [{ name: 'retention.ms', value: null }] }, 'INVALID_CONFIG', /retention\.ms/],
    [
      'an assignment with a number of partitions',
      { numPartitions: 1, assignments: assigned([1]) },
      'INVALID_REQUEST',
      /are 1 and -1/,
    ],
    [
      'an assignment with a replication factor',
      { replicationFactor: 1, assignments: assigned([1]) },
      'INVALID_REQUEST',
      /are -1 and 1/,
    ],
    [
      'an assignment to no broker',
      { assignments: assigned([]) },
      'INVALID_REPLICA_ASSIGNMENT',
      /Partition 0/,
    ],
    [
      'an assignment to an unknown broker',
      { assignments: assigned([1], [4]) },
      'INVALID_REPLICA_ASSIGNMENT',
      /Partition 1 .*broker 4.*1, 2, 3/,
      threeBrokers,
    ],
    [
      'an assignment to a broker twice',
      { assignments: assigned([1, 1]) },
      'INVALID_REPLICA_ASSIGNMENT',
      /twice: 1, 1/,
    ],
    [
      'assignments of different lengths',
      { assignments: assigned([1, 2], [1]) },
      'INVALID_REPLICA_ASSIGNMENT',
      /Partition 1 has 1 .* 2/,
      threeBrokers,
    ],
    [
      'assignments with a gap',
      { assignments: [{ partitionIndex: 1, brokerIds: [1] }] },
      'INVALID_REPLICA_ASSIGNMENT',
      /Partition 0/,
    ],
    [
      'two assignments of a partition',
      { assignments: [...assigned([1]), ...assigned([1])] },
      'INVALID_REPLICA_ASSIGNMENT',
      /Partition 0 is assigned twice/,
    ],
  ]
  for (const [rule, request, error, message, where] of cases) {
    test(rule, () => {
      const decided = decideTopics([topicNamed('t', request)], ground({ ...(where && { image: where }) }))
      assert.deepEqual(outcomes(decided), [error])
      assert.match(messageOf(decided), message)
    })
  }

  test('a topic that exists', () => {
    const decided = decideTopics([topicNamed('t')], ground({ image: image([1], { t: [[1]] }) }))
    assert.deepEqual(outcomes(decided), ['TOPIC_ALREADY_EXISTS'])
  })

  test('a name that differs from an existing one only in . and _', () => {
    const existing = image([1], { 'a.b_c': [[1]] })
    assert.match(
      messageOf(decideTopics([topicNamed('a_b.c')], ground({ image: existing }))),
      /'a_b\.c'.*'a\.b_c'/,
    )
    assert.deepEqual(outcomes(decideTopics([topicNamed('a-b.c')], ground({ image: existing }))), ['NONE'])
  })

  test('names that collide within the request, the second of them', () => {
    const decided = decideTopics([topicNamed('a.b'), topicNamed('a_b')], ground())
    assert.deepEqual(outcomes(decided), ['NONE', 'INVALID_TOPIC_EXCEPTION'])
  })

  test('a topic that is named twice, once for both', () => {
    const decided = decideTopics([topicNamed('t'), topicNamed('u'), topicNamed('t')], ground())
    assert.deepEqual(outcomes(decided), ['INVALID_REQUEST', 'NONE'])
  })

  test('one wrong topic without touching the others', () => {
    const decided = decideTopics(
      [topicNamed('a'), topicNamed('b', { numPartitions: 0 }), topicNamed('c')],
      ground(),
    )
    assert.deepEqual(outcomes(decided), ['NONE', 'INVALID_PARTITIONS', 'NONE'])
  })
})

describe('CreateTopics', () => {
  test('takes -1 as the defaults of the broker', () => {
    const settings = { 'num.partitions': '5', 'default.replication.factor': '2' }
    const [decided] = decideTopics([topicNamed('t')], ground({ image: image([1, 2, 3]), settings }))
    assert.ok(decided && !(decided.outcome instanceof KafkaError))
    assert.equal(decided.outcome.partitions.length, 5)
    for (const { replicas } of decided.outcome.partitions) assert.equal(replicas.length, 2)
  })

  test('lets the first replica of an assignment lead, with all of them in sync', () => {
    const assignments = [
      { partitionIndex: 1, brokerIds: [2, 3] },
      { partitionIndex: 0, brokerIds: [3, 1] },
    ]
    const [decided] = decideTopics([topicNamed('t', { assignments })], ground({ image: image([1, 2, 3]) }))
    assert.ok(decided && !(decided.outcome instanceof KafkaError))
    assert.deepEqual(
      decided.outcome.partitions.map(({ index, replicas, isr, leader, leaderEpoch }) => ({
        index,
        replicas,
        isr,
        leader,
        leaderEpoch,
      })),
      [
        { index: 0, replicas: [3, 1], isr: [3, 1], leader: 3, leaderEpoch: 0 },
        { index: 1, replicas: [2, 3], isr: [2, 3], leader: 2, leaderEpoch: 0 },
      ],
    )
  })

  test('knows the internal topics', () => {
    const decided = decideTopics([topicNamed('__consumer_offsets'), topicNamed('__mine')], ground())
    assert.deepEqual(
      decided.map(({ outcome }) => !(outcome instanceof KafkaError) && outcome.internal),
      [true, false],
    )
  })

  test('gives ids that are 22 characters, distinct, not reserved and without a leading dash', () => {
    const random = new SeededRandom(3)
    const ids = Array.from({ length: 2000 }, () => newTopicId(random))
    assert.equal(new Set(ids).size, ids.length)
    for (const id of ids) assert.match(id, /^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
    const draws = [
      Buffer.alloc(16),
      Buffer.from([...Buffer.alloc(15), 99]),
      Buffer.alloc(16, 0xfb),
      Buffer.from([...Buffer.alloc(15), 100]),
    ]
    const id = newTopicId({ fraction: () => 0, below: () => 0, bytes: () => draws.shift()! })
    assert.equal(Buffer.from(id, 'base64url')[15], 100)
  })
})

describe('CreatePartitions', () => {
  const topics = { t: [[1], [2]], r2: [[1, 2]] }
  const on3 = image([1, 2, 3], topics)
  const cases: [rule: string, request: object, error: string, message: RegExp][] = [
    ['an unknown topic', { name: 'x', count: 3 }, 'UNKNOWN_TOPIC_OR_PARTITION', /'x'/],
    ['as many partitions as there are', { count: 2 }, 'INVALID_PARTITIONS', /already has 2/],
    ['fewer partitions', { count: 1 }, 'INVALID_PARTITIONS', /has 2 .* requested 1/],
    ['a negative count', { count: -1 }, 'INVALID_PARTITIONS', /-1/],
    ['too many new partitions', { count: 2 ** 31 - 1 }, 'POLICY_VIOLATION', /2147483645/],
    [
      'too few assignments',
      { count: 4, assignments: [[1]] },
      'INVALID_REPLICA_ASSIGNMENT',
      /2 partition.* 1 assignment/,
    ],
    [
      'another replication factor',
      { count: 3, assignments: [[1, 2]] },
      'INVALID_REPLICA_ASSIGNMENT',
      /Partition 2 has 2 .* 1/,
    ],
    ['an unknown broker', { count: 3, assignments: [[9]] }, 'INVALID_REPLICA_ASSIGNMENT', /broker 9/],
    ['an empty assignment', { count: 3, assignments: [[]] }, 'INVALID_REPLICA_ASSIGNMENT', /Partition 2/],
  ]
  for (const [rule, request, error, message] of cases) {
    test(`refuses ${rule}`, () => {
      const decided = decidePartitions(
        [{ name: 't', count: 0, assignments: null, ...request }],
        ground({ image: on3 }),
      )
      assert.deepEqual(outcomes(decided), [error])
      assert.match(messageOf(decided), message)
    })
  }

  test('refuses a topic that is named twice, and one whose replicas are moving', () => {
    const twice = [
      { name: 't', count: 3, assignments: null },
      { name: 't', count: 4, assignments: null },
    ]
    assert.deepEqual(outcomes(decidePartitions(twice, ground({ image: on3 }))), ['INVALID_REQUEST'])
    const topic = on3.topics.get('t')!
    const moving = {
      ...topic,
      partitions: [{ ...topic.partitions[0]!, addingReplicas: [3] }, topic.partitions[1]!],
    }
    const where = advance(on3, { topics: [moving] })
    const decided = decidePartitions([{ name: 't', count: 3, assignments: null }], ground({ image: where }))
    assert.deepEqual(outcomes(decided), ['REASSIGNMENT_IN_PROGRESS'])
  })

  test('a topic whose partitions say where a group is keeps their number', () => {
    const requests = [{ name: '__consumer_offsets', count: 5, assignments: null }]
    const decided = decidePartitions(requests, ground({ image: image([1], { __consumer_offsets: [[1]] }) }))
    assert.deepEqual(outcomes(decided), ['INVALID_REQUEST'])
    assert.match(messageOf(decided), /__consumer_offsets.* 1 partition/)
  })

  test('keeps the old partitions as they are and the replication factor of the topic', () => {
    const requests = [
      { name: 'r2', count: 4, assignments: null },
      { name: 't', count: 4, assignments: [[3], [1]] },
    ]
    const [r2, t] = decidePartitions(requests, ground({ image: on3 })).map(({ outcome }) => outcome)
    assert.ok(r2 && !(r2 instanceof KafkaError) && t && !(t instanceof KafkaError))
    assert.equal(r2.partitions[0], on3.topics.get('r2')!.partitions[0])
    assert.deepEqual(
      r2.partitions.map(({ index }) => index),
      [0, 1, 2, 3],
    )
    for (const { replicas } of r2.partitions) assert.equal(new Set(replicas).size, 2)
    assert.deepEqual(
      t.partitions.map(({ leader }) => leader),
      [1, 2, 3, 1],
    )
  })
})

describe('DeleteTopics', () => {
  const where = image([1], { t: [[1]], u: [[1]] })
  const byName = (name: string) => ({ name, topicId: null })
  const byId = (topicId: string) => ({ name: null, topicId })
  const decide = (requests: Parameters<typeof decideDeletions>[0], settings = {}) =>
    outcomes(decideDeletions(requests, ground({ image: where, settings })))

  test('takes names and ids', () => {
    assert.deepEqual(decide([byName('t'), byId('id-of-u')]), ['NONE', 'NONE'])
  })
  test('knows UNKNOWN_TOPIC_OR_PARTITION for names and UNKNOWN_TOPIC_ID for ids', () => {
    assert.deepEqual(decide([byName('x'), byId('id-of-x')]), [
      'UNKNOWN_TOPIC_OR_PARTITION',
      'UNKNOWN_TOPIC_ID',
    ])
  })
  test('refuses both a name and an id, and neither', () => {
    assert.deepEqual(
      decide([
        { name: 't', topicId: 'id-of-t' },
        { name: null, topicId: null },
      ]),
      ['INVALID_REQUEST', 'INVALID_REQUEST'],
    )
  })
  test('refuses a topic that is named twice, also by name and by id', () => {
    assert.deepEqual(decide([byName('t'), byName('t'), byName('u')]), ['INVALID_REQUEST', 'NONE'])
    assert.deepEqual(decide([byName('t'), byId('id-of-t')]), ['INVALID_REQUEST', 'INVALID_REQUEST'])
  })
  test('refuses everything when deletion is off', () => {
    assert.deepEqual(decide([byName('t')], { 'delete.topic.enable': 'false' }), ['TOPIC_DELETION_DISABLED'])
  })
})

test('names that collide are looked for once, however many are asked for', () => {
  let visits = 0
  const { topics, ...others } = image(
    [1],
    Object.fromEntries([...Array(50)].map((_, i) => [`a.${i}`, [[1]]])),
  )
  const counted = new Map(topics)
  counted.keys = () => {
    visits++
    return topics.keys()
  }
  const requests = [...Array(60)].map((_, i) => ({
    name: `a_${i}`,
    numPartitions: 1,
    replicationFactor: 1,
    assignments: [],
    configs: [],
  }))
  const decided = decideTopics(requests, ground({ image: { ...others, topics: counted } }))
  assert.deepEqual(
    outcomes(decided),
    requests.map((_, i) => (i < 50 ? 'INVALID_TOPIC_EXCEPTION' : 'NONE')),
  )
  assert.equal(visits, 1)
})
