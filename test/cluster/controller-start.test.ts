// A controller that takes over, loses its place, or stands on a disk that is full or fails.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { EmbeddedStore } from '../../src/cluster/embedded-store.ts'
import { paths } from '../../src/cluster/layout.ts'
import { StoreController } from '../../src/cluster/store-controller.ts'
import { ClusterView } from '../../src/cluster/view.ts'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import {
  CLUSTER_ID,
  DIRECTORY,
  type Fixture,
  forReal,
  names,
  openFixture,
  topicNamed,
  withFixture,
} from './fixture.ts'

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
  await embedded.close()
})
