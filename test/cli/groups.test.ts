// `odradek groups` against a broker in this process: what is shown, what is changed, and what is refused.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Broker, startBroker } from '../../src/index.ts'
import { odradek } from './fake-io.ts'
import { type Running, start } from './running.ts'

let broker: Broker
let directory = ''
before(async () => {
  broker = await startBroker({ port: 0, storage: 'memory' })
  directory = mkdtempSync(join(tmpdir(), 'odradek-groups-'))
})
after(async () => {
  await broker.close()
  rmSync(directory, { recursive: true, force: true })
})

async function run(words: string[], input = '', isTerminal = false) {
  return odradek([...words, '-b', broker.bootstrapServers], { input, isTerminal })
}

async function printed(words: string[], input = ''): Promise<string> {
  const result = await run(words, input)
  assert.equal(result.code, 0, result.noted)
  return result.printed
}

async function parsed<T>(words: string[]): Promise<T> {
  return JSON.parse(await printed([...words, '--json'])) as T
}

async function refused(words: string[], reason: RegExp, code = 1): Promise<void> {
  const result = await run(words)
  assert.match(result.noted, reason)
  assert.equal(result.code, code, result.noted)
  assert.equal(result.printed, '')
}

/** A topic of two partitions: ten records a second apart in the first one, none in the second. */
async function filled(topic: string): Promise<void> {
  await printed(['topics', 'create', topic, '-p', '2'])
  const lines = Array.from({ length: 10 }, (_, i) =>
    JSON.stringify({ value: `v${i}`, timestamp: Date.UTC(2026, 0, 1) + 1000 * i }),
  )
  await printed(['produce', topic, '-p', '0', '--json'], lines.join('\n'))
}

async function committed(group: string): Promise<Record<string, number>> {
  const [described] = await parsed<
    { partitions: { topic: string; partition: number; committedOffset: number }[] }[]
  >(['groups', 'describe', group])
  return Object.fromEntries(
    described!.partitions.map((row) => [`${row.topic}-${row.partition}`, row.committedOffset]),
  )
}

/** A member that stays until it is interrupted. */
async function member(topic: string, group: string, protocol: string): Promise<Running> {
  const words = ['consume', topic, '-g', group, '--protocol', protocol, '--from-beginning', '--follow']
  const running = start([...words, '-b', broker.bootstrapServers])
  await running.until(/v9/)
  return running
}

describe('list and describe', () => {
  for (const protocol of ['classic', 'consumer']) {
    test(`a ${protocol} group with a member: lag, members, state`, async () => {
      const topic = `shown-${protocol}`
      const group = `${protocol}-shown`
      await filled(topic)
      const running = await member(topic, group, protocol)
      // Commits follow within a second.
      while ((await committed(group))[`${topic}-0`] !== 10)
        await new Promise((resolve) => setTimeout(resolve, 50))
      assert.match(
        await printed(['groups', 'list']),
        new RegExp(
          `^GROUP\tTYPE\tSTATE\tPROTOCOL\tMEMBERS\tCOORDINATOR\n(.*\n)*${group}\t${protocol}\tStable\tconsumer\t1\t1\n`,
        ),
      )
      const text = await printed(['groups', 'describe', group])
      assert.match(text, new RegExp(`^group\t${group}\ntype\t${protocol}, (range|uniform)\nstate\tStable\n`))
      assert.match(text, /\nlag\t0\nTOPIC\tPARTITION\tCOMMITTED\tEND\tLAG\tMEMBER\tCLIENT\tHOST\n/)
      assert.match(text, new RegExp(`\n${topic}\t0\t10\t10\t0\t[^\t]+\todradek-cli\t127.0.0.1\n`))
      assert.match(text, new RegExp(`\n${topic}\t1\t(-\t0\t-|0\t0\t0)\t[^\t]+\todradek-cli\t127.0.0.1\n`))
      const members = await printed(['groups', 'describe', group, '--members'])
      assert.match(members, new RegExp(`\t-\todradek-cli\t127.0.0.1\t.*2\t${topic}:0-1\n`))
      assert.match(
        await printed(['groups', 'describe', group, '--state']),
        new RegExp(`\n${group}\t${protocol}\tStable\t(range\t-|uniform\t\\d+)\t1\t0\t127.0.0.1:\\d+\n`),
      )
      assert.equal(await running.interrupt(), 0)
      const list = await parsed<{ groupId: string; state: string; members: number }[]>(['groups', 'list'])
      const listed = list.find(({ groupId }) => groupId === group)
      assert.deepEqual([listed?.state, listed?.members], ['Empty', 0])
    })
  }

  test('filters by state and type, as loosely as Kafka takes them', async () => {
    await filled('filtered')
    await printed(['groups', 'reset-offsets', 'filtered', '-t', 'filtered', '--to-latest', '--execute'])
    const names = async (...words: string[]) =>
      (await parsed<{ groupId: string }[]>(['groups', 'list', ...words])).map(({ groupId }) => groupId)
    assert.ok((await names('--state', 'empty', '--type', 'Classic,consumer')).includes('filtered'))
    assert.ok(!(await names('--state', 'preparing_rebalance,Stable')).includes('filtered'))
    assert.ok(!(await names('--type', 'share')).includes('filtered'))
    await refused(['groups', 'list', '--state', 'asleep'], /'asleep' is not one of Stable, Empty/, 2)
  })

  test('a group that is not there: the nearest name, or some of those that are', async () => {
    await printed(['groups', 'reset-offsets', 'billing', '-t', 'filtered', '--to-latest', '--execute'])
    await refused(['groups', 'describe', 'bilings'], /group bilings does not exist; did you mean billing\?/)
    await refused(
      ['groups', 'describe', 'zzzzzzzzz'],
      /group zzzzzzzzz does not exist; those that do: .*billing/,
    )
  })

  test('an offset of a topic that is gone is shown without an end', async () => {
    await filled('leaving')
    await printed(['groups', 'reset-offsets', 'leaving', '-t', 'leaving:0', '--to-latest', '--execute'])
    await printed(['topics', 'delete', 'leaving'])
    const text = await printed(['groups', 'describe', 'leaving'])
    // The offset may go along with the topic.
    assert.match(text, /leaving\t0\t10\t-\t-\t-\t-\t-\n|nothing committed/)
  })

  test('on a terminal the table is drawn, and names cannot move the cursor', async () => {
    const { printed: text } = await run(['groups', 'describe', 'billing'], '', true)
    assert.match(text, /^group: billing\ntype: classic\nstate: Empty\n/)
    await printed(['groups', 'reset-offsets', 'evil\u001b[2J', '-t', 'filtered', '--to-latest', '--execute'])
    const { printed: list } = await run(['groups', 'list'], '', true)
    assert.match(list, /evil\\x1b\[2J/)
    await printed(['groups', 'delete', 'evil\u001b[2J'])
  })
})

describe('reset-offsets', () => {
  const reset = (group: string, ...words: string[]) => ['groups', 'reset-offsets', group, ...words]

  test('shows what it would do and does nothing; with --execute it does it', async () => {
    await filled('plan')
    const words = reset('plan', '-t', 'plan', '--to-offset', '4')
    const dry = await run(words)
    assert.equal(dry.code, 0)
    assert.match(
      dry.printed,
      /^GROUP\tTOPIC\tPARTITION\tBEFORE\tNEW\tCHANGE\tOLDEST\tEND\nplan\tplan\t0\t-\t4\t-\t0\t10\n/,
    )
    assert.match(dry.noted, /plan-1: offset 4 is beyond the end; set to the end, 0/)
    assert.match(dry.noted, /group plan does not exist; --execute makes it\nnothing was changed; --execute/)
    await refused(['groups', 'describe', 'plan'], /group plan does not exist/)
    assert.match((await run([...words, '--execute'])).noted, /2 offsets committed/)
    assert.deepEqual(await committed('plan'), { 'plan-0': 4, 'plan-1': 0 })
    const again = await printed(reset('plan', '-t', 'plan:0', '--shift-by', '-1'))
    assert.match(again, /plan\tplan\t0\t4\t3\t-1\t0\t10\n$/)
  })

  test('every mode', async () => {
    await filled('modes')
    const at = async (...words: string[]) => {
      await printed(reset('modes', '-t', 'modes:0', ...words, '--execute'))
      return (await committed('modes'))['modes-0']
    }
    assert.equal(await at('--to-latest'), 10)
    assert.equal(await at('--to-earliest'), 0)
    assert.equal(await at('--to-offset', '7'), 7)
    assert.equal(await at('--to-offset', '99'), 10)
    assert.equal(await at('--shift-by', '-3'), 7)
    assert.equal(await at('--shift-by', '2'), 9)
    assert.equal(await at('--shift-by', '-100'), 0)
    assert.equal(await at('--to-current'), 0)
    assert.equal(await at('--to-datetime', '2026-01-01T00:00:02.500'), 3)
    assert.equal(await at('--to-datetime', '2026-01-01T01:00:02.5+01:00'), 3)
    assert.equal(await at('--to-datetime', '2999-01-01'), 10)
    const seconds = (Date.now() - Date.UTC(2026, 0, 1) - 2010) / 1000
    assert.equal(await at('--by-duration', `PT${seconds.toFixed(3)}S`), 3)
    assert.equal(await at('--by-duration', 'P999999D'), 0)
    const nothing = await run(reset('modes', '-t', 'modes:1', '--shift-by', '1'))
    assert.match(nothing.noted, /group modes has committed nothing for modes-1: .*--to-offset/)
    const current = await run(reset('modes', '-t', 'modes:1', '--to-current'))
    assert.match(current.noted, /modes-1: nothing is committed; set to the end, 0/)
  })

  test('what is exported can be taken back, of one group and of several', async () => {
    await filled('files')
    await printed(reset('files', '-t', 'files:0', '--to-offset', '3', '--execute'))
    await printed(reset('files,2', '-t', 'files:0', '--to-offset', '5', '--execute'))
    const one = join(directory, 'one.csv')
    const both = join(directory, 'both.csv')
    await printed(reset('files', '--all-topics', '--to-current', '--export', one))
    assert.equal(readFileSync(one, 'utf8'), 'files,0,3\n')
    const words = ['groups', 'reset-offsets', 'files', 'files,2', '--all-topics', '--to-current', '--export']
    assert.equal(await printed([...words, '-']), 'files,files,0,3\n"files,2",files,0,5\n')
    await printed([...words, both])
    for (const group of ['files', 'files,2'])
      await printed(reset(group, '--all-topics', '--to-latest', '--execute'))
    await printed(reset('files', '--from-file', one, '--execute'))
    assert.deepEqual(await committed('files'), { 'files-0': 3 })
    await printed(['groups', 'reset-offsets', '--from-file', both, '--execute'])
    assert.deepEqual(await committed('files,2'), { 'files-0': 5 })
    await refused(
      reset('others', '--from-file', both),
      /the file has no line for group others; it has files, files,2/,
    )
    writeFileSync(one, 'files,0,3\nfiles,7,3\n')
    await refused(
      reset('files', '--from-file', one),
      /files-7 does not exist: topic files has partitions 0 to 1/,
    )
    await refused(reset('files', '--from-file', join(directory, 'none')), /none does not exist/)
  })

  test('--all-topics passes over topics that are gone; --all-groups takes every group', async () => {
    await filled('stays')
    await filled('goes')
    await printed(reset('all', '-t', 'stays:0', '-t', 'goes:0', '--to-earliest', '--execute'))
    await printed(['topics', 'delete', 'goes'])
    await printed(reset('all', '--all-topics', '--to-latest', '--execute'))
    assert.equal((await committed('all'))['stays-0'], 10)
    const text = await printed(['groups', 'reset-offsets', '--all-groups', '-t', 'stays:0', '--to-earliest'])
    assert.match(text, /\nall\tstays\t0\t10\t0\t-10\t0\t10\n/)
    await refused(
      reset('fresh', '--all-topics', '--to-latest'),
      /group fresh has committed nothing yet: name topics/,
    )
  })

  test('a group with members is refused with their names, and nothing changes', async () => {
    await filled('busy')
    await printed(reset('idle', '-t', 'busy:0', '--to-earliest', '--execute'))
    const running = await member('busy', 'busy', 'classic')
    const reason =
      /group busy has 1 member \(odradek-cli at 127\.0\.0\.1\): its offsets can be moved once all have stopped/
    await refused(reset('busy', '-t', 'busy', '--to-earliest'), reason)
    await refused(
      ['groups', 'reset-offsets', 'idle', 'busy', '-t', 'busy:0', '--to-latest', '--execute'],
      reason,
    )
    assert.deepEqual(await committed('idle'), { 'busy-0': 0 })
    await refused(
      ['groups', 'delete', 'busy'],
      /group busy has 1 member .*: it can be deleted once all have stopped/,
    )
    await refused(
      ['groups', 'delete-offsets', 'busy', '-t', 'busy:0'],
      /members are subscribed to the topic of busy-0; stop them first|has committed no offset of busy-0/,
    )
    assert.equal(await running.interrupt(), 0)
    await printed(['groups', 'delete', 'busy'])
  })

  const wrong: [string[], RegExp][] = [
    [['g'], /say where to, with one of --to-earliest/],
    [['g', '--to-earliest', '--to-latest', '-t', 't'], /say where to, with one of/],
    [['g', '--to-earliest'], /say which topics, with --topic .* or --all-topics/],
    [['g', '--to-earliest', '-t', 't', '--all-topics'], /say which topics/],
    [['--to-earliest', '-t', 't'], /say which groups/],
    [['g', '--all-groups', '--to-earliest', '-t', 't'], /name groups or give --all-groups, not both/],
    [['g', '--to-earliest', '-t', 't', '--execute', '--dry-run'], /only one of --execute and --dry-run/],
    [['g', '--to-offset', '-1', '-t', 't'], /--to-offset -1: expected a whole number/],
    [['g', '--by-duration', '1h', '-t', 't'], /--by-duration 1h: expected an ISO 8601 duration/],
    [['g', '--to-datetime', 'noon', '-t', 't'], /--to-datetime noon: expected ISO 8601/],
    [['g', '--to-earliest', '-t', 't:x'], /expected numbers or ranges/],
  ]
  for (const [words, reason] of wrong) {
    test(`wrong: ${words.join(' ')}`, () => refused(['groups', 'reset-offsets', ...words], reason, 2))
  }

  test('topics and partitions that are not there are named', async () => {
    await refused(reset('g', '--to-earliest', '-t', 'nowhere'), /topic nowhere does not exist/)
    await filled('small')
    await refused(
      reset('g', '--to-earliest', '-t', 'small:0,5'),
      /small has partitions 0 to 1; there is no partition 5/,
    )
  })
})

describe('delete-offsets and delete', () => {
  test('offsets go, one partition or a topic at a time; then the group', async () => {
    await filled('one')
    await filled('two')
    await printed(['groups', 'reset-offsets', 'old', '-t', 'one', '-t', 'two', '--to-latest', '--execute'])
    assert.equal(
      await printed(['groups', 'delete-offsets', 'old', '-t', 'one:1', '-t', 'two']),
      'deleted 3 offsets of group old: one-1, two-0, two-1\n',
    )
    assert.deepEqual(await committed('old'), { 'one-0': 10 })
    await refused(
      ['groups', 'delete-offsets', 'old', '-t', 'two'],
      /group old has committed no offset of two; it has committed offsets of one/,
    )
    await refused(['groups', 'delete-offsets', 'olds', '-t', 'two'], /did you mean old\?/)
    await refused(['groups', 'delete-offsets', 'old'], /required option '-t, --topic/, 2)
    assert.equal(await printed(['groups', 'delete', 'old']), 'deleted old\n')
    assert.equal(await printed(['groups', 'delete', 'old', '--if-exists']), 'old is not there\n')
    const { code, noted, printed: text } = await run(['groups', 'delete', 'old', 'plan'])
    assert.deepEqual([code, text], [1, 'deleted plan\n'])
    assert.match(noted, /group old does not exist/)
  })
})

describe('explain', () => {
  test('tells who came and went and why, and goes on with --follow', async () => {
    await filled('story')
    const first = await member('story', 'story', 'classic')
    assert.equal(await first.interrupt(), 0)
    const text = await printed(['groups', 'explain', 'story'])
    assert.match(text, /^TIME\tEPOCH\tEVENT\tMEMBER\tCLIENT\tWHY\n/)
    assert.match(text, /\n20\S+Z\t\d+\tmember-joined\todradek-cli-\S+\todradek-cli at 127\.0\.0\.1\tjoined/)
    assert.match(text, /\tmember-left\t.*the consumer was closed\n/)
    const events = await parsed<{ kind: string; reason: string; atMs: number }[]>([
      'groups',
      'explain',
      'story',
    ])
    assert.ok(events.length >= 4)
    assert.equal(events[0]!.kind, 'created')
    assert.ok(
      events.every(({ reason, atMs }, i) => reason !== '' && atMs >= events[Math.max(0, i - 1)]!.atMs),
    )
    const { printed: last, noted } = await run(['groups', 'explain', 'story', '--last', '1'])
    assert.equal(last.split('\n').length, 3)
    assert.match(noted, /now: Empty, 0 members \(classic group\)/)

    const following = start(['groups', 'explain', 'story', '-f', '-n', '1', '-b', broker.bootstrapServers])
    await following.until(/group-emptied/)
    const second = start([
      'consume',
      'story',
      '-g',
      'story',
      '--protocol',
      'classic',
      '-f',
      '-b',
      broker.bootstrapServers,
    ])
    await following.until(/member-joined/)
    assert.equal(await second.interrupt(), 0)
    assert.equal(await following.interrupt(), 0)
  })

  test('a group that nothing is known of', async () => {
    await refused(['groups', 'explain', 'storyy'], /group storyy does not exist; did you mean story\?/)
    await printed(['groups', 'reset-offsets', 'quiet', '-t', 'story', '--to-latest', '--execute'])
    const { code, noted } = await run(['groups', 'explain', 'quiet'])
    assert.equal(code, 0)
    assert.match(noted, /now: Empty/)
  })
})
