// A consumer group goes back to the classic protocol when the last member of the consumer protocol goes.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errors } from '../../../src/wire/errors.ts'
import { ClassicConsumer, classicGroup, MixedScript, mixedGroup } from './mixed-script.ts'

describe('the last member of the consumer protocol', () => {
  test('leaves: the group is a classic group again, and rebalances', () => {
    const script = mixedGroup()
    script.leave('new')
    assert.equal(script.type, 'classic')
    script.assertSameAfterReload()
    script.live(3)
    assert.equal(script.say(script.classic('old')), 'generation 3: t-0 t-1 t-2 t-3')
    assert.ok(
      script
        .reasons()
        .includes('the last member of the consumer protocol went: the group is a classic group again'),
    )
    assert.deepEqual(
      [...script.shard.timers.keys()].filter((key) => key.startsWith('consumer')),
      [],
    )
  })

  test('leaves, and the broker fails before the rebalance has ended: the next one begins it again', () => {
    const script = mixedGroup()
    script.leave('new')
    script.shard.restart()
    assert.equal(script.type, 'classic')
    assert.equal(script.sendHeartbeat(script.classic('old')), 'REBALANCE_IN_PROGRESS')
    script.live(3)
    assert.equal(script.say(script.classic('old')), 'generation 3: t-0 t-1 t-2 t-3')
  })

  test('falls silent: the same', () => {
    const script = mixedGroup()
    script.crash('new')
    script.live(20)
    assert.equal(script.type, 'classic')
    assert.match(script.say(script.classic('old')), /^generation \d+: t-0 t-1 t-2 t-3$/)
  })

  test('is started again with the classic protocol under its instance id: the same', () => {
    const script = classicGroup({ old: {} })
    script.join('new', { topics: ['t'], instance: 'one' })
    script.live(4)
    script.crash('new')
    script.enter('again', { topics: ['t'], instance: 'one' })
    assert.equal(script.type, 'classic')
    script.live(4)
    assert.equal(script.say(script.classic('old')), 'generation 3: t-0 t-2')
    assert.equal(script.say(script.classic('again')), 'generation 3: t-1 t-3')
  })

  test('is started again with the classic protocol, and was the only member: the same', () => {
    const script = new MixedScript({ topics: { t: 4 } })
    script.join('new', { topics: ['t'], instance: 'one' })
    script.enter('again', { topics: ['t'], instance: 'one' })
    assert.equal(script.type, 'classic')
    assert.equal(script.beat('new'), 'GROUP_ID_NOT_FOUND')
    script.live(1)
    assert.equal(script.say(script.classic('again')), 'generation 3: t-0 t-1 t-2 t-3')
    script.assertSameAfterReload()
    assert.deepEqual(
      [...script.shard.timers.keys()].filter((key) => key.startsWith('consumer')),
      [],
    )
  })

  test('is started again alone, and nothing can be written down: it stays what it was', () => {
    const script = new MixedScript({ topics: { t: 4 } })
    script.join('new', { topics: ['t'], instance: 'one' })
    script.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    const again = new ClassicConsumer('again', { topics: ['t'], instance: 'one' })
    assert.equal(script.sendJoin(again).error, errors.COORDINATOR_NOT_AVAILABLE)
    assert.equal(script.shape, 'Stable 2/2: new@2 t-0 t-1 t-2 t-3')
    assert.equal(script.beat('new'), 'epoch 2')
  })

  test('is started again with the classic protocol, in a group larger than group.max.size: nobody has to go', () => {
    const script = mixedGroup({ settings: { 'group.max.size': '1' } }, {})
    script.leave('new')
    script.live(3)
    assert.equal(script.type, 'classic')
    script.join('other', { topics: ['t'], instance: 'one' })
    script.live(4)
    script.crash('other')
    script.enter('again', { topics: ['t'], instance: 'one' })
    assert.equal(script.type, 'consumer')
    script.live(4)
    assert.match(script.shape, /^Stable .*: old@\d t-\d t-\d \/ again@\d t-\d t-\d$/)
  })

  test('leaves, and nothing can be written down: it stays what it was', () => {
    const script = mixedGroup()
    script.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    assert.equal(script.leave('new'), 'COORDINATOR_NOT_AVAILABLE')
    assert.equal(script.type, 'consumer')
    assert.equal(script.group.memberCount, 2)
    assert.equal(script.beatClassic('old'), 'generation 2: t-0 t-1')
  })

  for (const policy of ['upgrade', 'disabled']) {
    test(`leaves with group.consumer.migration.policy ${policy}: the group stays a consumer group, and goes on`, () => {
      const script = mixedGroup()
      const config = { ...script.surroundings.config(), groupConsumerMigrationPolicy: policy }
      Object.assign(script.surroundings, { config: () => config })
      script.leave('new')
      assert.equal(script.type, 'consumer')
      script.live(3)
      assert.equal(script.shape, 'Stable 3/3: old@3 t-0 t-1 t-2 t-3')
      script.assertSameAfterReload()
    })
  }
})
