// The controller over a store: what is durable, and what this broker has applied, when a call resolves.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SeededRandom } from '../../src/lib/random.ts'
import { forReal, names, onlyValidate, openFixture, Recorder, topicNamed, withFixture } from './fixture.ts'

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

  test('is refused with settings that are too large', async () => {
    await withFixture(async ({ controller }) => {
      const value = Array.from({ length: 120_000 }, (_, index) => `${index}:1`).join(',')
      const configs = [{ name: 'leader.replication.throttled.replicas', value }]
      const outcomes = await controller.createTopics([topicNamed('t', { configs }), topicNamed('u')], forReal)
      assert.deepEqual(names(outcomes), ['INVALID_CONFIG', 'NONE'])
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
