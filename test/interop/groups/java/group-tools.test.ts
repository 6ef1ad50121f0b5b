// Kafka's tools that change groups, or read what groups have left: kafka-consumer-groups resets and deletes, kafka-configs gives
// groups settings, kafka-consumer-perf-test is a member, kafka-dump-log decodes __consumer_offsets.
import assert from 'node:assert/strict'
import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { valueAt } from '../../programs/group-history.ts'
import { withGroup } from '../../programs/group-scenarios.ts'
import { javaSkipReason } from '../../support/java-programs.ts'
import { waitFor } from '../../support/processes.ts'
import { GroupTools, groupsTool, rowsOf, sortedBy } from './group-tables.ts'

const configsTool = 'kafka.admin.ConfigCommand'

/** The last record of each key of __consumer_offsets, as kafka-dump-log decodes it. */
async function latestRecords({ broker, tools }: GroupTools) {
  const files = readdirSync(broker.logDir)
    .filter((name) => name.startsWith('__consumer_offsets-'))
    .map((name) => join(broker.logDir, name, '00000000000000000000.log'))
  const dumpTool = 'org.apache.kafka.tools.DumpLogSegments'
  const dumped = await tools.ok(dumpTool, '--offsets-decoder', '--files', files.join())
  assert.doesNotMatch(dumped, /isvalid: false/)
  const latest = new Map<string, { type: number; payload: string }>()
  for (const line of dumped.split('\n')) {
    if (!line.startsWith('| offset')) continue
    const [, key, payload] = / key: (\{.*\}) payload: (.*)$/.exec(line) ?? assert.fail(line)
    latest.set(key!, { type: Number(JSON.parse(key!).type), payload: payload! })
  }
  return latest
}

describe('tools that change groups', { skip: javaSkipReason() }, () => {
  let kafka: GroupTools

  before(async () => {
    kafka = await GroupTools.start()
  })
  after(() => kafka?.stop())

  const configs = (...args: string[]) => kafka.ok(configsTool, ...args)

  for (const protocol of ['classic', 'consumer'] as const) {
    const name = `reset-${protocol}`
    const topic = `${name}-a`
    test(`${protocol}: kafka-consumer-groups resets and deletes offsets, and deletes groups`, () =>
      withGroup(
        kafka.broker,
        kafka.member,
        { group: name, topics: { [topic]: 3, [`${name}-b`]: 1 }, args: ['--protocol', protocol] },
        async (scenario) => {
          const only = scenario.join('only')
          await scenario.reading(only)
          await scenario.finish()
          const ends = scenario.topics.ends
          const [end0, end1] = [ends.get(`${topic}-0`)!, ends.get(`${topic}-1`)!]

          const idle = await kafka.run(groupsTool, '--describe', '--group', name, '--state')
          assert.match(idle.stderr, /has no active members/)
          assert.deepEqual(
            rowsOf(idle.stdout).map(({ STATE, '#MEMBERS': count }) => [STATE, count]),
            [['Empty', '0']],
          )

          const reset = async (...how: string[]) => {
            const printed = await kafka.groups('--reset-offsets', '--group', name, ...how)
            const rows = sortedBy(rowsOf(printed), 'TOPIC', 'PARTITION')
            return rows.map((row) => `${row.TOPIC}-${row.PARTITION} ${row['NEW-OFFSET']}`)
          }
          const both = (first: number, second = first) => [`${topic}-0 ${first}`, `${topic}-1 ${second}`]
          const some = ['--topic', `${topic}:0,1`]
          const modes: [how: string[], wanted: string[]][] = [
            [['--to-earliest'], both(0)],
            [['--to-latest'], both(end0, end1)],
            [['--to-offset', '5'], both(5)],
            [['--shift-by', '-2'], both(3)],
            [['--to-current'], both(3)],
            [['--shift-by', '1000000'], both(end0, end1)],
            [['--by-duration', 'PT1H'], both(0)],
            [['--to-datetime', '2100-01-01T00:00:00.000'], both(end0, end1)],
            [['--to-datetime', '2020-01-01T00:00:00.000'], both(0)],
          ]
          for (const [how, wanted] of modes) {
            assert.deepEqual(await reset(...some, ...how, '--execute'), wanted, how.join(' '))
            const committed = await scenario.topics.committed(name)
            assert.deepEqual(
              [0, 1].map((index) => `${topic}-${index} ${committed.get(`${topic}-${index}`)}`),
              wanted,
            )
          }
          const planned = await reset(...some, '--to-latest', '--dry-run')
          assert.deepEqual(planned, both(end0, end1))
          assert.equal((await scenario.topics.committed(name)).get(`${topic}-0`), 0, 'a plan changes nothing')

          const exported = await kafka.groups(
            '--reset-offsets',
            '--group',
            name,
            ...some,
            '--to-offset',
            '7',
            '--export',
            '--dry-run',
          )
          const lines = exported.split('\n').filter((line) => line !== '')
          assert.deepEqual(lines.sort(), [`${topic},0,7`, `${topic},1,7`])
          const file = join(kafka.broker.dataDir, `${name}.csv`)
          writeFileSync(file, `${lines.join('\n')}\n`)
          assert.deepEqual(await reset('--from-file', file, '--execute'), both(7))

          await reset('--all-topics', '--to-latest', '--execute')
          assert.deepEqual(await scenario.topics.committed(name), new Map([...ends].sort()))

          const unseen = `${name}-new`
          await kafka.groups(
            '--reset-offsets',
            '--group',
            unseen,
            '--topic',
            topic,
            '--to-earliest',
            '--execute',
          )
          assert.deepEqual(
            (await kafka.described(unseen)).map((row) => row['CURRENT-OFFSET']),
            ['0', '0', '0'],
          )

          const gone = await kafka.groups(
            '--delete-offsets',
            '--group',
            name,
            '--topic',
            `${topic}:0`,
            '--topic',
            'absent',
          )
          assert.deepEqual(
            sortedBy(rowsOf(gone, 'TOPIC'), 'TOPIC').map(({ TOPIC, STATUS }) => [
              TOPIC,
              STATUS?.split(' ')[0],
            ]),
            [
              ['absent', 'Error:'],
              [topic, 'Successful'],
            ],
          )
          assert.deepEqual([...(await scenario.topics.committed(name)).keys()].sort(), [
            ...[`${topic}-1`, `${topic}-2`, `${name}-b-0`],
          ])
          const deleted = await kafka.groups('--delete', '--group', name, '--group', unseen)
          assert.match(deleted, /Deletion of requested consumer groups \('.*', '.*'\) was successful/)
          assert.deepEqual(await scenario.topics.committed(name), new Map())
          assert.ok(!(await kafka.groups('--list')).includes(name))
        },
      ))
  }

  test('a group that is not there', async () => {
    assert.match(
      await kafka.groups('--describe', '--group', 'absent'),
      /GroupIdNotFoundException: Group absent not found/,
    )
    assert.match(
      await kafka.groups('--delete', '--group', 'absent'),
      /GroupIdNotFoundException: The group id does not exist/,
    )
    const { exitCode, stdout } = await kafka.run(groupsTool, '--describe', '--group', 'absent', '--state')
    assert.equal(exitCode, 0)
    assert.match(stdout, /Group absent not found/)
  })

  test('kafka-configs gives groups settings of their own', async () => {
    const entity = ['--entity-type', 'groups', '--entity-name', 'configured']
    assert.match(
      await configs('--describe', ...entity),
      /The group 'configured' doesn't exist and doesn't have dynamic config/,
    )
    const added = 'consumer.session.timeout.ms=30000,consumer.heartbeat.interval.ms=2000'
    assert.match(
      await configs('--alter', ...entity, '--add-config', added),
      /Completed updating config for group configured/,
    )
    const line =
      /^ {2}consumer\.session\.timeout\.ms=30000 sensitive=false synonyms=\{DYNAMIC_GROUP_CONFIG:consumer\.session\.timeout\.ms=30000, STATIC_BROKER_CONFIG:group\.consumer\.session\.timeout\.ms=6000, DEFAULT_CONFIG:group\.consumer\.session\.timeout\.ms=45000\}$/m
    const shown = await waitFor('the setting is shown', async () => {
      const printed = await configs('--describe', ...entity)
      return line.test(printed) ? printed : undefined
    })
    assert.match(shown, /^ {2}consumer\.heartbeat\.interval\.ms=2000 /m)
    assert.match(
      await configs('--describe', '--entity-type', 'groups'),
      /^Dynamic configs for group configured are:$/m,
    )
    assert.match(
      await configs('--describe', ...entity, '--all'),
      /^ {2}consumer\.assignment\.interval\.ms=1000 /m,
    )
    for (const wrong of ['consumer.session.timeout.ms=1', 'no.such=1']) {
      const { exitCode, stderr } = await kafka.run(configsTool, '--alter', ...entity, '--add-config', wrong)
      assert.equal(exitCode, 1)
      assert.match(
        stderr,
        new RegExp(`InvalidConfigurationException: .*${wrong.split('=')[0]!.replaceAll('.', '\\.')}`),
      )
    }
    const removed = ['--delete-config', 'consumer.session.timeout.ms,consumer.heartbeat.interval.ms']
    await configs('--alter', ...entity, ...removed)
    await waitFor('the settings are gone', async () =>
      (await configs('--describe', ...entity)).includes('consumer.') ? undefined : true,
    )
  })

  test('kafka-consumer-perf-test reads as a member of a group', () =>
    withGroup(kafka.broker, kafka.member, { group: 'perf-fill', topics: { perf: 2 } }, async (scenario) => {
      await waitFor(
        'records',
        () => [...scenario.topics.ends.values()].every((end) => end >= 100) || undefined,
      )
      await scenario.topics.stopFlow()
      const wanted = [...scenario.topics.ends.values()].reduce((sum, end) => sum + end)
      const counted = ['--num-records', `${wanted}`, '--timeout', '20000']
      const printed = await kafka.ok(
        'org.apache.kafka.tools.ConsumerPerformance',
        ...['--topic', 'perf', '--group', 'perf', ...counted],
      )
      const [head, figures] = printed.trim().split('\n').slice(-2)
      assert.match(head!, /^start\.time, end\.time, data\.consumed\.in\.MB, .*rebalance\.time\.ms/)
      assert.equal(Number(figures!.split(', ')[4]), wanted)
    }))

  test('kafka-console-consumer subscribes, as a member of a group of its own or of the one it is told', () =>
    withGroup(kafka.broker, kafka.member, { topics: { console: 2 } }, async ({ topics }) => {
      await waitFor('records', () => [...topics.ends.values()].every((end) => end >= 50) || undefined)
      await topics.stopFlow()
      const ends = [...topics.ends].flatMap(([partition, end]) =>
        Array.from({ length: end }, (_, offset) => valueAt(partition, offset)),
      )
      const read = async (...more: string[]) => {
        const consumer = 'org.apache.kafka.tools.consumer.ConsoleConsumer'
        const few = ['--max-messages', `${ends.length}`, '--timeout-ms', '20000']
        const printed = await kafka.ok(consumer, '--topic', 'console', '--from-beginning', ...few, ...more)
        assert.deepEqual(printed.trim().split('\n').sort(), ends.sort())
      }
      await read()
      await read('--group', 'console-group')
      await read('--group', 'console-consumers', '--command-property', 'group.protocol=consumer')
      for (const group of ['console-group', 'console-consumers']) {
        assert.deepEqual(await topics.committed(group), new Map([...topics.ends].sort()))
      }
    }))

  test('kafka-dump-log decodes every record of __consumer_offsets, and they tell what groups have', async () => {
    for (const protocol of ['classic', 'consumer'] as const) {
      await kafka.withQuietGroup(`dumped-${protocol}`, protocol, (scenario) => scenario.finish())
    }
    await kafka.broker.halt()
    const latest = await latestRecords(kafka)
    await kafka.broker.restart()
    const about = (group: string) => [...latest].filter(([key]) => key.includes(`"${group}"`))
    for (const [group, kinds] of [
      ['dumped-classic', [1, 2]],
      ['dumped-consumer', [1, 3, 5, 6, 7, 8]],
    ] as const) {
      const records = about(group)
      assert.deepEqual([...new Set(records.map(([, { type }]) => type))].sort(), kinds, group)
      const offsets = records.filter(([, { type }]) => type === 1)
      const rows = (await kafka.described(group)).map((row) => [
        `${row.TOPIC}-${row.PARTITION}`,
        row['CURRENT-OFFSET'],
      ])
      const told = offsets.map(([key, { payload }]) => {
        const { topic, partition } = JSON.parse(key).data
        const { version, data } = JSON.parse(payload)
        assert.equal(version, '4')
        return [`${topic}-${partition}`, `${data.offset}`]
      })
      assert.deepEqual(told.sort(), rows.sort())
    }
  })
})
