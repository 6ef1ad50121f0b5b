// Offsets in files: what is written is read again, and what is wrong is named with its line.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { offsetsText, parseOffsets } from '../../../src/cli/groups/offsets-file.ts'

test('lines with and without a group, quotes, blank lines, Windows line ends', () => {
  assert.deepEqual(parseOffsets('orders,0,10\r\n\norders,1,0\n', 'f'), [
    { groupId: undefined, topic: 'orders', partition: 0, offset: 10 },
    { groupId: undefined, topic: 'orders', partition: 1, offset: 0 },
  ])
  assert.deepEqual(parseOffsets('"a ""b"", c",orders,2,7', 'f'), [
    { groupId: 'a "b", c', topic: 'orders', partition: 2, offset: 7 },
  ])
})

test('what is written for any groups is read again', () => {
  const name = fc.string({ minLength: 1 }).filter((text) => !/[\r\n]/.test(text))
  const rows = fc.uniqueArray(fc.record({ topic: name, partition: fc.nat(), offset: fc.nat() }), {
    selector: ({ topic, partition }) => `${topic} ${partition}`,
    minLength: 1,
    maxLength: 5,
  })
  const groups = fc.uniqueArray(fc.tuple(name, rows), { selector: ([groupId]) => groupId, minLength: 2 })
  fc.assert(
    fc.property(groups, (given) => {
      const read = parseOffsets(offsetsText(new Map(given)), 'f')
      assert.deepEqual(
        read,
        given.flatMap(([groupId, own]) => own.map((row) => ({ groupId, ...row }))),
      )
    }),
  )
})

test('a wrong line is named', () => {
  const wrong: [string, RegExp][] = [
    ['', /f has no lines/],
    ['orders,0,1\norders,0', /f line 2: expected topic,partition,offset/],
    ['orders,x,1', /f line 1: expected/],
    ['orders,0,-1', /f line 1: expected/],
    ['orders,0,1.5', /f line 1: expected/],
    ['"orders,0,1', /f line 1: expected/],
    ['a,b,orders,0,1', /f line 1: expected/],
    ['orders,0,1\n\norders,0,2', /f line 3: orders-0 has a line already/],
  ]
  for (const [text, message] of wrong) assert.throws(() => parseOffsets(text, 'f'), message, text)
})
