// The range assignor: what must hold after every change of a group, and its choices in small cases.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import type { AssignmentSpec } from '../../../src/coordinator/group/assignors/assignor.ts'
import { rangeAssignor } from '../../../src/coordinator/group/assignors/range.ts'
import { alikeHistories, play, unlikeHistories } from './histories.ts'
import { assertComplete } from './rules.ts'
import { member, showAll, specOf, topicsOf } from './specs.ts'

const assign = (spec: AssignmentSpec) => showAll(rangeAssignor.assign(spec))

const histories = fc.oneof(alikeHistories, unlikeHistories)

describe('range', () => {
  test('every partition has one owner, and all have consecutive ones, the first of them one more', () => {
    fc.assert(
      fc.property(histories, (history) => {
        play(rangeAssignor, history, (spec, targets) => {
          assertComplete(spec, targets)
          for (const [topicId, { partitions }] of spec.topics) {
            const subscribers = [...spec.members].filter(([, m]) => m.subscribedTopicIds.has(topicId))
            const sizes = subscribers.map(([id]) => {
              const list = targets.get(id)!.get(topicId) ?? []
              assert.ok(list.length === 0 || list.at(-1)! - list[0]! === list.length - 1, `gaps in ${list}`)
              return list.length
            })
            const least = Math.floor(partitions / sizes.length)
            const more = sizes.filter((size) => size === least + 1).length
            assert.ok(sizes.length === 0 || more === partitions % sizes.length, `sizes ${sizes}`)
          }
        })
      }),
      { numRuns: 300 },
    )
  })

  test('topics with as many partitions and the same subscribers are cut alike', () => {
    fc.assert(
      fc.property(alikeHistories, (history) => {
        play(rangeAssignor, history, (spec, targets) => {
          for (const assignment of targets.values()) {
            const cuts = new Map<number, string>()
            for (const [topicId, { partitions }] of spec.topics) {
              const cut = (assignment.get(topicId) ?? []).join()
              assert.equal(cut, cuts.get(partitions) ?? cut)
              cuts.set(partitions, cut)
            }
          }
        })
      }),
    )
  })

  test('static members come first, in the order of their instance ids, whatever their member ids are', () => {
    const topics = topicsOf({ a: 7 })
    const before = { m3: member('A', '', 'i1'), m2: member('A', '', 'i2'), m1: member('A') }
    assert.deepEqual(assign(specOf(before, topics)), { m1: 'A:5,6', m2: 'A:3,4', m3: 'A:0,1,2' })
    const after = { m8: member('A', '', 'i1'), m9: member('A', '', 'i2'), m1: member('A') }
    assert.deepEqual(assign(specOf(after, topics)), { m1: 'A:5,6', m8: 'A:0,1,2', m9: 'A:3,4' })
  })

  test('with different subscriptions, each topic is cut for those who read it', () => {
    const topics = topicsOf({ a: 3, b: 3, c: 2 })
    const spec = specOf({ m1: member('A B'), m2: member('B C'), m3: member('B') }, topics)
    assert.deepEqual(assign(spec), { m1: 'A:0,1,2 B:0', m2: 'B:1 C:0,1', m3: 'B:2' })
  })

  test('more members than partitions: the last have none', () => {
    const spec = specOf({ m1: member('A'), m2: member('A'), m3: member('A') }, topicsOf({ a: 2 }))
    assert.deepEqual(assign(spec), { m1: 'A:0', m2: 'A:1', m3: '' })
  })

  test('no members, no subscriptions, no such topic, no partitions', () => {
    assert.deepEqual(assign(specOf({}, topicsOf({ a: 1 }))), {})
    assert.deepEqual(assign(specOf({ m1: member('') }, topicsOf({ a: 1 }))), { m1: '' })
    assert.deepEqual(assign(specOf({ m1: member('A') }, topicsOf({}))), { m1: '' })
    assert.deepEqual(assign(specOf({ m1: member('A') }, topicsOf({ a: 0 }))), { m1: '' })
  })
})
