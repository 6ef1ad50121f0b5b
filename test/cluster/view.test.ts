// The image follows the store: step by step it comes to what reading everything anew gives.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { EmbeddedStore } from '../../src/cluster/embedded-store.ts'
import {
  advance,
  type ClusterImage,
  difference,
  emptyImage,
  type ImageDelta,
} from '../../src/cluster/image.ts'
import { paths } from '../../src/cluster/layout.ts'
import { Membership } from '../../src/cluster/membership.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { CLUSTER_ID, DIRECTORY, forReal, newDisk, openFixture, Recorder, topicNamed } from './fixture.ts'

type Action =
  | { kind: 'create'; topic: number; partitions: number }
  | { kind: 'delete'; topic: number }
  | { kind: 'grow'; topic: number; by: number }
  | { kind: 'configure'; topic: number; value: number }
  | { kind: 'configure broker'; value: number; isDefault: boolean }
  | { kind: 'join'; broker: number }
  | { kind: 'leave'; broker: number }

const topicNumber = fc.nat({ max: 4 })
const brokerNumber = fc.integer({ min: 2, max: 4 })
const actions: fc.Arbitrary<Action> = fc.oneof(
  fc.record({
    kind: fc.constant('create' as const),
    topic: topicNumber,
    partitions: fc.integer({ min: 1, max: 250 }),
  }),
  fc.record({ kind: fc.constant('delete' as const), topic: topicNumber }),
  fc.record({ kind: fc.constant('grow' as const), topic: topicNumber, by: fc.integer({ min: 1, max: 120 }) }),
  fc.record({ kind: fc.constant('configure' as const), topic: topicNumber, value: fc.nat() }),
  fc.record({ kind: fc.constant('configure broker' as const), value: fc.nat(), isDefault: fc.boolean() }),
  fc.record({ kind: fc.constant('join' as const), broker: brokerNumber }),
  fc.record({ kind: fc.constant('leave' as const), broker: brokerNumber }),
)

const comparable = ({ version, ...image }: ClusterImage) => image

/** What a subscriber knows that only ever looks at deltas. */
class Ledger extends Recorder {
  readonly topics = new Map<string, unknown>()

  override apply(image: ClusterImage, delta: ImageDelta): void {
    super.apply(image, delta)
    for (const topic of delta.deleted) assert.ok(this.topics.delete(topic.id))
    for (const { before, after } of delta.changed) {
      assert.equal(this.topics.get(after.id), before)
      this.topics.set(after.id, after)
    }
    for (const topic of delta.created) {
      assert.equal(this.topics.has(topic.id), false)
      this.topics.set(topic.id, topic)
    }
  }
}

test('any sequence of changes gives the image that reading everything anew gives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(actions, { maxLength: 14 }), fc.boolean(), async (sequence, isAtOnce) => {
      const ledger = new Ledger()
      const { controller, view, embedded, store, close } = await openFixture({ subscriber: ledger })
      const sessions = new Map<number, ReturnType<EmbeddedStore['connect']>>()
      const run = async (action: Action): Promise<unknown> => {
        switch (action.kind) {
          case 'create':
            return controller.createTopics(
              [topicNamed(`t${action.topic}`, { numPartitions: action.partitions })],
              forReal,
            )
          case 'delete':
            return controller.deleteTopics([{ name: `t${action.topic}`, topicId: null }])
          case 'grow': {
            const count = (view.decided().topics.get(`t${action.topic}`)?.partitions.length ?? 0) + action.by
            return controller.createPartitions(
              [{ name: `t${action.topic}`, count, assignments: null }],
              forReal,
            )
          }
          case 'configure': {
            const operations = [{ name: 'retention.ms', operation: 0, value: `${action.value}` }]
            return controller.incrementalAlterConfigs(
              [{ type: 2, name: `t${action.topic}`, operations }],
              forReal,
            )
          }
          case 'configure broker': {
            const operations = [{ name: 'log.retention.ms', operation: 0, value: `${action.value + 1}` }]
            return controller.incrementalAlterConfigs(
              [{ type: 4, name: action.isDefault ? '' : '1', operations }],
              forReal,
            )
          }
          case 'join': {
            if (sessions.has(action.broker)) return undefined
            const session = embedded.connect()
            sessions.set(action.broker, session)
            return Membership.register(session, { id: action.broker, rack: null, endpoints: [] })
          }
          case 'leave': {
            await sessions.get(action.broker)?.close()
            return sessions.delete(action.broker)
          }
        }
      }
      const done: Promise<unknown>[] = []
      for (const action of sequence) {
        const running = run(action)
        done.push(running)
        if (!isAtOnce) await running
      }
      await Promise.all(done)
      await view.refresh([])
      await view.applied()
      const anew = new ClusterView({ store, clusterId: CLUSTER_ID, logger: silentLogger })
      await anew.start()
      await anew.applied()
      assert.deepEqual(comparable(view.image()), comparable(anew.image()))
      assert.deepEqual([...ledger.topics.values()], [...view.image().topicsById.values()])
      anew.close()
      await close()
    }),
    { numRuns: 60 },
  )
})

describe('structural sharing', () => {
  test('a change of one topic leaves the other topics and partitions the same objects', async () => {
    const { controller, view, close } = await openFixture()
    await controller.createTopics(
      Array.from({ length: 50 }, (_, index) => topicNamed(`t${index}`, { numPartitions: 150 })),
      forReal,
    )
    const before = view.image()
    await controller.createPartitions([{ name: 't7', count: 151, assignments: null }], forReal)
    const after = view.image()
    for (const [name, topic] of before.topics) {
      if (name !== 't7') assert.equal(after.topics.get(name), topic)
    }
    const [old, grown] = [before.topics.get('t7')!, after.topics.get('t7')!]
    for (const partition of old.partitions) assert.equal(grown.partitions[partition.index], partition)
    assert.equal(after.brokers, before.brokers)
    assert.equal(after.brokerConfigs, before.brokerConfigs)
    await close()
  })

  test('a change of settings leaves the maps of topics the same objects', () => {
    const image = emptyImage('c')
    const next = advance(image, { defaultBrokerConfigs: new Map([['a', 'b']]) })
    assert.equal(next.topics, image.topics)
    assert.equal(next.topicsById, image.topicsById)
    assert.equal(next.version, image.version + 1)
  })

  test('a topic deleted and made anew in one step is deleted and created, not changed', () => {
    const topic = (id: string) => ({ name: 't', id, internal: false, partitions: [], configs: new Map() })
    const before = advance(emptyImage('c'), { topics: [topic('one')] })
    const after = advance(before, { topics: [topic('two')], deletedTopicIds: ['one'] })
    assert.equal(after.topics.get('t')?.id, 'two')
    const delta = difference(before, after)
    assert.deepEqual(
      [delta.deleted, delta.created, delta.changed].map((list) => list.length),
      [1, 1, 0],
    )
  })
})

describe('the view', () => {
  test('shows a subscriber that comes later everything at once', async () => {
    const { controller, view, close } = await openFixture()
    await controller.createTopics([topicNamed('a'), topicNamed('b')], forReal)
    const recorder = new Recorder()
    view.subscribe(recorder)
    await view.applied()
    assert.equal(recorder.steps.length, 1)
    assert.equal(recorder.steps[0]?.delta.created.length, 2)
    assert.ok(recorder.steps[0]?.delta.brokersChanged)
    await close()
  })

  test('gives a subscriber that failed the whole of what it missed', async () => {
    const seen: string[] = []
    let failures = 1
    const subscriber = {
      apply(_: ClusterImage, delta: ImageDelta) {
        if (delta.created.length > 0 && failures-- > 0) throw new Error('not now')
        seen.push(...delta.created.map(({ name }) => name))
      },
    }
    const { controller, view, close } = await openFixture({ subscriber })
    await controller.createTopics([topicNamed('a')], forReal)
    await controller.createTopics([topicNamed('b')], forReal)
    assert.deepEqual(seen, ['a', 'b'])
    await view.applied()
    await close()
  })

  test('joins steps that come while a subscriber is busy', async () => {
    let steps = 0
    const subscriber = {
      apply: async () => {
        steps++
        for (let turn = 0; turn < 500; turn++) await null
      },
    }
    const { controller, view, close } = await openFixture({ subscriber })
    const before = steps
    await Promise.all(
      Array.from({ length: 20 }, (_, index) => controller.createTopics([topicNamed(`t${index}`)], forReal)),
    )
    assert.equal(view.image().topics.size, 20)
    assert.ok(steps - before < 20, `${steps - before} steps for 20 topics`)
    await close()
  })

  test('refuses to start on an entry that it cannot read, naming it', async () => {
    const files = newDisk()
    const embedded = EmbeddedStore.open({ files, directory: DIRECTORY, logger: silentLogger })
    const store = embedded.connect()
    const value = new TextEncoder().encode('{"name":7}')
    await store.transaction([{ kind: 'create', path: paths.topicInfo('x'), value }])
    const view = new ClusterView({ store, clusterId: CLUSTER_ID, logger: silentLogger })
    await assert.rejects(view.start(), { name: 'LayoutError', message: /\/topics\/x\/info.*"name"/ })
    await embedded.close()
  })

  test('leaves entries alone that a later version may have added', async () => {
    const { store, view, close } = await openFixture()
    const before = view.decided()
    await store.transaction([{ kind: 'create', path: '/acls/1', value: new Uint8Array([1]) }])
    await view.refresh(['/acls/1', '/'])
    assert.equal(view.decided(), before)
    await close()
  })
})

test('a broker may change its addresses and keeps its epoch', async () => {
  const { embedded, view, close } = await openFixture()
  const session = embedded.connect()
  const described = { id: 2, rack: 'r', endpoints: [] }
  const membership = await Membership.register(session, described)
  await assert.rejects(Membership.register(embedded.connect(), described), { code: 101 })
  await view.refresh([paths.broker(2)])
  assert.equal(view.decided().brokers.get(2)?.epoch, membership.epoch)
  const endpoints = [{ listenerName: 'A', host: 'h', port: 1, securityProtocol: 'PLAINTEXT' as const }]
  await membership.update({ ...described, endpoints })
  await view.refresh([paths.broker(2)])
  assert.deepEqual(view.decided().brokers.get(2), { ...described, endpoints, epoch: membership.epoch })
  await close()
})
