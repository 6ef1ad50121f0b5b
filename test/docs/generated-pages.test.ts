// The generated pages of docs/ are what the tables in the source say now.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { absentApis } from '../../scripts/absent-apis.ts'
import { table } from '../../scripts/config-page.ts'
import { generatedPages } from '../../scripts/generate-docs.ts'
import { brokerKeyGroups } from '../../src/config/broker-keys.ts'
import { brokerRows, topicRows } from '../../src/config/keys.ts'
import { apis } from '../../src/wire/apis/index.ts'

describe('generated documentation', () => {
  for (const [path, text] of generatedPages()) {
    test(`${path} is up to date (npm run docs)`, () => {
      assert.equal(readFileSync(path, 'utf8'), text)
    })
  }

  test('every broker setting stands in exactly one group', () => {
    const grouped = brokerKeyGroups.flatMap(([, rows]) => Object.keys(rows))
    assert.deepEqual([...grouped].sort(), [...brokerRows.keys()].sort())
  })

  test('the page of settings has a row for every setting', () => {
    const page = generatedPages().get('docs/config.md')!
    for (const name of [...brokerRows.keys(), ...topicRows.keys()]) {
      assert.ok(page.includes(`\n| \`${name}\` |`), name)
    }
  })

  test('every API key from 0 to 92 is either declared or listed as absent, never both', () => {
    const keys = [...apis.keys(), ...absentApis.map(({ key }) => key)]
    assert.deepEqual(
      keys.sort((one, other) => one - other),
      Array.from({ length: 93 }, (_, key) => key),
    )
  })

  test('defaults are told in words, and where they come from another setting', () => {
    const page = generatedPages().get('docs/config.md')!
    const rowOf = (name: string) => page.split('\n').find((line) => line.startsWith(`| \`${name}\` |`)) ?? ''
    assert.ok(rowOf('log.retention.ms').includes('| that of `log.retention.minutes` |'))
    assert.ok(rowOf('retention.ms').includes('| `604800000` (7 d) |'))
    assert.ok(rowOf('log.segment.bytes').includes('| `1073741824` (1 GiB) |'))
    assert.ok(rowOf('max.message.bytes').includes('| `1048588` |'))
    assert.ok(rowOf('flush.ms').includes('| 2⁶³−1 (never) |'))
  })

  test('a bar inside a cell does not end the cell', () => {
    assert.equal(table(['a'], [['b|c']]), '| a |\n| --- |\n| b\\|c |\n')
  })
})
