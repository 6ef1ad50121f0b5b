// Kafka's own tools on groups: kafka-consumer-groups, kafka-groups, kafka-configs for groups, kafka-consumer-perf-test, and
// kafka-dump-log on __consumer_offsets. What they print is what Apache Kafka 4.3 makes them print.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import {
  type GroupScenario,
  type MemberProgram,
  startGroupBroker,
  withGroup,
} from '../../programs/group-scenarios.ts'
import type { BrokerUnderTest } from '../../support/broker-under-test.ts'
import { type JavaTools, javaSkipReason, startJavaTools } from '../../support/java-programs.ts'
import { waitFor } from '../../support/processes.ts'
import { javaMember } from './java-member.ts'

const groupsTool = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'
const configsTool = 'kafka.admin.ConfigCommand'

/** Rows of a table whose columns begin where the words of its head do. */
function rowsOf(printed: string, firstColumn = 'GROUP'): Record<string, string>[] {
  const lines = printed.split('\n')
  const at = lines.findIndex((line) => line.startsWith(firstColumn))
  assert.ok(at >= 0, `no table that begins with ${firstColumn}:\n${printed}`)
  const columns = [...lines[at]!.matchAll(/\S+( \(ID\))?/g)].map(({ 0: name, index }) => ({ name, index }))
  const rows: Record<string, string>[] = []
  for (const line of lines.slice(at + 1)) {
    if (line === '' || line.startsWith(firstColumn)) continue
    const cells = columns.map(({ name, index }, column): [string, string] => [
      name,
      line.slice(index, columns[column + 1]?.index).trim(),
    ])
    rows.push(Object.fromEntries(cells))
  }
  return rows
}

const sortedBy = (rows: Record<string, string>[], ...names: string[]) =>
  rows.toSorted((one, other) => {
    const key = (row: Record<string, string>) => names.map((name) => row[name]).join('\0')
    return key(one) < key(other) ? -1 : 1
  })

describe('tools for groups', { skip: javaSkipReason() }, () => {
  let broker: BrokerUnderTest
  let tools: JavaTools
  let member: MemberProgram

  const server = () => ['--bootstrap-server', broker.bootstrapServers]
  const groups = (...args: string[]) => tools.ok(groupsTool, ...server(), ...args)
  const configs = (...args: string[]) => tools.ok(configsTool, ...server(), ...args)
  const described = async (group: string, ...args: string[]) =>
    rowsOf(await groups('--describe', '--group', group, ...args))

  before(async () => {
    broker = await startGroupBroker()
    tools = await startJavaTools()
    member = await javaMember()
  })
  after(async () => {
    tools?.stop()
    await broker?.stop()
  })

  /** A group whose two members share `NAME-a` (3 partitions) and `NAME-b` (1), everything read and committed. */
  const withQuietGroup = (
    name: string,
    protocol: string,
    steps: (scenario: GroupScenario, ends: ReadonlyMap<string, number>) => Promise<void>,
  ) => {
    const options = {
      group: name,
      topics: { [`${name}-a`]: 3, [`${name}-b`]: 1 },
      args: ['--protocol', protocol],
    }
    return withGroup(broker, member, options, async (scenario) => {
      const members = [scenario.join('first'), scenario.join('second', { instance: 'static' })]
      await scenario.balanced(...members)
      await scenario.reading(...members)
      await steps(scenario, await scenario.quiet())
    })
  }

  /** What members have, by client id, in the way the tools write it: `a:0,1;b:0`. */
  const sharesOf = (scenario: GroupScenario) =>
    new Map(
      ['first', 'second'].map((name) => {
        const byTopic = new Map<string, string[]>()
        for (const partition of scenario.history.ownedBy(name)) {
          const topic = partition.slice(0, -2)
          byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition.slice(-1)])
        }
        const words = [...byTopic].map(([topic, partitions]) => `${topic}:${partitions.join()}`)
        return [name, words.join(';')]
      }),
    )

  for (const protocol of ['classic', 'consumer'] as const) {
    const name = `described-${protocol}`
    test(`${protocol}: kafka-consumer-groups describes offsets, members and state, and touches nothing that is in use`, () =>
      withQuietGroup(name, protocol, async (scenario, ends) => {
        const shares = sharesOf(scenario)
        const offsets = sortedBy(await described(name, '--offsets', '--verbose'), 'TOPIC', 'PARTITION')
        const partitions = offsets.map(({ TOPIC, PARTITION }) => `${TOPIC}-${PARTITION}`)
        assert.deepEqual(partitions, scenario.topics.partitions)
        for (const row of offsets) {
          const partition = `${row.TOPIC}-${row.PARTITION}`
          const owner = ['first', 'second'].find((one) => scenario.history.ownedBy(one).includes(partition))
          assert.equal(row['CURRENT-OFFSET'], `${ends.get(partition)}`)
          assert.equal(row['LOG-END-OFFSET'], `${ends.get(partition)}`)
          assert.deepEqual(
            [row.LAG, row['LEADER-EPOCH'], row['CLIENT-ID'], row.HOST],
            ['0', '0', owner, '/127.0.0.1'],
          )
        }

        const members = sortedBy(await described(name, '--members', '--verbose'), 'CLIENT-ID')
        const epoch = protocol === 'classic' ? '-' : members[0]!['CURRENT-EPOCH']!
        assert.match(epoch, protocol === 'classic' ? /^-$/ : /^\d+$/)
        for (const [index, client] of ['first', 'second'].entries()) {
          const { 'CONSUMER-ID': id, ...row } = members[index]!
          assert.match(id!, protocol === 'consumer' ? /^[\w-]{22}$/ : /^(first|static)-[\w-]{36}$/)
          assert.deepEqual(row, {
            GROUP: name,
            'GROUP-INSTANCE-ID': client === 'second' ? 'static' : '',
            HOST: '/127.0.0.1',
            'CLIENT-ID': client,
            '#PARTITIONS': `${scenario.history.ownedBy(client).length}`,
            'CURRENT-EPOCH': epoch,
            'CURRENT-ASSIGNMENT': shares.get(client),
            'TARGET-EPOCH': epoch,
            'TARGET-ASSIGNMENT': protocol === 'classic' ? '-' : shares.get(client),
          })
        }

        const [state] = await described(name, '--state', '--verbose')
        const { 'COORDINATOR (ID)': coordinator, ...rest } = state!
        assert.match(coordinator!, new RegExp(`^${broker.bootstrapServers} +\\(\\d+\\)$`))
        assert.deepEqual(rest, {
          GROUP: name,
          'ASSIGNMENT-STRATEGY': protocol === 'classic' ? 'range' : 'uniform',
          STATE: 'Stable',
          'GROUP-EPOCH': epoch,
          'TARGET-ASSIGNMENT-EPOCH': epoch,
          '#MEMBERS': '2',
        })

        assert.match(
          await groups('--delete', '--group', name),
          /GroupNotEmptyException: The group is not empty/,
        )
        const toStart = ['--all-topics', '--to-earliest', '--execute']
        const reset = await groups('--reset-offsets', '--group', name, ...toStart)
        assert.match(
          reset,
          /can only be reset if the group '.*' is inactive, but the current state is Stable/,
        )
        const deleted = await groups('--delete-offsets', '--group', name, '--topic', `${name}-a`)
        assert.equal(deleted.match(/GroupSubscribedToTopicException/g)?.length, 3, deleted)
        assert.equal(await scenario.topics.committed(name).then(({ size }) => size), 4)
        await scenario.finish()
      }))
  }

  test('kafka-consumer-groups and kafka-groups list groups by state, type and protocol', async () => {
    const [classic, consumer] = ['listed-classic', 'listed-consumer']
    await withQuietGroup(classic, 'classic', (first) =>
      withQuietGroup(consumer, 'consumer', async (second) => {
        const list = async (...args: string[]) => rowsOf(await groups('--list', ...args))
        const ofTest = (rows: Record<string, string>[]) =>
          sortedBy(
            rows.filter(({ GROUP }) => GROUP === classic || GROUP === consumer),
            'GROUP',
          )
        const names = (await groups('--list')).split('\n')
        assert.ok(names.includes(classic) && names.includes(consumer), names.join())
        assert.deepEqual(ofTest(await list('--state', '--type')), [
          { GROUP: classic, TYPE: 'Classic', STATE: 'Stable' },
          { GROUP: consumer, TYPE: 'Consumer', STATE: 'Stable' },
        ])
        assert.deepEqual(ofTest(await list('--type', 'consumer')), [{ GROUP: consumer, TYPE: 'Consumer' }])
        assert.deepEqual(ofTest(await list('--type', 'classic')), [{ GROUP: classic, TYPE: 'Classic' }])
        assert.deepEqual(ofTest(await list('--state', 'empty')), [])
        const refused = await tools.run(groupsTool, ...server(), '--list', '--state', 'nonsense')
        assert.equal(refused.exitCode, 1)
        assert.match(refused.stderr, /Invalid state list 'nonsense'/)

        const kinds = async (...args: string[]) =>
          rowsOf(await tools.ok('org.apache.kafka.tools.GroupsCommand', ...server(), '--list', ...args))
        assert.deepEqual(ofTest(await kinds()), [
          { GROUP: classic, TYPE: 'Classic', PROTOCOL: 'consumer' },
          { GROUP: consumer, TYPE: 'Consumer', PROTOCOL: 'consumer' },
        ])
        assert.equal(ofTest(await kinds('--group-type', 'consumer')).length, 1)
        assert.equal(ofTest(await kinds('--protocol', 'consumer')).length, 2)
        assert.equal(ofTest(await kinds('--consumer')).length, 2)
        await first.finish()
        await second.finish()
      }),
    )
  })

  for (const protocol of ['classic', 'consumer'] as const) {
    const name = `reset-${protocol}`
    const topic = `${name}-a`
    test(`${protocol}: kafka-consumer-groups resets and deletes offsets, and deletes groups`, () =>
      withGroup(
        broker,
        member,
        { group: name, topics: { [topic]: 3, [`${name}-b`]: 1 }, args: ['--protocol', protocol] },
        async (scenario) => {
          const only = scenario.join('only')
          await scenario.reading(only)
          await scenario.finish()
          const ends = scenario.topics.ends
          const [end0, end1] = [ends.get(`${topic}-0`)!, ends.get(`${topic}-1`)!]

          const idle = await tools.run(groupsTool, ...server(), '--describe', '--group', name, '--state')
          assert.match(idle.stderr, /has no active members/)
          assert.deepEqual(
            rowsOf(idle.stdout).map(({ STATE, '#MEMBERS': count }) => [STATE, count]),
            [['Empty', '0']],
          )

          const reset = async (...how: string[]) => {
            const printed = await groups('--reset-offsets', '--group', name, ...how)
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

          const exported = await groups(
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
          const file = join(broker.dataDir, `${name}.csv`)
          writeFileSync(file, `${lines.join('\n')}\n`)
          assert.deepEqual(await reset('--from-file', file, '--execute'), both(7))

          await reset('--all-topics', '--to-latest', '--execute')
          assert.deepEqual(await scenario.topics.committed(name), new Map([...ends].sort()))

          const unseen = `${name}-new`
          await groups('--reset-offsets', '--group', unseen, '--topic', topic, '--to-earliest', '--execute')
          assert.deepEqual(
            (await described(unseen)).map((row) => row['CURRENT-OFFSET']),
            ['0', '0', '0'],
          )

          const gone = await groups(
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
          const deleted = await groups('--delete', '--group', name, '--group', unseen)
          assert.match(deleted, /Deletion of requested consumer groups \('.*', '.*'\) was successful/)
          assert.deepEqual(await scenario.topics.committed(name), new Map())
          assert.ok(!(await groups('--list')).includes(name))
        },
      ))
  }

  test('a group that is not there', async () => {
    assert.match(
      await groups('--describe', '--group', 'absent'),
      /GroupIdNotFoundException: Group absent not found/,
    )
    assert.match(
      await groups('--delete', '--group', 'absent'),
      /GroupIdNotFoundException: The group id does not exist/,
    )
    const { exitCode, stdout } = await tools.run(
      groupsTool,
      ...server(),
      '--describe',
      '--group',
      'absent',
      '--state',
    )
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
      const { exitCode, stderr } = await tools.run(
        configsTool,
        ...server(),
        '--alter',
        ...entity,
        '--add-config',
        wrong,
      )
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
    withGroup(broker, member, { group: 'perf-fill', topics: { perf: 2 } }, async (scenario) => {
      await waitFor(
        'records',
        () => [...scenario.topics.ends.values()].every((end) => end >= 100) || undefined,
      )
      await scenario.topics.stopFlow()
      const wanted = [...scenario.topics.ends.values()].reduce((sum, end) => sum + end)
      const counted = ['--num-records', `${wanted}`, '--timeout', '20000']
      const printed = await tools.ok(
        'org.apache.kafka.tools.ConsumerPerformance',
        ...[...server(), '--topic', 'perf', '--group', 'perf', ...counted],
      )
      const [head, figures] = printed.trim().split('\n').slice(-2)
      assert.match(head!, /^start\.time, end\.time, data\.consumed\.in\.MB, .*rebalance\.time\.ms/)
      assert.equal(Number(figures!.split(', ')[4]), wanted)
    }))

  test('kafka-dump-log decodes every record of __consumer_offsets, and they tell what groups have', async () => {
    for (const protocol of ['classic', 'consumer'] as const) {
      await withQuietGroup(`dumped-${protocol}`, protocol, (scenario) => scenario.finish())
    }
    await broker.halt()
    const latest = new Map<string, { type: number; payload: string }>()
    for (const directory of readdirSync(broker.logDir)) {
      const file = join(broker.logDir, directory, '00000000000000000000.log')
      if (!directory.startsWith('__consumer_offsets-') || !existsSync(file)) continue
      const dumped = await tools.ok(
        'org.apache.kafka.tools.DumpLogSegments',
        '--offsets-decoder',
        '--files',
        file,
      )
      assert.doesNotMatch(dumped, /isvalid: false/)
      for (const line of dumped.split('\n')) {
        if (!line.startsWith('| offset')) continue
        const [, key, payload] = / key: (\{.*\}) payload: (.*)$/.exec(line) ?? assert.fail(line)
        latest.set(key!, { type: Number(JSON.parse(key!).type), payload: payload! })
      }
    }
    await broker.restart()
    const about = (group: string) => [...latest].filter(([key]) => key.includes(`"${group}"`))
    for (const [group, kinds] of [
      ['dumped-classic', [1, 2]],
      ['dumped-consumer', [1, 3, 5, 6, 7, 8]],
    ] as const) {
      const records = about(group)
      assert.deepEqual([...new Set(records.map(([, { type }]) => type))].sort(), kinds, group)
      const offsets = records.filter(([, { type }]) => type === 1)
      const rows = (await described(group)).map((row) => [
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
