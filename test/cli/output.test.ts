// Tables for people and for pipes, numbers in words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { bytesText, counted, table } from '../../src/cli/output.ts'

const headings = ['TOPIC', 'COUNT']
const rows = [
  ['a', 5],
  ['long-name', null],
] as const

test('a drawn table has aligned columns, numbers to the right, and no spaces at the ends of lines', () => {
  const lines = stripVTControlCharacters(table(headings, rows, true)).split('\n')
  assert.deepEqual(lines, ['TOPIC      COUNT', 'a              5', 'long-name      -', ''])
})

test('a piped table is tab-separated, whatever is in its cells', () => {
  assert.equal(table(headings, rows, false), 'TOPIC\tCOUNT\na\t5\nlong-name\t-\n')
  assert.equal(table(['A'], [['x\ty\nz\\']], false), 'A\nx\\ty\\nz\\\\\n')
})

test('a table without rows is its headings', () => {
  assert.equal(table(headings, [], false), 'TOPIC\tCOUNT\n')
  assert.match(table(headings, [], true), /TOPIC/)
})

test('bytes and counts in words', () => {
  assert.deepEqual([0, 1023, 1024, 1536 * 1024, 2 ** 50].map(bytesText), [
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 MiB',
    '1024.0 TiB',
  ])
  assert.deepEqual(
    [0, 1, 12345].map((n) => counted(n, 'record')),
    ['0 records', '1 record', '12,345 records'],
  )
})

test('what would move the cursor is shown by its number', () => {
  assert.match(table(['A'], [['x\u001b[2J\u0007\n']], true), /x\\x1b\[2J\\x07\\x0a/)
})

test('no line ends in blanks, the bold headings neither', () => {
  for (const line of table(['A', 'B'], [['x', 'y'.repeat(50)]], true).split('\n')) {
    assert.equal(stripVTControlCharacters(line), stripVTControlCharacters(line).trimEnd())
  }
})
