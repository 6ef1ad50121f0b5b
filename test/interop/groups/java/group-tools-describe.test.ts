// Kafka's tools that look at groups: kafka-consumer-groups and kafka-groups list and describe them, whichever protocol their
// members speak. What they print is what Apache Kafka 4.3 makes them print.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import type { GroupScenario } from '../../programs/group-scenarios.ts'
import { javaSkipReason } from '../../support/java-programs.ts'
import { GroupTools, groupsTool, type Row, rowsOf, sortedBy } from './group-tables.ts'

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

describe('tools that look at groups', { skip: javaSkipReason() }, () => {
  let kafka: GroupTools

  before(async () => {
    kafka = await GroupTools.start()
  })
  after(() => kafka?.stop())

  for (const protocol of ['classic', 'consumer'] as const) {
    const name = `described-${protocol}`
    test(`${protocol}: kafka-consumer-groups describes offsets, members and state, and touches nothing that is in use`, () =>
      kafka.withQuietGroup(name, protocol, async (scenario, ends) => {
        const shares = sharesOf(scenario)
        const offsets = sortedBy(await kafka.described(name, '--offsets', '--verbose'), 'TOPIC', 'PARTITION')
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

        const members = sortedBy(await kafka.described(name, '--members', '--verbose'), 'CLIENT-ID')
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

        const [state] = await kafka.described(name, '--state', '--verbose')
        const { 'COORDINATOR (ID)': coordinator, ...rest } = state!
        assert.match(coordinator!, new RegExp(`^${kafka.broker.bootstrapServers} +\\(\\d+\\)$`))
        assert.deepEqual(rest, {
          GROUP: name,
          'ASSIGNMENT-STRATEGY': protocol === 'classic' ? 'range' : 'uniform',
          STATE: 'Stable',
          'GROUP-EPOCH': epoch,
          'TARGET-ASSIGNMENT-EPOCH': epoch,
          '#MEMBERS': '2',
        })

        assert.match(
          await kafka.groups('--delete', '--group', name),
          /GroupNotEmptyException: The group is not empty/,
        )
        const toStart = ['--all-topics', '--to-earliest', '--execute']
        const reset = await kafka.groups('--reset-offsets', '--group', name, ...toStart)
        assert.match(
          reset,
          /can only be reset if the group '.*' is inactive, but the current state is Stable/,
        )
        const deleted = await kafka.groups('--delete-offsets', '--group', name, '--topic', `${name}-a`)
        assert.equal(deleted.match(/GroupSubscribedToTopicException/g)?.length, 3, deleted)
        assert.equal(await scenario.topics.committed(name).then(({ size }) => size), 4)
        await scenario.finish()
      }))
  }

  test('kafka-consumer-groups and kafka-groups list groups by state, type and protocol', async () => {
    const [classic, consumer] = ['listed-classic', 'listed-consumer']
    await kafka.withQuietGroup(classic, 'classic', (first) =>
      kafka.withQuietGroup(consumer, 'consumer', async (second) => {
        const list = async (...args: string[]) => rowsOf(await kafka.groups('--list', ...args))
        const ofTest = (rows: Row[]) =>
          sortedBy(
            rows.filter(({ GROUP }) => GROUP === classic || GROUP === consumer),
            'GROUP',
          )
        const names = (await kafka.groups('--list')).split('\n')
        assert.ok(names.includes(classic) && names.includes(consumer), names.join())
        assert.deepEqual(ofTest(await list('--state', '--type')), [
          { GROUP: classic, TYPE: 'Classic', STATE: 'Stable' },
          { GROUP: consumer, TYPE: 'Consumer', STATE: 'Stable' },
        ])
        assert.deepEqual(ofTest(await list('--type', 'consumer')), [{ GROUP: consumer, TYPE: 'Consumer' }])
        assert.deepEqual(ofTest(await list('--type', 'classic')), [{ GROUP: classic, TYPE: 'Classic' }])
        assert.deepEqual(ofTest(await list('--state', 'empty')), [])
        const refused = await kafka.run(groupsTool, '--list', '--state', 'nonsense')
        assert.equal(refused.exitCode, 1)
        assert.match(refused.stderr, /Invalid state list 'nonsense'/)

        const kinds = async (...args: string[]) =>
          rowsOf(await kafka.ok('org.apache.kafka.tools.GroupsCommand', '--list', ...args))
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
})
