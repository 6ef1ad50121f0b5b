// The command line: help, exit codes, and what is said when it is wrong. Nothing here needs a broker.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { freePort } from '../support/probe.ts'
import { odradek } from './fake-io.ts'

const commands = [
  ['start'],
  ['topics'],
  ['topics', 'list'],
  ['topics', 'create'],
  ['topics', 'describe'],
  ['topics', 'delete'],
  ['topics', 'alter'],
  ['groups'],
  ['groups', 'list'],
  ['groups', 'describe'],
  ['groups', 'explain'],
  ['groups', 'reset-offsets'],
  ['groups', 'delete-offsets'],
  ['groups', 'delete'],
  ['produce'],
  ['consume'],
  ['perf'],
  ['perf', 'produce'],
  ['perf', 'consume'],
  ['dump-log'],
]

describe('help', () => {
  for (const words of commands) {
    test(`${words.join(' ')} --help has examples and exit code 0`, async () => {
      const { code, printed } = await odradek([...words, '--help'])
      assert.equal(code, 0)
      assert.match(printed, /^Usage: odradek /)
      assert.match(printed, new RegExp(`Examples:\\n  \\$ .*odradek ${words[0]}`))
      assert.doesNotMatch(printed, /default: (false|\[\]|\{\})/)
    })
  }

  test('the program lists its commands, `help COMMAND` shows one', async () => {
    const { printed } = await odradek(['--help'])
    for (const [name] of commands) assert.match(printed, new RegExp(`^  ${name} `, 'm'))
    assert.match((await odradek(['help', 'consume'])).printed, /--follow/)
  })

  test('--version prints the version of the package', async () => {
    const { code, printed } = await odradek(['--version'])
    assert.equal(code, 0)
    assert.match(printed, /^\d+\.\d+\.\d+\n$/)
  })
})

describe('a wrong call has exit code 2, prints nothing and says what would be right', () => {
  const wrong: [string, string[], RegExp][] = [
    ['no command', [], /Usage: odradek/],
    ['an unknown command', ['topic'], /unknown command 'topic'.*\(Did you mean topics\?\)/s],
    [
      'an unknown option',
      ['consume', 't', '--form-beginning'],
      /--form-beginning.*Did you mean --from-beginning/s,
    ],
    ['a missing argument', ['produce'], /missing required argument 'topic'/],
    ['too many arguments', ['produce', 'a', 'b'], /too many arguments/],
    [
      'a bad number',
      ['topics', 'create', 't', '--partitions', '0'],
      /--partitions 0: expected a whole number from 1 to/,
    ],
    ['a bad address', ['topics', 'list', '-b', 'x:y'], /expected host:port/],
    ['two beginnings', ['consume', 't', '--from-beginning', '--offset', '3'], /only one of/],
    ['an unknown part', ['consume', 't', '--show', 'key,size'], /size is not one of/],
    ['a bad time', ['consume', 't', '--timestamp', 'yesterday'], /ISO 8601/],
    ['a bad level', ['consume', 't', '--isolation', 'none'], /Allowed choices are read_committed/],
    ['JSON with a separator', ['produce', 't', '--json', '-k', ':'], /leave --key-separator/],
    ['nothing to alter', ['topics', 'alter', 't'], /nothing to alter/],
    ['a file that is no log file', ['dump-log', 'package.json'], /not a name of a log file/],
  ]
  for (const [what, words, reason] of wrong) {
    test(what, async () => {
      const { code, printed, noted } = await odradek(words)
      assert.equal(code, 2)
      assert.equal(printed, '')
      assert.match(noted, reason)
      assert.doesNotMatch(noted, /\n {4}at /, 'no stack trace')
    })
  }
})

describe('without a broker', () => {
  const calls = [
    ['topics', 'list'],
    ['consume', 't'],
    ['produce', 't'],
    ['perf', 'produce', 't'],
    ['perf', 'consume', 't'],
  ]
  for (const words of calls) {
    test(`${words.join(' ')} fails at once with exit code 1 and says how to start one`, async () => {
      const port = await freePort()
      const { code, noted } = await odradek([...words, '-b', `127.0.0.1:${port}`], { input: 'x\n' })
      assert.equal(code, 1)
      assert.equal(
        noted,
        `odradek: no broker at 127.0.0.1:${port}: connection refused; start one with \`odradek start\``,
      )
    })
  }
})
