// Reading source text: what is code, what is a comment, what is a text.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { sourceFile } from './source-file.ts'

/** A paragraph sign stands for the dollar of a substitution, so that these texts are plain ones to the linter. */
const code = (text: string) => sourceFile('x.ts', text.replaceAll('§', '$')).code.join('\n')
const uncommented = (text: string) => sourceFile('x.ts', text).uncommented.join('\n')

describe('source text', () => {
  test('comments are blanked, line ends stay', () => {
    assert.equal(uncommented("a // b\nc /* d\ne */ f 'g // h'"), "a     \nc     \n     f 'g // h'")
    assert.equal(uncommented('a /* open'), 'a        ')
  })

  test('the insides of strings and regular expressions are blanked', () => {
    assert.equal(code('x(\'a"b\\\'c\', "d")'), 'x(\'      \', " ")')
    assert.equal(code('x = /[/\'"]/g.test(y)'), 'x = /     /g.test(y)')
    assert.equal(code('a / b / c'), 'a / b / c')
    assert.equal(code('return /a/'), 'return / /')
  })

  test('of templates what they embed is code, at any depth', () => {
    assert.equal(code('`a§{b}c` + d'), '`  {b} ` + d')
    assert.equal(code('`a§{b + `c§{d}e` + f}g` + h'), '`  {b + `  {d} ` + f} ` + h')
    assert.equal(code('`a§{ {b: 1}.b }c` + d'), '`  { {b: 1}.b } ` + d')
    assert.equal(code('`}\n{` + a'), '` \n ` + a')
  })
})
