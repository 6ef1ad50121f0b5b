// The judge of groups judged: each thing that a group must not do is found, and nothing else is.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Expected, GroupHistory, parseEvent } from './group-history.ts'

const expected = (end: number, more: Partial<Expected> = {}): Expected => ({
  ends: new Map([['t-0', end]]),
  hasGenerations: true,
  ...more,
})

/** `10 assigned a 1 t-0`: blanks for tabs; `10 record a t-0 0` gets the value that is due. */
function problemsOf(script: string, expectation: Expected = expected(0)): string[] {
  const history = new GroupHistory()
  for (const line of script.trim().split('\n')) {
    const words = line.trim().split(' ')
    if (words[1] === 'killed') {
      history.add({ atMs: Number(words[0]), kind: 'killed', member: words[2]!, partitions: [] })
      continue
    }
    if (words[1] === 'record' && words.length === 5) words.push(`${words[3]} ${words[4]}`)
    history.add(parseEvent(words.join('\t'), 0))
  }
  return history.problems(expectation)
}

describe('a group that does what it should', () => {
  test('hands a partition on after it was revoked, at what was committed', () => {
    const script = `
      1 ready a
      2 assigned a 1 t-0
      3 record a t-0 0
      4 record a t-0 1
      5 committed a t-0:2
      6 revoked a 1 t-0
      6 assigned b 2 t-0
      7 record b t-0 2
      8 left b`
    assert.deepEqual(problemsOf(script, expected(3)), [])
  })

  test('reads again what was not committed when a member was killed', () => {
    const script = `
      1 assigned a 1 t-0
      2 record a t-0 0
      3 killed a
      4 assigned b 2 t-0
      5 record b t-0 0`
    assert.deepEqual(problemsOf(script, expected(1)), [])
  })

  test('may give a partition to somebody else before its owner knows that it was lost', () => {
    assert.deepEqual(problemsOf('1 assigned a 1 t-0\n2 assigned b 2 t-0\n3 lost a - t-0'), [])
  })

  test('gives a static member that comes back its partitions, in the same generation', () => {
    const script = '1 assigned a 1 t-0\n2 revoked a 1 t-0\n3 assigned b 1 t-0'
    const instances = new Map([
      ['a', 'i'],
      ['b', 'i'],
    ])
    assert.deepEqual(problemsOf(script, expected(0, { instances })), [])
    assert.match(problemsOf(script)[0]!, /t-0 in generation 1: was given to a and to b/)
  })
})

describe('what is found', () => {
  const cases: [what: string, script: string, problem: RegExp, end?: number][] = [
    ['two owners', '1 assigned a 1 t-0\n2 assigned b 2 t-0\n3 revoked a 1 t-0', /t-0: b got it at 2 while a/],
    ['two owners from one moment on', '1 assigned a 1 t-0\n1 assigned b 2 t-0', /t-0: b got it at 1 while a/],
    ['a record of a partition of others', '1 record a t-0 0', /record 0 of t-0, which it did not have/],
    ['a record left out', '1 assigned a 1 t-0\n2 record a t-0 1', /1 of 2 records were read by nobody/, 2],
    ['a gap', '1 assigned a 1 t-0\n2 record a t-0 0\n3 record a t-0 2', /record 2 of t-0 where 1 was due/],
    ['another value', '1 assigned a 1 t-0\n2 record a t-0 0 other', /record 0 of t-0 is 'other'/],
    [
      'a generation that goes back',
      '1 assigned a 2 t-0\n2 revoked a 2 t-0\n3 assigned a 1 t-0',
      /generation 1 after 2/,
    ],
    ['a partition given twice', '1 assigned a 1 t-0\n2 assigned a 1 t-0', /which it had already/],
    ['a partition taken that was not there', '1 revoked a 1 t-0', /revoked t-0, which it did not have/],
    [
      'a position below what was committed',
      '1 assigned a 1 t-0\n2 committed a t-0:5\n3 revoked a 1 t-0\n4 assigned b 2 t-0\n5 record b t-0 4',
      /b: began t-0 at 4, though a had committed 5 before/,
    ],
  ]
  for (const [what, script, problem, end = 0] of cases) {
    test(what, () => {
      assert.match(problemsOf(script, expected(end)).join('\n'), problem)
    })
  }

  test('lines in another form', () => {
    assert.throws(() => parseEvent('1\tassigned', 0), /without a member/)
    assert.throws(() => parseEvent('1\tother\ta', 0), /not in the form agreed on/)
    assert.throws(() => parseEvent('1\trecord\ta\tt-0', 0), /not in the form agreed on/)
  })
})

test('a line without a time has that of its arrival, and a generation that is not told is none', () => {
  assert.deepEqual(parseEvent('assigned\ta\t-\tt-0,t-1', 7), {
    atMs: 7,
    kind: 'assigned',
    member: 'a',
    partitions: ['t-0', 't-1'],
  })
  assert.deepEqual(
    parseEvent('8.25\tcommitted\ta\tt-0:3,u-1:4', 7).offsets,
    new Map([
      ['t-0', 3],
      ['u-1', 4],
    ]),
  )
})
