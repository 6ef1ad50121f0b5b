// Topics as clients make, change and delete them, over a socket: what is refused and why, and that what an answer says is
// true the moment it is given.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { createTopics } from '../../src/wire/apis/create-topics.ts'
import { deleteTopics } from '../../src/wire/apis/delete-topics.ts'
import { incrementalAlterConfigs } from '../../src/wire/apis/incremental-alter-configs.ts'
import { metadata } from '../../src/wire/apis/metadata.ts'
import { append, batchOf, makeTopic, produceTo, readAll, valuesOf } from '../support/calls.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import type { RawClient } from '../support/raw-client.ts'

interface Wish {
  readonly name: string
  readonly numPartitions?: number
  readonly replicationFactor?: number
  readonly assignments?: { partitionIndex: number; brokerIds: number[] }[]
  readonly configs?: { name: string; value: string | null }[]
}

describe('topics', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let client: RawClient

  before(async () => {
    local = await startLocalBroker(lifetime)
    client = await local.connect()
    await makeTopic(client, 'there')
    await makeTopic(client, 'with.dot')
  })

  async function create(wishes: readonly Wish[], { version = 7, validateOnly = false } = {}) {
    const topics = wishes.map((wish) => ({ numPartitions: 1, replicationFactor: 1, ...wish }))
    return (await client.ask(createTopics, version, { topics, timeoutMs: 5000, validateOnly })).topics
  }

  async function names(): Promise<string[]> {
    const answer = await client.ask(metadata, 9, { topics: null })
    return answer.topics.map(({ name }) => name ?? '').sort()
  }

  const refused: readonly [what: string, wish: Wish, code: number][] = [
    ['an empty name', { name: '' }, 17],
    ['a name of 250 letters', { name: 'x'.repeat(250) }, 17],
    ['the name .', { name: '.' }, 17],
    ['the name ..', { name: '..' }, 17],
    ['a name with a slash', { name: 'a/b' }, 17],
    ['a name that leaves the directory', { name: '../../etc' }, 17],
    ['a name with a space', { name: 'a b' }, 17],
    ['a name with a letter that is not ASCII', { name: 'straße' }, 17],
    ['a name with a zero byte', { name: 'a\0b' }, 17],
    ['a name that only differs by . and _', { name: 'with_dot' }, 17],
    ['a name that is taken', { name: 'there' }, 36],
    ['no partitions', { name: 'new', numPartitions: 0 }, 37],
    ['-2 partitions', { name: 'new', numPartitions: -2 }, 37],
    ['more replicas than brokers', { name: 'new', replicationFactor: 2 }, 38],
    ['no replicas', { name: 'new', replicationFactor: 0 }, 38],
    ['an unknown setting', { name: 'new', configs: [{ name: 'retention.hours', value: '1' }] }, 40],
    ['a setting that is no number', { name: 'new', configs: [{ name: 'retention.ms', value: 'long' }] }, 40],
    ['a setting out of range', { name: 'new', configs: [{ name: 'segment.bytes', value: '10' }] }, 40],
    ['a setting of null', { name: 'new', configs: [{ name: 'retention.ms', value: null }] }, 40],
    [
      'replicas on a broker that is not there',
      {
        name: 'new',
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 0, brokerIds: [7] }],
      },
      39,
    ],
    [
      'an assignment with a hole',
      {
        name: 'new',
        numPartitions: -1,
        replicationFactor: -1,
        assignments: [{ partitionIndex: 1, brokerIds: [1] }],
      },
      39,
    ],
    [
      'an assignment and a count',
      { name: 'new', numPartitions: 1, assignments: [{ partitionIndex: 0, brokerIds: [1] }] },
      42,
    ],
  ]
  for (const [what, wish, code] of refused) {
    test(`${what} is refused with ${code} and a reason; nothing is made`, async () => {
      const [answer] = await create([wish])
      assert.equal(answer!.errorCode, code, answer!.errorMessage ?? '')
      assert.ok((answer!.errorMessage ?? '').length > 10)
      assert.deepEqual(await names(), ['there', 'with.dot'])
    })
  }

  test('-1 partitions and replicas are the defaults; old clients may not say so', async (context) => {
    const three = await startLocalBroker(context, { 'num.partitions': 3 })
    const asker = await three.connect()
    const topics = [{ name: 'default', numPartitions: -1, replicationFactor: -1 }]
    const young = await asker.ask(createTopics, 5, { topics })
    const { errorCode, numPartitions, replicationFactor } = young.topics[0]!
    assert.deepEqual([errorCode, numPartitions, replicationFactor], [0, 3, 1])
  })

  test('one bad wish does not keep the others from coming true; a name asked for twice is nobody’s', async () => {
    const answers = await create([{ name: 'good' }, { name: '..' }, { name: 'twice' }, { name: 'twice' }])
    assert.deepEqual(
      answers.map(({ name, errorCode }) => [name, errorCode]),
      [
        ['good', 0],
        ['..', 17],
        ['twice', 42],
      ],
    )
    assert.deepEqual(await names(), ['good', 'there', 'with.dot'])
    await client.ask(deleteTopics, 1, { topicNames: ['good'], timeoutMs: 1000 })
  })

  test('validateOnly makes nothing', async () => {
    const [answer] = await create([{ name: 'idea' }], { validateOnly: true })
    assert.equal(answer!.errorCode, 0)
    assert.deepEqual(await names(), ['there', 'with.dot'])
  })

  test('when CreateTopics answers, the topic has a leader and takes records on any connection', async () => {
    const others = await Promise.all(Array.from({ length: 3 }, () => local.connect()))
    for (let i = 0; i < 10; i++) {
      await makeTopic(client, `quick-${i}`, { partitions: 4 })
      await Promise.all(others.map((other, partition) => append(other, `quick-${i}`, ['x'], { partition })))
    }
    const topicNames = Array.from({ length: 10 }, (_, i) => `quick-${i}`)
    await client.ask(deleteTopics, 1, { topicNames, timeoutMs: 1000 })
  })

  test('when DeleteTopics answers, the topic is gone, and one of the same name is new', async () => {
    for (let i = 0; i < 5; i++) {
      await makeTopic(client, 'phoenix')
      assert.equal(await append(client, 'phoenix', [`life ${i}`]), 0)
      const answer = await client.ask(deleteTopics, 1, { topicNames: ['phoenix'], timeoutMs: 1000 })
      assert.equal(answer.responses[0]!.errorCode, 0)
      assert.equal((await produceTo(client, 'phoenix', batchOf(['late']))).errorCode, 3)
      assert.deepEqual(await names(), ['there', 'with.dot'])
    }
  })

  test('a topic comes into being when Metadata asks for it, ready to be written to', async () => {
    const asked = await client.ask(metadata, 9, { topics: [{ name: 'auto' }], allowAutoTopicCreation: true })
    const created =
      asked.topics[0]!.errorCode === 0
        ? asked
        : await client.ask(metadata, 9, { topics: [{ name: 'auto' }], allowAutoTopicCreation: true })
    assert.equal(created.topics[0]!.errorCode, 0)
    await append(client, 'auto', ['x'])
    const absent = await client.ask(metadata, 9, { topics: [{ name: 'no' }], allowAutoTopicCreation: false })
    assert.equal(absent.topics[0]!.errorCode, 3)
    await client.ask(deleteTopics, 1, { topicNames: ['auto'], timeoutMs: 1000 })
  })

  test('a setting of a topic counts from the answer on', async () => {
    await makeTopic(client, 'tuned')
    const alter = async (name: string, value: string) => {
      const configs = [{ name, configOperation: 0, value }]
      const resources = [{ resourceType: 2, resourceName: 'tuned', configs }]
      const [answer] = (await client.ask(incrementalAlterConfigs, 1, { resources })).responses
      assert.equal(answer!.errorCode, 0, answer!.errorMessage ?? '')
    }
    const send = (bytes: number) => produceTo(client, 'tuned', batchOf([Buffer.alloc(bytes)]))
    assert.equal((await send(5000)).errorCode, 0)
    await alter('max.message.bytes', '2000')
    assert.equal((await send(5000)).errorCode, 10)
    await alter('max.message.bytes', '10000')
    assert.equal((await send(5000)).errorCode, 0)
    await alter('message.timestamp.type', 'LogAppendTime')
    assert.ok((await send(10)).logAppendTimeMs > 0)
    await alter('compression.type', 'gzip')
    assert.equal((await produceTo(client, 'tuned', batchOf(['y'.repeat(3000)]))).errorCode, 0)
    assert.equal(valuesOf(await readAll(client, 'tuned')).at(-1), 'y'.repeat(3000))
    await client.ask(deleteTopics, 1, { topicNames: ['tuned'], timeoutMs: 1000 })
  })

  test('Produce to an internal topic is for administrators only (measured)', async () => {
    await makeTopic(client, '__consumer_offsets')
    assert.equal((await produceTo(client, '__consumer_offsets', batchOf(['x']))).errorCode, 17)
    const admin = await local.connect()
    admin.clientId = '__admin_client'
    assert.equal((await produceTo(admin, '__consumer_offsets', batchOf(['x']))).errorCode, 0)
  })
})
