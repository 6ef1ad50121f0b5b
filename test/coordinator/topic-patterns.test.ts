// Which topics patterns stand for, as a broker finds them: in small pieces, each name once, and no more than is allowed.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { advance, type ClusterImage, emptyImage } from '../../src/cluster/image.ts'
import { compilePattern } from '../../src/coordinator/group/regex.ts'
import { TopicPatterns, type TopicPatternsOptions } from '../../src/coordinator/group/topic-patterns.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'
import { topicImage } from '../partition/stage.ts'

/** The longest names there are, and a pattern that looks at a thousand places for each of their characters. */
const longNames = (count: number) => Array.from({ length: count }, (_, i) => `${'a'.repeat(246)}${100 + i}`)
const SLOW = `${'.*'.repeat(500)}x`
const stepsForName = compilePattern(SLOW).stepsFor(longNames(1)[0]!)

class Stage {
  readonly turns: (() => void)[] = []
  nowMs = 0
  image: ClusterImage = emptyImage('cluster')
  readonly patterns: TopicPatterns
  private count = 0

  constructor(topics: readonly string[], options: Omit<TopicPatternsOptions, 'clock'> = {}) {
    this.patterns = new TopicPatterns({
      clock: { endOfTurn: (wake) => this.turns.push(wake), monotonicMs: () => this.nowMs },
      ...options,
    })
    this.create(...topics)
  }

  create(...names: string[]): void {
    const topics = names.map((name) => topicImage(name, { id: `id-${++this.count}` }))
    this.image = advance(this.image, { topics })
  }

  delete(...names: string[]): void {
    this.image = advance(this.image, {
      deletedTopicIds: names.map((name) => this.image.topics.get(name)!.id),
    })
  }

  /** `a b c`, `nothing`, or `not yet`. */
  ask(pattern: string): string {
    const topics = this.patterns.resolveNew(pattern, this.image.topics)
    return topics === undefined ? 'not yet' : [...topics].join(' ') || 'nothing'
  }

  /** One turn of the event loop; how many steps it took. */
  turn(): number {
    const before = this.patterns.steps
    for (const wake of this.turns.splice(0)) wake()
    return this.patterns.steps - before
  }

  /** Turns until there is nothing left to do; how many steps each took. */
  turnAll(): number[] {
    const steps: number[] = []
    while (this.turns.length > 0) steps.push(this.turn())
    return steps
  }
}

describe('the topics of a pattern', () => {
  test('are known at once, in order, if there is little to do', () => {
    const stage = new Stage(['b2', 'b1', 'a'])
    assert.equal(stage.ask('b.*'), 'b1 b2')
    assert.equal(stage.ask('c'), 'nothing')
    assert.equal(stage.patterns.queued, 0)
  })

  test('are known at once for a usual pattern and some thousands of topics', () => {
    const topics = Array.from({ length: 2000 }, (_, i) => `orders-${i % 7}.region-${i}`)
    const pattern = '(?:orders|payments|shipments|invoices)-(?:[0-3]|x+)[.]region-.*(?:-retry|5)'
    const wanted = topics.filter((name) => new RegExp(`^${pattern}$`).test(name)).sort()
    assert.equal(new Stage(topics).ask(pattern), wanted.join(' '))
  })

  test('of a pattern that takes long are known some turns later', () => {
    const stage = new Stage([...longNames(5), 'x'], { stepsPerTurn: 2 * stepsForName })
    assert.equal(stage.ask(SLOW), 'not yet')
    stage.turn()
    assert.equal(stage.ask(SLOW), 'not yet')
    stage.turnAll()
    assert.equal(stage.ask(SLOW), 'x')
  })

  test('follow topics that come and go, and each name is looked at once', () => {
    const stage = new Stage(longNames(5))
    stage.ask(SLOW)
    stage.turnAll()
    const before = stage.patterns.steps
    stage.create('x', 'yx', 'z')
    assert.equal(stage.ask(SLOW), 'x yx')
    stage.delete('x', longNames(1)[0]!)
    assert.equal(stage.ask(SLOW), 'yx')
    stage.create('x')
    assert.equal(stage.ask(SLOW), 'x yx')
    assert.equal(stage.ask(SLOW), 'x yx')
    assert.ok(stage.patterns.steps - before < 2 * stepsForName, 'only short names, and compiling')
  })

  test('come and go while it is at work', () => {
    const stage = new Stage([...longNames(4), 'x'], { stepsPerTurn: stepsForName })
    stage.ask(SLOW)
    stage.turn()
    stage.delete(longNames(4)[3]!, 'x')
    stage.create('xx')
    assert.equal(stage.ask(SLOW), 'not yet')
    stage.turnAll()
    assert.equal(stage.ask(SLOW), 'xx')
  })

  test('are those that match, whatever came and went and however small the pieces', () => {
    const name = fc.constantFrom('a', 'ab', 'abc', 'b', 'bc', 'c', 'ca')
    const event = fc.oneof(
      fc.record({ kind: fc.constant('create' as const), name }),
      fc.record({ kind: fc.constant('delete' as const), name }),
      fc.record({ kind: fc.constant('ask' as const), name: fc.constantFrom('a.*', '.*c', '[ab]+', 'b') }),
      fc.constant({ kind: 'turn' as const, name: '' }),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 2000 }), (events, steps) => {
        const stage = new Stage([], { stepsPerTurn: steps, mostKnown: 3, mostQueued: 2, mostNames: 8 })
        for (const { kind, name } of events) {
          const exists = stage.image.topics.has(name)
          if (kind === 'create' && !exists) stage.create(name)
          if (kind === 'delete' && exists) stage.delete(name)
          if (kind === 'turn') stage.turn()
          if (kind !== 'ask') continue
          const topics = stage.patterns.resolve(name, stage.image.topics)
          const wanted = [...stage.image.topics.keys()].filter((topic) =>
            new RegExp(`^(${name})$`).test(topic),
          )
          if (topics !== undefined) assert.deepEqual([...topics], wanted.sort())
        }
        stage.turnAll()
        for (const pattern of ['a.*', '.*c']) {
          stage.ask(pattern)
          stage.turnAll()
          assert.notEqual(stage.ask(pattern), 'not yet')
        }
      }),
    )
  })
})

describe('a pattern that cannot be read', () => {
  test('is an error of who asks, and nothing is kept of it', () => {
    const stage = new Stage(['a'], { stepsPerTurn: 1 })
    stage.ask('slow')
    for (const wrong of ['(', 'a'.repeat(5000)]) {
      assert.throws(
        () => stage.ask(wrong),
        (error) => error instanceof KafkaError && error.error === errors.INVALID_REGULAR_EXPRESSION,
      )
    }
    assert.equal(stage.patterns.size, 1)
  })
})

describe('a turn of the event loop', () => {
  test('has as many steps in the background as are allowed, or one name', () => {
    const stage = new Stage(longNames(30), { stepsPerTurn: 5 * stepsForName })
    stage.ask(SLOW)
    const slices = stage.turnAll()
    assert.ok(Math.max(...slices) <= 5 * stepsForName, `${slices}`)
    // Five names at a time; compiling takes part of what whoever asks and the first turn have.
    assert.deepEqual(slices.length, 6)
    assert.equal(stage.ask(SLOW), 'nothing')

    const tight = new Stage(longNames(3), { stepsPerTurn: 10 })
    assert.equal(tight.ask(SLOW), 'not yet')
    const names = tight.turnAll().map((steps) => Math.floor(steps / stepsForName))
    assert.deepEqual(names, [1, 1, 1])
  })

  test('has as many for all who ask in it together', () => {
    const stage = new Stage(longNames(10), { stepsPerTurn: 3 * stepsForName })
    for (let i = 0; i < 50; i++) assert.equal(stage.ask(`${SLOW}${i}`), 'not yet')
    const compiling = 50 * compilePattern(`${SLOW}10`).steps
    assert.ok(stage.patterns.steps <= compiling + 3 * stepsForName, `${stage.patterns.steps}`)
  })

  test('reads nothing more of what groups have already when its steps are used up', () => {
    const stage = new Stage(longNames(10), { stepsPerTurn: stepsForName })
    stage.ask(SLOW)
    stage.ask(`${SLOW}y`)
    const before = stage.patterns.steps
    for (let i = 0; i < 50; i++) {
      assert.equal(stage.patterns.resolve(`${SLOW}${i}`, stage.image.topics), undefined)
    }
    assert.ok(stage.patterns.steps - before < 7 * compilePattern(SLOW).steps)
  })

  test('counts what it takes to put many names in order', () => {
    const topics = Array.from({ length: 1000 }, (_, i) => `t${i}`)
    const stage = new Stage(topics, { stepsPerTurn: 45_000 })
    // To look at them takes less.
    assert.equal(stage.ask('t.*'), 'not yet')
    stage.turn()
    assert.equal(stage.ask('t.*').split(' ').length, 1000)
    stage.delete('t5')
    assert.equal(stage.ask('t.*').split(' ').length, 999)
    stage.delete('t6')
    stage.ask('x')
    assert.equal(stage.ask('t.*'), 'not yet', 'others have asked in this turn')
    stage.turnAll()
    assert.equal(stage.ask('t.*').split(' ').length, 998)
  })

  test('leaves usual patterns their part while slow ones are at work', () => {
    const stage = new Stage([...longNames(100), 'x'], { stepsPerTurn: 30 * stepsForName })
    stage.ask(SLOW)
    stage.turn()
    assert.equal(stage.ask('x.*'), 'x')
  })

  test('goes to one slow pattern after the other', () => {
    const stage = new Stage(longNames(40), { stepsPerTurn: stepsForName })
    const faster = `${'.*'.repeat(130)}x`
    stage.ask(SLOW)
    stage.ask(faster)
    for (let turn = 0; turn < 32; turn++) stage.turn()
    assert.equal(stage.ask(faster), 'nothing')
    assert.equal(stage.patterns.queued, 1, 'the first is not done')
    stage.turnAll()
    assert.equal(stage.ask(SLOW), 'nothing')
  })
})

describe('the work in the background', () => {
  test('ends when the broker is closed', () => {
    const stage = new Stage(longNames(10), { stepsPerTurn: stepsForName })
    stage.ask(SLOW)
    stage.turn()
    stage.patterns.close()
    assert.equal(stage.turn(), 0)
    assert.equal(stage.turns.length, 0, 'nothing waits for another turn')
    assert.equal(stage.ask(SLOW), 'not yet')
    assert.equal(stage.turns.length, 0)
  })

  test('is left where it is when nobody asks any more, and goes on from there', () => {
    const stage = new Stage(longNames(10), { stepsPerTurn: stepsForName })
    stage.ask(SLOW)
    for (let turn = 0; turn < 5; turn++) stage.turn()
    stage.nowMs += 60_001
    assert.equal(stage.turn(), 0)
    assert.equal(stage.patterns.queued, 0)
    assert.equal(stage.turns.length, 0)
    stage.ask(SLOW)
    assert.ok(stage.turnAll().length <= 6)
    assert.equal(stage.ask(SLOW), 'nothing')
  })

  test('has room for so many patterns; the others come later', () => {
    const stage = new Stage(longNames(3), { stepsPerTurn: 10, mostQueued: 2 })
    const patterns = ['a', 'b', 'c'].map((end) => `${SLOW}${end}`)
    for (const pattern of patterns) stage.ask(pattern)
    assert.equal(stage.patterns.queued, 2)
    stage.turnAll()
    assert.deepEqual(
      patterns.map((pattern) => stage.ask(pattern)),
      ['nothing', 'nothing', 'not yet'],
    )
    stage.turnAll()
    assert.equal(stage.ask(patterns[2]!), 'nothing')
  })
})

describe('what is remembered', () => {
  test('are the patterns that were asked for last', () => {
    const stage = new Stage(['a', 'b', 'c'], { mostKnown: 3 })
    for (const pattern of ['a', 'b', 'c', 'a', '.']) stage.ask(pattern)
    assert.equal(stage.patterns.size, 3)
    const before = stage.patterns.steps
    for (const pattern of ['c', 'a', '.']) stage.ask(pattern)
    assert.equal(stage.patterns.steps, before, 'nothing has to be looked at again')
    stage.ask('b')
    assert.ok(stage.patterns.steps > before)
  })

  test('is what the background is at, whatever else is asked for', () => {
    const stage = new Stage([...longNames(3), 'x'], { mostKnown: 2, stepsPerTurn: 3 * stepsForName })
    stage.ask(SLOW)
    for (let i = 0; i < 10; i++) stage.ask(`y${i}`)
    stage.turnAll()
    assert.equal(stage.ask(SLOW), 'x')
    assert.equal(stage.patterns.size, 2)
  })

  test('has so many names of topics, but for the pattern that was asked for last', () => {
    const stage = new Stage(['a1', 'a2', 'b1', 'b2', 'b3'], { mostNames: 4 })
    stage.ask('a.')
    stage.ask('b1')
    assert.equal(stage.patterns.size, 2)
    assert.equal(stage.ask('.+'), 'a1 a2 b1 b2 b3')
    assert.equal(stage.patterns.size, 1)
    stage.ask('b1')
    assert.equal(stage.patterns.size, 1)
  })
})
