// The habits of CONTRIBUTING.md, held against every file of the repository; each rule also against a sample that breaks it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { injectedOnly, noLeftOvers, noPlaces, noSkippedTests, tellingNames } from './banned-rules.ts'
import { importDirection } from './import-rules.ts'
import { headerComment, kebabCase, shortFiles, shortFunctions } from './shape-rules.ts'
import { type Rule, type SourceFile, sourceFile, sourceFiles, type Violation } from './source-file.ts'

const source = sourceFiles(['src'], /\.ts$/)
const scripts = sourceFiles(['scripts', 'bench'], /\.(ts|mjs)$/)
const tests = sourceFiles(['test'], /\.ts$/)
const program = [...source, ...scripts, ...tests]
/** Everything people read: code of all languages, documentation, settings of tools. */
const texts = sourceFiles(
  [
    'src',
    'test',
    'bench',
    'scripts',
    'docs',
    '.ci',
    'README.md',
    'CONTRIBUTING.md',
    'CHANGELOG.md',
    'package.json',
    'package-lock.json',
    'biome.json',
    '.gitignore',
  ],
  /./,
)

function assertTidy(rule: Rule, files: readonly SourceFile[]): void {
  assert.ok(files.length > 0, 'the rule has no file to look at')
  const found = files.flatMap(rule).map(({ path, line, message }) => `${path}:${line} ${message}`)
  assert.equal(found.length, 0, `\n${found.join('\n')}\n`)
}

/** The lines that a rule finds fault with in a text that would lie at `path`. */
function faults(rule: Rule, path: string, text: string): number[] {
  return rule(sourceFile(path, text)).map(({ line }: Violation) => line)
}

describe('tidy', () => {
  test('imports go only to the layers below', () => {
    assertTidy(importDirection, source)
    const canary = (path: string, target: string) =>
      faults(importDirection, path, `\nimport { x } from '${target}'`)
    assert.deepEqual(canary('src/lib/clock.ts', '../wire/reader.ts'), [2])
    assert.deepEqual(canary('src/api/fetch.ts', '../net/connection.ts'), [2])
    assert.deepEqual(canary('src/log/log.ts', '../partition/isr.ts'), [2])
    assert.deepEqual(canary('src/cli/start.ts', '../log/log.ts'), [2])
    assert.deepEqual(canary('src/wire/apis/fetch.ts', '../../config/keys.ts'), [2])
    assert.deepEqual(canary('src/newcomer/x.ts', '../lib/clock.ts'), [2])
    assert.deepEqual(canary('src/api/fetch.ts', '../log/log'), [2])
    assert.deepEqual(canary('src/api/fetch.ts', '../log/log.ts'), [])
    assert.deepEqual(canary('src/wire/apis/fetch.ts', '../schema.ts'), [])
    assert.deepEqual(canary('src/broker.ts', './net/listeners.ts'), [])
    assert.deepEqual(canary('src/cli/start.ts', '../index.ts'), [])
    const shapes =
      "export * from '../api/x.ts'\nconst y = await import('../api/x.ts')\n// from '../api/x.ts'\n} from '../api/x.ts'"
    assert.deepEqual(faults(importDirection, 'src/lib/x.ts', shapes), [1, 2, 4])
  })

  test('time, chance, disk and network come in from outside', () => {
    assertTidy(injectedOnly, source)
    const canary = (path: string, text: string) => faults(injectedOnly, path, text)
    const ways = [
      'Date.now()',
      'new Date()',
      'performance.now()',
      'process.hrtime.bigint()',
      'setTimeout(f, 1)',
      'globalThis.setInterval(f, 1)',
      'setImmediate(f)',
      'setTimeout',
      'Math.random()',
      'randomUUID()',
      "import { open } from 'node:fs/promises'",
      "import fs from 'fs'",
      "const net = require('node:net')",
      "import { setTimeout } from 'node:timers/promises'",
      "import { Worker } from 'node:worker_threads'",
    ]
    for (const way of ways) assert.ok(canary('src/log/log.ts', `\n${way}`).includes(2), way)
    assert.deepEqual(
      canary(
        'src/log/log.ts',
        "// Date.now()\nconst x = 'setTimeout(1)'\nnew Date(0)\n`Math.random`\nsocket.setTimeout(1)",
      ),
      [],
    )
    assert.deepEqual(canary('src/log/log.ts', '`now §{Date.now()}`'.replace('§', '$')), [1])
    assert.deepEqual(canary('src/lib/clock.ts', 'Date.now(); setTimeout(f, 1)'), [])
    assert.deepEqual(canary('src/lib/files/system-files.ts', "import fs from 'node:fs'"), [])
    assert.deepEqual(canary('src/cli/start.ts', "import { readFileSync } from 'node:fs'"), [])
    assert.deepEqual(canary('src/lib/clock.ts', "import fs from 'node:fs'"), [1])
  })

  test('files have at most 400 lines', () => {
    assertTidy(shortFiles, program)
    assert.deepEqual(faults(shortFiles, 'src/x.ts', 'x\n'.repeat(401)), [401])
    assert.deepEqual(faults(shortFiles, 'src/x.ts', 'x\n'.repeat(400)), [])
  })

  test('functions have at most 70 lines', () => {
    assertTidy(shortFunctions, [...source, ...scripts])
    const body = (lines: number, indent = '') => `${indent}  x()\n`.repeat(lines)
    const wrong = [
      `export function f(): void {\n${body(69)}}\n`,
      `export async function* f(\n  a: number,\n): void {\n${body(67)}}\n`,
      `const f = async (a: number) => {\n${body(69)}}\n`,
      `test('x', () => {\n${body(69)}})\n`,
      `class A {\n  private async f(a: B<C>): Promise<void> {\n${body(69, '  ')}  }\n}\n`,
      `class A {\n  constructor(\n    a: number,\n  ) {\n${body(67, '  ')}  }\n}\n`,
    ]
    for (const text of wrong)
      assert.equal(faults(shortFunctions, 'src/x.ts', text).length, 1, text.slice(0, 80))
    const right = [
      `export function f(): void {\n${body(68)}}\n`,
      `class A {\n${body(100)}}\n`,
      `const table = {\n${body(100)}}\n`,
      `function f() {\n  x()\n}\nif (a) {\n${body(100)}}\n`,
      `function f() {\n  return \`\n}\n${body(65)}\`\n}\n`,
    ]
    for (const text of right)
      assert.deepEqual(faults(shortFunctions, 'src/x.ts', text), [], text.slice(0, 80))
  })

  test('every source file opens by saying what it is', () => {
    assertTidy(headerComment, source)
    assert.deepEqual(faults(headerComment, 'src/x.ts', "import x from 'y'\n// late"), [1])
    assert.deepEqual(faults(headerComment, 'src/x.ts', '#!/usr/bin/env node\nconst x = 1'), [2])
    assert.deepEqual(faults(headerComment, 'src/x.ts', '//\n// late'), [1])
    assert.deepEqual(faults(headerComment, 'src/x.ts', '#!/usr/bin/env node\n// what\n// promise\n'), [])
  })

  test('file names are kebab-case', () => {
    assertTidy(kebabCase, program)
    assert.deepEqual(faults(kebabCase, 'src/log/OffsetIndex.ts', ''), [1])
    assert.deepEqual(faults(kebabCase, 'src/log/offset_index.ts', ''), [1])
    assert.deepEqual(faults(kebabCase, 'test/log/offset-index.test.ts', ''), [])
  })

  test('names say what a thing is', () => {
    assertTidy(tellingNames, program)
    const hollow = [
      'class LogManager {',
      'const utils = 1',
      'function fooHelper() {',
      'interface FilesImpl {',
      'type X = 1; class AService {',
    ]
    for (const text of hollow) assert.deepEqual(faults(tellingNames, 'src/x.ts', text), [1], text)
    assert.deepEqual(faults(tellingNames, 'src/log-helpers.ts', ''), [1])
    assert.deepEqual(faults(tellingNames, 'src/utils/x.ts', ''), [1])
    const telling =
      "const implied = 1\nclass Implementation {\n// class LogManager\nconst utility = 'LogManager'\nnew KafkaManager()"
    assert.deepEqual(faults(tellingNames, 'src/implicit.ts', telling), [])
  })

  test('nothing is left over', () => {
    assertTidy(
      noLeftOvers,
      texts.filter(({ path }) => path !== 'package-lock.json'),
    )
    assert.deepEqual(faults(noLeftOvers, 'src/x.ts', `x\n// ${'TO' + 'DO'} later`), [2])
    assert.deepEqual(faults(noLeftOvers, 'docs/x.md', `${'FIX' + 'ME'}: x`), [1])
  })

  test('the repository names no machine and nothing beside it', () => {
    assertTidy(noPlaces, texts)
    const places = ['in /ro' + 'ot/.m2', '/ho' + 'me/me/x', 'see ../sha' + 'red/design']
    for (const text of places) assert.deepEqual(faults(noPlaces, 'docs/x.md', `x\n${text}`), [2], text)
    assert.deepEqual(
      faults(noPlaces, 'docs/x.md', 'https://kafka.apache.org/home/x and src/root/y and /homes/'),
      [],
    )
  })

  test('every test runs', () => {
    assertTidy(noSkippedTests, tests)
    const ways = [
      'test.sk' + 'ip(1)',
      'describe.on' + 'ly(1)',
      'it.to' + 'do(1)',
      "test('x', { sk" + 'ip: true }, f)',
      't.sk' + 'ip()',
    ]
    for (const text of ways) assert.deepEqual(faults(noSkippedTests, 'test/x.test.ts', text), [1], text)
    assert.deepEqual(faults(noSkippedTests, 'test/interop/x.test.ts', 't.sk' + "ip('no Go here')"), [])
    assert.deepEqual(faults(noSkippedTests, 'test/x.test.ts', '// test.skip\nskip(3)'), [])
  })
})
