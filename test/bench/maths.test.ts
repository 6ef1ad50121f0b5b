// The bench's arithmetic: what its table says must follow from its samples.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { figure, judge, median, ratios, spread, type Target, targetText } from '../../bench/maths.ts'

const must: Target[] = [{ of: 'ratio', atLeast: 3 }]
const aim: Target[] = [{ of: 'ratio', atLeast: 5 }]

describe('median and spread', () => {
  test('the median is the middle value, or the mean of the two middle ones, whatever the order', () => {
    assert.equal(median([5, 1, 9]), 5)
    assert.equal(median([10, 1, 2, 4]), 3)
    assert.equal(median([7]), 7)
  })

  test('as many values lie below the median as above it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1 }), (values) => {
        const middle = median(values)
        const below = values.filter((value) => value < middle).length
        const above = values.filter((value) => value > middle).length
        assert.ok(below <= values.length / 2 && above <= values.length / 2)
        const { low, high } = spread(values)
        assert.ok(low <= middle && middle <= high)
      }),
    )
  })

  test('no values have no median', () => {
    assert.throws(() => median([]), RangeError)
  })
})

describe('ratios', () => {
  test('each round is compared with its own neighbour, so a slow round does not bend the ratio', () => {
    // The second round ran on a machine ten times slower: the ratio is 2 in both.
    assert.deepEqual(ratios([200, 20], [100, 10]), { median: 2, low: 2, high: 2 })
  })

  test('a round without a value on one side is left out', () => {
    assert.deepEqual(ratios([4, Number.NaN, 9], [2, 1, 3]), { median: 2.5, low: 2, high: 3 })
    assert.deepEqual(ratios([4, 6], [2]), { median: 2, low: 2, high: 2 })
    assert.equal(ratios([4], []), null)
    assert.equal(ratios([4], [0]), null)
  })
})

describe('judge', () => {
  const at = (ratio: number) => ({ median: ratio, low: ratio, high: ratio })

  test('tells aim, must and missed apart, the bounds included', () => {
    assert.equal(judge(must, aim, [1], at(5)), 'aim')
    assert.equal(judge(must, aim, [1], at(4.99)), 'must')
    assert.equal(judge(must, aim, [1], at(3)), 'must')
    assert.equal(judge(must, aim, [1], at(2.99)), 'missed')
  })

  test('an absolute bound is held against our own median', () => {
    const atMost80: Target[] = [{ of: 'ours', atMost: 80 }]
    assert.equal(judge(atMost80, [], [70, 90, 79], null), 'must')
    assert.equal(judge(atMost80, [], [70, 90, 81], null), 'missed')
  })

  test('an aim of two parts is met only if both are', () => {
    const both: Target[] = [
      { of: 'ratio', atMost: 0.17 },
      { of: 'ours', atMost: 0.8 },
    ]
    const half: Target[] = [{ of: 'ratio', atMost: 0.33 }]
    assert.equal(judge(half, both, [0.7], at(0.1)), 'aim')
    assert.equal(judge(half, both, [0.9], at(0.1)), 'must')
  })

  test('without a target, a figure of ours or a ratio to hold it against there is no verdict', () => {
    assert.equal(judge([], aim, [1], at(9)), 'unjudged')
    assert.equal(judge(must, aim, [], at(9)), 'unjudged')
    assert.equal(judge(must, aim, [1], null), 'unjudged')
  })
})

describe('texts', () => {
  test('figures have three significant digits', () => {
    assert.equal(figure(0.06789), '0.0679')
    assert.equal(figure(0.5), '0.500')
    assert.equal(figure(6.789), '6.79')
    assert.equal(figure(67.89), '67.9')
    assert.equal(figure(6789.4), '6789')
    assert.equal(figure(0), '0')
    assert.equal(figure(Number.NaN), '-')
  })

  test('targets name their direction, bound and what they bind', () => {
    assert.equal(targetText([{ of: 'ratio', atLeast: 3 }], 'MB/s'), '>= 3x')
    assert.equal(
      targetText(
        [
          { of: 'ratio', atMost: 0.17 },
          { of: 'ours', atMost: 0.8 },
        ],
        's',
      ),
      '<= 0.17x, <= 0.8 s',
    )
  })
})
