// A group changes from the classic protocol to the consumer protocol and back, with and without members.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MixedScript } from './mixed-script.ts'

const topics = { t: 4 }

describe('a classic group with members', () => {
  test('becomes a consumer group when a consumer joins; its members keep what they have and are told to join again', () => {
    const script = new MixedScript({ topics })
    assert.equal(script.enter('old', { topics: ['t'] }), 'joins')
    script.advance(0)
    assert.equal(script.pump('old'), 'generation 1: t-0 t-1 t-2 t-3')
    assert.equal(script.type, 'classic')

    assert.equal(script.join('new', 't'), 'epoch 2:')
    assert.equal(script.shape, 'Reconciling 2/2: old@1 t-0 t-1 t-2 t-3 / new@2?')
    script.assertSameAfterReload()
    assert.equal(script.beatClassic('old'), 'REBALANCE_IN_PROGRESS')
    assert.equal(script.say(script.classic('old')), 'generation 2: t-0 t-1')
    assert.equal(script.beat('new'), 'epoch 2: t-2 t-3')
    assert.equal(script.shape, 'Stable 2/2: old@2 t-0 t-1 / new@2 t-2 t-3')
    assert.equal(script.beatClassic('old'), 'generation 2: t-0 t-1')
    script.assertSameAfterReload()
  })
})
