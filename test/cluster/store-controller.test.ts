// The controller over a store: what is durable, what is applied when a call resolves, and what a second controller can do.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EmbeddedStore } from '../../src/cluster/embedded-store.ts'
import { paths } from '../../src/cluster/layout.ts'
import { StoreController } from '../../src/cluster/store-controller.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { CLUSTER_ID, DIRECTORY, type Fixture, openFixture, Recorder, topicNamed } from './fixture.ts'

const forReal = { validateOnly: false }
const onlyValidate = { validateOnly: true }

async function withFixture(check: (fixture: Fixture) => Promise<void>, options = {}): Promise<void> {
  const fixture = await openFixture(options)
  try {
    await check(fixture)
  } finally {
    await fixture.close()
  }
}

function names(outcomes: readonly { error: { name: string } }[]): string[] {
  return outcomes.map(({ error }) => error.name)
}

describe('a topic that was created', () => {
  test('is in the image, applied by every subscriber, when the call resolves', async () => {
    const recorder = new Recorder()
    await withFixture(
      async ({ controller, view }) => {
        const [created] = await controller.createTopics([topicNamed('t', { numPartitions: 3 })], forReal)
        assert.equal(created?.error.name, 'NONE')
        const topic = view.image().topics.get('t')
        assert.equal(topic?.id, created.topic?.id)
        assert.deepEqual(
          topic?.partitions.map(({ leader }) => leader),
          [1, 1, 1],
        )
        const seen = recorder.steps.flatMap(({ delta }) => delta.created)
        assert.deepEqual(
          seen.map(({ name }) => name),
          ['t'],
        )
      },
      { subscriber: recorder },
    )
  })

  test('is not shown before the subscribers have applied it', async () => {
    let release = () => {}
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    const subscriber = {
      apply: (_: unknown, delta: { created: readonly unknown[] }) =>
        delta.created.length > 0 ? gate : undefined,
    }
    await withFixture(
      async ({ controller, view }) => {
        let isDone = false
        const creating = controller.createTopics([topicNamed('t')], forReal).then(() => {
          isDone = true
        })
        while (!view.decided().topics.has('t')) await null
        for (let turn = 0; turn < 50; turn++) await null
        assert.equal(view.image().topics.has('t'), false)
        assert.equal(isDone, false)
        release()
        await creating
        assert.equal(view.image().topics.has('t'), true)
      },
      { subscriber },
    )
  })

  test('is there after a crash at the moment the call resolved', async () => {
    const fixture = await openFixture()
    const configs = [{ name: 'cleanup.policy', value: 'compact' }]
    const [created] = await fixture.controller.createTopics(
      [topicNamed('t', { numPartitions: 250, configs })],
      forReal,
    )
    fixture.files.crash(new SeededRandom(1))
    await withFixture(async ({ view }) => assert.deepEqual(view.image().topics.get('t'), created?.topic), {
      files: fixture.files,
    })
  })

  test('leaves no trace when it was only validated', async () => {
    await withFixture(async ({ controller, view, store }) => {
      const outcomes = await controller.createTopics([topicNamed('t'), topicNamed('!')], onlyValidate)
      assert.deepEqual(names(outcomes), ['NONE', 'INVALID_TOPIC_EXCEPTION'])
      assert.equal(outcomes[0]?.topic?.partitions.length, 1)
      assert.equal(view.image().topics.size, 0)
      assert.deepEqual(await store.list('/topics'), [])
    })
  })

  test('is refused to the second of two requests at the same time', async () => {
    await withFixture(async ({ controller }) => {
      const both = await Promise.all([
        controller.createTopics([topicNamed('t')], forReal),
        controller.createTopics([topicNamed('t')], forReal),
      ])
      assert.deepEqual(both.flatMap(names), ['NONE', 'TOPIC_ALREADY_EXISTS'])
    })
  })

  test('may be one of 200 in a request, each with its own outcome', async () => {
    await withFixture(async ({ controller, view }) => {
      const requests = Array.from({ length: 200 }, (_, index) =>
        topicNamed(`t-${index}`, { numPartitions: index === 7 ? 0 : 2 }),
      )
      const outcomes = await controller.createTopics(requests, forReal)
      assert.equal(outcomes.filter(({ error }) => error.name === 'NONE').length, 199)
      assert.equal(outcomes[7]?.error.name, 'INVALID_PARTITIONS')
      assert.equal(view.image().topics.size, 199)
    })
  })

  test('may have as many partitions as a request may create', async () => {
    await withFixture(async ({ controller, view, store }) => {
      await controller.createTopics([topicNamed('t', { numPartitions: 10_000 })], forReal)
      assert.equal(view.image().topics.get('t')?.partitions.length, 10_000)
      await controller.deleteTopics([{ name: 't', topicId: null }])
      assert.deepEqual(await store.list('/topics'), [])
    })
  })

  test('is refused with settings that are too large to store', async () => {
    await withFixture(async ({ controller }) => {
      const value = Array.from({ length: 120_000 }, (_, index) => `${index}:1`).join(',')
      const configs = [{ name: 'leader.replication.throttled.replicas', value }]
      const outcomes = await controller.createTopics([topicNamed('t', { configs }), topicNamed('u')], forReal)
      assert.deepEqual(names(outcomes), ['POLICY_VIOLATION', 'NONE'])
    })
  })
})

describe('auto-creation', () => {
  test('succeeds for all of those who ask for the same topic at once', async () => {
    await withFixture(async ({ controller }) => {
      const all = await Promise.all(
        Array.from({ length: 5 }, () => controller.autoCreateTopics(['t', 't', 'u'])),
      )
      assert.deepEqual(all.map(names), Array(5).fill(['NONE', 'NONE']))
      assert.equal(new Set(all.map(([t]) => t?.topic?.id)).size, 1)
    })
  })
  test('tells why a topic could not be created', async () => {
    await withFixture(async ({ controller }) =>
      assert.deepEqual(names(await controller.autoCreateTopics(['a/b'])), ['INVALID_TOPIC_EXCEPTION']),
    )
  })
})

describe('a topic that was deleted', () => {
  test('is gone from every subscriber when the call resolves, and its name is free', async () => {
    const recorder = new Recorder()
    await withFixture(
      async ({ controller, view }) => {
        const [first] = await controller.createTopics([topicNamed('t')], forReal)
        const [deleted] = await controller.deleteTopics([{ name: 't', topicId: null }])
        assert.deepEqual(
          [deleted?.error.name, deleted?.name, deleted?.topicId],
          ['NONE', 't', first?.topic?.id],
        )
        assert.deepEqual(
          recorder.steps.flatMap(({ delta }) => delta.deleted).map(({ id }) => id),
          [first?.topic?.id],
        )
        const [second] = await controller.createTopics([topicNamed('t')], forReal)
        assert.notEqual(second?.topic?.id, first?.topic?.id)
        assert.equal(view.image().topics.get('t')?.id, second?.topic?.id)
      },
      { subscriber: recorder },
    )
  })

  test('can be named by its id', async () => {
    await withFixture(async ({ controller, view }) => {
      const [created] = await controller.createTopics([topicNamed('t')], forReal)
      const outcomes = await controller.deleteTopics([
        { name: null, topicId: created!.topic!.id },
        { name: null, topicId: 'unknown' },
      ])
      assert.deepEqual(names(outcomes), ['NONE', 'UNKNOWN_TOPIC_ID'])
      assert.equal(outcomes[0]?.name, 't')
      assert.equal(view.image().topics.size, 0)
    })
  })
})

test('new partitions are there when the call resolves, over chunk borders, and after a restart', async () => {
  const fixture = await openFixture()
  await fixture.controller.createTopics([topicNamed('t', { numPartitions: 99 })], forReal)
  for (const count of [100, 101, 350]) {
    const outcomes = await fixture.controller.createPartitions(
      [{ name: 't', count, assignments: null }],
      forReal,
    )
    assert.deepEqual(names(outcomes), ['NONE'])
    const { partitions } = fixture.view.image().topics.get('t')!
    assert.deepEqual(
      partitions.map(({ index }) => index),
      Array.from({ length: count }, (_, index) => index),
    )
  }
  await fixture.controller.createPartitions([{ name: 't', count: 400, assignments: null }], onlyValidate)
  const before = fixture.view.image().topics.get('t')
  fixture.files.processDied()
  await withFixture(async ({ view }) => assert.deepEqual(view.image().topics.get('t'), before), {
    files: fixture.files,
  })
})

describe('settings', () => {
  const topic = (...operations: { name: string; operation: number; value: string | null }[]) => [
    { type: 2, name: 't', operations },
  ]
  const set = (name: string, value: string | null) => ({ name, operation: 0, value })

  test('are changed one by one, and are in the image when the call resolves', async () => {
    await withFixture(async ({ controller, view }) => {
      await controller.createTopics(
        [topicNamed('t', { configs: [{ name: 'retention.ms', value: '5' }] })],
        forReal,
      )
      const configs = () => Object.fromEntries(view.image().topics.get('t')!.configs)
      await controller.incrementalAlterConfigs(topic(set('cleanup.policy', 'compact')), forReal)
      assert.deepEqual(configs(), { 'retention.ms': '5', 'cleanup.policy': 'compact' })
      await controller.incrementalAlterConfigs(
        topic({ name: 'cleanup.policy', operation: 2, value: 'delete' }),
        forReal,
      )
      assert.equal(configs()['cleanup.policy'], 'compact,delete')
      await controller.incrementalAlterConfigs(
        topic({ name: 'cleanup.policy', operation: 3, value: 'compact' }),
        forReal,
      )
      assert.equal(configs()['cleanup.policy'], 'delete')
      await controller.incrementalAlterConfigs(
        topic({ name: 'retention.ms', operation: 1, value: null }),
        forReal,
      )
      assert.deepEqual(configs(), { 'cleanup.policy': 'delete' })
      await controller.incrementalAlterConfigs(topic(set('retention.ms', '7')), onlyValidate)
      assert.deepEqual(configs(), { 'cleanup.policy': 'delete' })
      await controller.alterConfigs(
        [{ type: 2, name: 't', configs: [{ name: 'retention.ms', value: '9' }] }],
        forReal,
      )
      assert.deepEqual(configs(), { 'retention.ms': '9' })
    })
  })

  test('of a broker and of all brokers are kept apart', async () => {
    await withFixture(async ({ controller, view }) => {
      const operations = (value: string) => [set('log.retention.ms', value)]
      const outcomes = await controller.incrementalAlterConfigs(
        [
          { type: 4, name: '', operations: operations('1000') },
          { type: 4, name: '1', operations: operations('2000') },
        ],
        forReal,
      )
      assert.deepEqual(names(outcomes), ['NONE', 'NONE'])
      const { brokerConfigs } = view.image()
      assert.equal(brokerConfigs.default.get('log.retention.ms'), '1000')
      assert.equal(brokerConfigs.byId.get(1)?.get('log.retention.ms'), '2000')
    })
  })

  const cases: [rule: string, change: object, error: string][] = [
    ['an unknown topic', { name: 'x', operations: [set('retention.ms', '1')] }, 'UNKNOWN_TOPIC_OR_PARTITION'],
    [
      'an impossible topic',
      { name: 'a b', operations: [set('retention.ms', '1')] },
      'INVALID_TOPIC_EXCEPTION',
    ],
    ['all topics', { name: '', operations: [set('retention.ms', '1')] }, 'INVALID_REQUEST'],
    ['an unknown setting', { operations: [set('x', '1')] }, 'INVALID_CONFIG'],
    ['a bad value', { operations: [set('retention.ms', 'x')] }, 'INVALID_CONFIG'],
    ['a null value', { operations: [set('retention.ms', null)] }, 'INVALID_REQUEST'],
    [
      'appending to a number',
      { operations: [{ name: 'retention.ms', operation: 2, value: '1' }] },
      'INVALID_CONFIG',
    ],
    [
      'an unknown operation',
      { operations: [{ name: 'retention.ms', operation: 4, value: '1' }] },
      'INVALID_REQUEST',
    ],
    [
      'a setting that is altered twice',
      { operations: [set('retention.ms', '1'), set('retention.ms', '2')] },
      'INVALID_REQUEST',
    ],
    [
      'a broker that is not there',
      { type: 4, name: '5', operations: [set('log.retention.ms', '1')] },
      'INVALID_REQUEST',
    ],
    [
      'a broker name that is no number',
      { type: 4, name: 'x', operations: [set('log.retention.ms', '1')] },
      'INVALID_REQUEST',
    ],
    [
      'a broker setting that needs a restart',
      { type: 4, name: '1', operations: [set('log.dirs', '/x')] },
      'INVALID_REQUEST',
    ],
    ['loggers', { type: 8, name: '1', operations: [set('root', 'DEBUG')] }, 'INVALID_REQUEST'],
    ['client metrics', { type: 16, name: 'm', operations: [set('interval.ms', '1')] }, 'INVALID_REQUEST'],
    [
      'groups',
      { type: 32, name: 'g', operations: [set('consumer.session.timeout.ms', '1')] },
      'INVALID_REQUEST',
    ],
    ['a type nobody knows', { type: 99, name: 'g', operations: [] }, 'INVALID_REQUEST'],
  ]
  for (const [rule, change, error] of cases) {
    test(`cannot be altered: ${rule}`, async () => {
      await withFixture(async ({ controller }) => {
        await controller.createTopics([topicNamed('t')], forReal)
        const changes = [{ type: 2, name: 't', operations: [], ...change }]
        assert.deepEqual(names(await controller.incrementalAlterConfigs(changes, onlyValidate)), [error])
        assert.deepEqual(names(await controller.incrementalAlterConfigs(changes, forReal)), [error])
      })
    })
  }

  test('of a resource that is named twice are refused, others of the request are changed', async () => {
    await withFixture(async ({ controller }) => {
      await controller.createTopics([topicNamed('t'), topicNamed('u')], forReal)
      const change = (name: string) => ({ type: 2, name, configs: [{ name: 'retention.ms', value: '1' }] })
      assert.deepEqual(
        names(await controller.alterConfigs([change('t'), change('u'), change('t')], forReal)),
        ['INVALID_REQUEST', 'NONE'],
      )
    })
  })
})

describe('producer ids', () => {
  test('come in blocks that never overlap, not even over a crash', async () => {
    const fixture = await openFixture()
    const blocks = await Promise.all([
      fixture.controller.allocateProducerIds(),
      fixture.controller.allocateProducerIds(),
    ])
    assert.deepEqual(blocks, [
      { first: 0, count: 1000 },
      { first: 1000, count: 1000 },
    ])
    fixture.files.crash(new SeededRandom(1))
    await withFixture(
      async ({ controller }) =>
        assert.deepEqual(await controller.allocateProducerIds(), { first: 2000, count: 1000 }),
      { files: fixture.files },
    )
  })
})

describe('a controller that starts', () => {
  test('keeps the leader epochs after a clean stop, and renews them after a crash', async () => {
    const fixture = await openFixture()
    await fixture.controller.createTopics([topicNamed('t', { numPartitions: 150 })], forReal)
    await fixture.close()
    const epochs = async (renewLeaders: boolean) => {
      const again = await openFixture({ files: fixture.files, renewLeaders })
      const found = new Set(
        again.view
          .image()
          .topics.get('t')
          ?.partitions.map(({ leader, leaderEpoch }) => `${leader}@${leaderEpoch}`),
      )
      await again.close()
      return [...found]
    }
    assert.deepEqual(await epochs(false), ['1@0'])
    assert.deepEqual(await epochs(true), ['1@1'])
    assert.deepEqual(await epochs(false), ['1@1'])
  })

  test('leads what lost its leader with a replica that is in sync and alive', async () => {
    const brokers = [{ id: 1 }, { id: 2 }]
    const assigned = (...brokerIds: number[]) => ({ assignments: [{ partitionIndex: 0, brokerIds }] })
    const leaders = async (fixture: Fixture) => {
      const { topics } = fixture.view.image()
      await fixture.close()
      return ['t', 'u'].map((name) => topics.get(name)?.partitions[0]?.leader)
    }
    const first = await openFixture({ brokers })
    await first.controller.createTopics(
      [topicNamed('t', assigned(2, 1)), topicNamed('u', assigned(2))],
      forReal,
    )
    assert.deepEqual(await leaders(first), [2, 2])
    assert.deepEqual(await leaders(await openFixture({ files: first.files })), [1, -1])
    assert.deepEqual(await leaders(await openFixture({ files: first.files, brokers })), [1, 2])
  })

  test('drops what is left of a creation that a crash cut short', async () => {
    const fixture = await openFixture()
    const value = new TextEncoder().encode('{"partitions":[]}')
    await fixture.store.transaction([{ kind: 'create', path: paths.topicChunk('half', 0), value }])
    await fixture.close()
    await withFixture(async ({ store }) => assert.deepEqual(await store.list('/topics'), []), {
      files: fixture.files,
    })
  })

  test('is refused while another one is alive, and the old one cannot write once it is replaced', async () => {
    const fixture = await openFixture()
    const store = fixture.embedded.connect()
    const view = new ClusterView({ store, clusterId: CLUSTER_ID, logger: silentLogger })
    await view.start()
    const config = parseBrokerConfig({})
    const start = () =>
      StoreController.start({
        store,
        view,
        nodeId: 2,
        config: () => config,
        staticEntries: new Map(),
        random: new SeededRandom(2),
        logger: silentLogger,
        renewLeaders: false,
      })
    await assert.rejects(start(), { message: /Another broker/ })
    // As if the first one's session had run out without its noticing.
    const entry = (await store.get(paths.controller))!
    await store.transaction([{ kind: 'delete', path: paths.controller, expected: entry.version }])
    const second = await start()
    assert.equal(view.image().controllerId, 2)
    assert.deepEqual(names(await fixture.controller.createTopics([topicNamed('t')], forReal)), [
      'NOT_CONTROLLER',
    ])
    assert.deepEqual(names(await second.createTopics([topicNamed('t')], forReal)), ['NONE'])
    await fixture.close()
  })
})

describe('when the disk', () => {
  test('is full, creation is refused and deletion goes on', async () => {
    await withFixture(async ({ controller, files, view }) => {
      await controller.createTopics([topicNamed('t')], forReal)
      files.capacityBytes = 0
      let refused: string | undefined
      for (let index = 0; index < 1000 && refused === undefined; index++) {
        const [outcome] = await controller.createTopics([topicNamed(`more-${index}`)], forReal)
        if (outcome?.error.name !== 'NONE') refused = outcome?.error.name
      }
      assert.equal(refused, 'KAFKA_STORAGE_ERROR')
      assert.deepEqual(names(await controller.deleteTopics([{ name: 't', topicId: null }])), ['NONE'])
      assert.equal(view.image().topics.has('t'), false)
      files.capacityBytes = Number.POSITIVE_INFINITY
      assert.deepEqual(names(await controller.createTopics([topicNamed('t')], forReal)), ['NONE'])
    })
  })

  test('fails, every call is told so', async () => {
    await withFixture(async ({ controller, files, view }) => {
      files.fail('sync', /odradek-metadata/, 'EIO')
      assert.deepEqual(names(await controller.createTopics([topicNamed('t')], forReal)), [
        'KAFKA_STORAGE_ERROR',
      ])
      assert.deepEqual(names(await controller.createTopics([topicNamed('t')], forReal)), [
        'KAFKA_STORAGE_ERROR',
      ])
      await assert.rejects(controller.allocateProducerIds(), { code: 56 })
      assert.equal(view.image().topics.size, 0)
    })
  })

  test('of a subscriber fails, the caller is told that the change is decided but not applied', async () => {
    let isBroken = false
    const subscriber = {
      apply: async () => {
        if (isBroken) throw new Error('no space for a directory')
      },
    }
    await withFixture(
      async ({ controller, view }) => {
        isBroken = true
        const [outcome] = await controller.createTopics([topicNamed('t')], forReal)
        assert.equal(outcome?.error.name, 'UNKNOWN_SERVER_ERROR')
        assert.match(outcome.message!, /no space for a directory/)
        assert.ok(view.image().topics.has('t'))
        isBroken = false
        assert.deepEqual(names(await controller.createTopics([topicNamed('u')], forReal)), ['NONE'])
      },
      { subscriber },
    )
  })
})

test('10,000 topics are read back in half a second', async () => {
  const fixture = await openFixture()
  for (let start = 0; start < 10_000; start += 1000) {
    const requests = Array.from({ length: 1000 }, (_, index) => topicNamed(`topic-${start + index}`))
    await fixture.controller.createTopics(requests, forReal)
  }
  await fixture.close()
  const began = performance.now()
  const embedded = EmbeddedStore.open({ files: fixture.files, directory: DIRECTORY, logger: silentLogger })
  const view = new ClusterView({ store: embedded.connect(), clusterId: CLUSTER_ID, logger: silentLogger })
  await view.start()
  const tookMs = performance.now() - began
  assert.equal(view.decided().topics.size, 10_000)
  // Half a second on an idle machine; this one is shared.
  assert.ok(tookMs < 2500, `${tookMs} ms`)
  console.log(`10,000 topics read in ${tookMs.toFixed(0)} ms`)
  await embedded.close()
})
