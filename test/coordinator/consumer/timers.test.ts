// Members that are not heard of, or do not give up their partitions, are put out.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { errors } from '../../../src/wire/errors.ts'
import { ConsumerScript } from './script.ts'

const settings = { 'group.consumer.session.timeout.ms': '45000' }

describe('a session', () => {
  test('ends when nothing is heard for group.consumer.session.timeout.ms; every heartbeat begins it anew', () => {
    const script = new ConsumerScript({ topics: { t: 2 }, settings })
    script.join('a', 't')
    script.join('b', 't')
    script.settle()
    script.advance(40_000)
    script.beat('a')
    script.advance(5000)
    assert.equal(script.shape, 'Assigning 4/3: a@3 t-0')
    assert.match(script.reasons().at(-1)!, /^member b2 .* went: its session of 45000 ms ran out$/)
    assert.equal(script.beat('b'), 'UNKNOWN_MEMBER_ID')
    script.assertSameAfterReload()
  })

  test('of the last member leaves an empty group, and no timer', () => {
    const script = new ConsumerScript({ topics: { t: 2 }, settings })
    script.join('a', 't')
    script.advance(45_000)
    assert.equal(script.shape, 'Empty 3/2:')
    assert.deepEqual([...script.shard.timers.keys()], [])
    assert.equal(script.reasons().at(-1), 'the last member went')
  })

  test('is whole again after a restart of the broker', () => {
    const script = new ConsumerScript({ topics: { t: 2 }, settings })
    script.join('a', 't')
    script.advance(40_000)
    script.shard.restart()
    script.advance(44_000)
    assert.equal(script.beat('a'), 'epoch 2')
  })

  test('ends later when its end cannot be written down', () => {
    const script = new ConsumerScript({ topics: { t: 2 }, settings })
    script.join('a', 't')
    script.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
    script.advance(45_000)
    assert.equal(script.group.memberCount, 1)
    script.advance(500)
    assert.equal(script.group.memberCount, 0)
  })
})

describe('giving up partitions', () => {
  const slow = (options: { readonly restarts?: boolean } = {}) => {
    const script = new ConsumerScript({ topics: { t: 2 }, settings })
    script.join('a', { topics: ['t'], rebalanceMs: 20_000 })
    script.join('b', 't')
    script.beat('a')
    if (options.restarts) script.shard.restart()
    const a = script.consumer('a')
    // It is alive, but its program does not come round to it.
    const live = (ms: number) => {
      for (let passed = 0; passed < ms; passed += 4000) {
        script.advance(4000)
        script.send(a, {})
        script.beat('b')
      }
    }
    return { script, live }
  }

  test('may take the rebalance timeout of the member', () => {
    const { script, live } = slow()
    live(16_000)
    assert.equal(script.shape, 'Reconciling 3/3: a@2 t-0 (-t-1) / b@3?')
    assert.equal(script.beat('a'), 'epoch 3')
    live(40_000)
    assert.equal(script.shape, 'Stable 3/3: a@3 t-0 / b@3 t-1')
  })

  test('takes longer: the member is put out, and what it had is free', () => {
    const { script, live } = slow()
    live(20_000)
    const why = 'it did not give up its partitions within its rebalance timeout of 20000 ms'
    assert.ok(script.reasons().includes(`member a1 (client a at /10.0.0.3) went: ${why}`))
    assert.equal(script.shape, 'Stable 4/4: b@4 t-0 t-1')
    assert.equal(script.beat('a'), 'UNKNOWN_MEMBER_ID')
  })

  test('begins anew after a restart of the broker', () => {
    const { script, live } = slow({ restarts: true })
    live(16_000)
    assert.match(script.shape, /a@2 t-0 \(-t-1\)/)
    live(4000)
    assert.doesNotMatch(script.shape, /a@/)
  })
})
