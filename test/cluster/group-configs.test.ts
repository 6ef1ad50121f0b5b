// Settings of groups in the cluster metadata: whatever the group is called, and over restarts.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { paths, subjectOf } from '../../src/cluster/layout.ts'
import { forReal, openFixture } from './fixture.ts'

const GROUP = 32
const session = (value: string | null, operation = 0) => [
  { name: 'consumer.session.timeout.ms', operation, value },
]

test('a group may be called anything: its path leads back to it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1 }), (groupId) => {
      const path = paths.groupConfigs(groupId)
      assert.deepEqual(subjectOf(path), { kind: 'group-configs', groupId })
      assert.match(path, /^\/configs\/groups\/(?!\.)[^/]+$/)
    }),
  )
  assert.deepEqual(subjectOf('/configs/groups/%'), { kind: 'unknown' })
})

test('settings of a group are in the image when the call resolves, and after a restart', async () => {
  const fixture = await openFixture()
  const { controller, view, files } = fixture
  const outcomes = await controller.incrementalAlterConfigs(
    ['a/b', '..', 'plain'].map((name) => ({ type: GROUP, name, operations: session('50000') })),
    forReal,
  )
  assert.deepEqual(
    outcomes.map(({ error }) => error.name),
    ['NONE', 'NONE', 'NONE'],
  )
  assert.deepEqual([...view.image().groupConfigs.keys()].sort(), ['..', 'a/b', 'plain'])
  assert.equal(view.image().groupConfigs.get('a/b')?.get('consumer.session.timeout.ms'), '50000')
  await fixture.close()

  const again = await openFixture({ files })
  assert.deepEqual([...again.view.image().groupConfigs.keys()].sort(), ['..', 'a/b', 'plain'])
  await again.close()
})

test('a group whose last setting is reset is not listed any more', async () => {
  const fixture = await openFixture()
  const { controller, view, embedded } = fixture
  const alter = (value: string | null, operation: number) =>
    controller.incrementalAlterConfigs(
      [{ type: GROUP, name: 'g', operations: session(value, operation) }],
      forReal,
    )
  await alter('50000', 0)
  const image = view.image()
  await alter(null, 1)
  assert.equal(view.image().groupConfigs.size, 0)
  assert.equal(image.groupConfigs.size, 1, 'an image never changes')
  assert.equal(await embedded.connect().get(paths.groupConfigs('g')), null)
  await alter(null, 1)
  assert.equal(view.image().groupConfigs.size, 0)
  await fixture.close()
})

test('all settings of a group are replaced at once, or only checked', async () => {
  const fixture = await openFixture()
  const { controller, view } = fixture
  const replace = async (configs: { name: string; value: string }[], validateOnly: boolean) => {
    const [outcome] = await controller.alterConfigs([{ type: GROUP, name: 'g', configs }], { validateOnly })
    return outcome!.error.name
  }
  const heartbeat = { name: 'consumer.heartbeat.interval.ms', value: '6000' }
  const own = () => Object.fromEntries(view.image().groupConfigs.get('g') ?? [])
  assert.equal(await replace([heartbeat], true), 'NONE')
  assert.deepEqual(own(), {})
  assert.equal(await replace([heartbeat], false), 'NONE')
  assert.deepEqual(own(), { 'consumer.heartbeat.interval.ms': '6000' })
  assert.equal(await replace([{ name: 'consumer.session.timeout.ms', value: '50000' }], false), 'NONE')
  assert.deepEqual(own(), { 'consumer.session.timeout.ms': '50000' })
  assert.equal(await replace([{ ...heartbeat, value: '1' }], false), 'INVALID_CONFIG')
  assert.deepEqual(own(), { 'consumer.session.timeout.ms': '50000' })
  await fixture.close()
})
