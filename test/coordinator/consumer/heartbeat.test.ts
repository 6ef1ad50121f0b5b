// Members of a consumer group come, share partitions, and go.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConsumerScript } from './script.ts'

describe('a member joins', () => {
  test('an empty group, and has everything at once', () => {
    const script = new ConsumerScript({ topics: { t: 3 } })
    assert.equal(script.join('a', 't'), 'epoch 2: t-0 t-1 t-2')
    assert.equal(script.shape, 'Stable 2/2: a@2 t-0 t-1 t-2')
    assert.equal(script.beat('a'), 'epoch 2')
    script.assertSameAfterReload()
  })

  test('others: they give up first, and keep the rest all the while', () => {
    const script = new ConsumerScript({ topics: { t: 4 } })
    script.join('a', 't')
    assert.equal(script.join('b', 't'), 'epoch 3:')
    assert.equal(script.shape, 'Reconciling 3/3: a@2 t-0 t-1 t-2 t-3 / b@3?')
    const told = script.beat('a')
    assert.equal(told, 'epoch 2: t-0 t-1')
    assert.equal(script.shape, 'Reconciling 3/3: a@2 t-0 t-1 (-t-2) (-t-3) / b@3?')
    assert.equal(script.beat('b'), 'epoch 3')
    assert.equal(script.beat('a'), 'epoch 3')
    assert.equal(script.beat('b'), 'epoch 3: t-2 t-3')
    assert.equal(script.shape, 'Stable 3/3: a@3 t-0 t-1 / b@3 t-2 t-3')
    script.assertSameAfterReload()
  })
})
