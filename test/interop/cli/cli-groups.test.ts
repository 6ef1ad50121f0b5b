// Our command line as a client of Apache Kafka and of ours: groups that it shows and changes are what Kafka's own tool shows,
// and it reads in one group with Kafka's console consumer, as the leader and as one who is led.
import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { odradek } from '../../cli/fake-io.ts'
import { type Running, start } from '../../cli/running.ts'
import { apacheKafkaClasspath } from '../../support/apache-kafka.ts'
import {
  type BrokerUnderTest,
  type InteropTarget,
  startBrokerUnderTest,
} from '../support/broker-under-test.ts'
import { type JavaTools, javaSkipReason, smallJvm, startJavaTools } from '../support/java-programs.ts'
import { collect, launch, waitFor } from '../support/processes.ts'

const GROUPS_TOOL = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand'
const PARTITIONS = 4

interface Described {
  readonly type: string
  readonly state: string
  readonly lag: number
  readonly members: readonly { clientId: string; assignment: readonly unknown[] }[]
  readonly partitions: readonly { topic: string; partition: number; committedOffset: number }[]
}

for (const target of ['apache', 'odradek'] satisfies InteropTarget[]) {
  describe(`the command line and a broker of ${target}`, { skip: javaSkipReason() }, () => {
    let broker: BrokerUnderTest
    let tools: JavaTools
    let directory = ''

    before(async () => {
      directory = mkdtempSync(join(tmpdir(), 'cli-groups-'))
      broker = await startBrokerUnderTest({ target, heapMb: 320 })
      tools = await startJavaTools()
    })
    after(async () => {
      tools?.stop()
      await broker?.stop()
      rmSync(directory, { recursive: true, force: true })
    })

    const run = (words: string[], input = '') =>
      odradek([...words, '-b', broker.bootstrapServers, '--timeout', '60000'], { input })
    const printed = async (words: string[], input = '') => {
      const result = await run(words, input)
      assert.equal(result.code, 0, result.noted)
      return result.printed
    }
    const described = async (group: string): Promise<Described> =>
      JSON.parse(await printed(['groups', 'describe', group, '--json']))[0]
    const offsets = async (group: string) =>
      (await described(group)).partitions.map((row) => `${row.topic}-${row.partition}=${row.committedOffset}`)
    const kafkaTool = (...args: string[]) =>
      tools.ok(GROUPS_TOOL, '--bootstrap-server', broker.bootstrapServers, ...args)
    const produce = async (topic: string, from: number, to: number) => {
      const share = (to - from) / PARTITIONS
      for (let partition = 0; partition < PARTITIONS; partition++) {
        const first = from + partition * share
        const lines = Array.from({ length: share }, (_, i) => `v${first + i}\n`).join('')
        await printed(['produce', topic, '-p', String(partition)], lines)
      }
    }

    test('offsets that we set are the ones that Kafka shows, and the other way round', async () => {
      await printed(['topics', 'create', 'set', '-p', String(PARTITIONS)])
      await produce('set', 0, 40)
      const words = ['groups', 'reset-offsets', 'set', '-t', 'set:0-2']
      await printed([...words, '--to-offset', '7', '--execute'])
      const shown = await kafkaTool('--describe', '--group', 'set')
      for (const partition of [0, 1, 2])
        assert.match(shown, new RegExp(`set +set +${partition} +7 +10 +3 +- `))
      await kafkaTool(
        '--reset-offsets',
        '--group',
        'set',
        '--topic',
        'set:1',
        '--shift-by',
        '-5',
        '--execute',
      )
      assert.deepEqual(await offsets('set'), ['set-0=7', 'set-1=2', 'set-2=7'])
      assert.match(await kafkaTool('--list'), /^set$/m)
      assert.match(await printed(['groups', 'list']), /^set\tclassic\tEmpty\t-?\t0\t1$/m)
    })

    test('files of offsets go both ways', async () => {
      const ours = join(directory, 'ours.csv')
      const theirs = join(directory, 'theirs.csv')
      const current = ['groups', 'reset-offsets', 'set', '--all-topics', '--to-current', '--export']
      await printed([...current, ours])
      const all = ['--reset-offsets', '--group', 'set', '--all-topics']
      writeFileSync(theirs, await kafkaTool(...all, '--to-current', '--export'))
      const rows = (file: string) => readFileSync(file, 'utf8').split('\n').filter(Boolean).sort()
      assert.deepEqual(rows(theirs), rows(ours))
      await printed(['groups', 'reset-offsets', 'set', '--all-topics', '--to-latest', '--execute'])
      await kafkaTool('--reset-offsets', '--group', 'set', '--from-file', ours, '--execute')
      assert.deepEqual(await offsets('set'), ['set-0=7', 'set-1=2', 'set-2=7'])
      await printed(['groups', 'reset-offsets', 'set', '--all-topics', '--to-latest', '--execute'])
      await printed(['groups', 'reset-offsets', 'set', '--from-file', theirs, '--execute'])
      assert.deepEqual(await offsets('set'), ['set-0=7', 'set-1=2', 'set-2=7'])
    })

    test('offsets and groups are deleted for both', async () => {
      await printed(['groups', 'delete-offsets', 'set', '-t', 'set:0'])
      assert.doesNotMatch(await kafkaTool('--describe', '--group', 'set'), /set +set +0 /)
      await printed(['groups', 'delete', 'set'])
      assert.doesNotMatch(await kafkaTool('--list'), /^set$/m)
      assert.match((await run(['groups', 'describe', 'set'])).noted, /group set does not exist/)
    })

    test('a group is explained by those who keep timelines', async () => {
      await printed(['topics', 'create', 'told'])
      await printed(['produce', 'told'], 'x\n')
      assert.equal(await printed(['consume', 'told', '-g', 'told']), 'x\n')
      const { code, printed: text, noted } = await run(['groups', 'explain', 'told'])
      if (target === 'odradek') assert.match(text, /\tmember-joined\t/)
      else assert.match(noted, /keeps no timelines \(Apache Kafka does not; Odradek does\)/)
      assert.equal(code, target === 'odradek' ? 0 : 1)
    })

    /** Kafka's console consumer as a member of a group. */
    async function javaMember(topic: string, group: string, properties: readonly string[]) {
      const args = [...smallJvm, '-cp', await apacheKafkaClasspath()]
      const tool = [
        'org.apache.kafka.tools.consumer.ConsoleConsumer',
        ...['--bootstrap-server', broker.bootstrapServers, '--topic', topic, '--group', group],
        '--from-beginning',
        ...properties.flatMap((property) => ['--consumer-property', property]),
      ]
      const child = launch('java', [...args, ...tool])
      return { child, printed: collect(child.stdout), noted: collect(child.stderr) }
    }

    const bothIn = async (group: string) =>
      waitFor(`two members with partitions in ${group}`, async () => {
        const { state, members } = await described(group)
        const isShared = members.length === 2 && members.every(({ assignment }) => assignment.length === 2)
        return state === 'Stable' && isShared ? true : undefined
      })
    const allOf = (from: number, to: number, ...texts: string[]) => {
      // The console consumer has remarks about its options among the records.
      const seen = texts.flatMap((text) => text.match(/^v\d+$/gm) ?? [])
      const wanted = Array.from({ length: to - from }, (_, i) => `v${from + i}`)
      return wanted.every((value) => seen.includes(value)) ? seen.length : undefined
    }

    describe('in one group with the console consumer', { concurrency: 3 }, () => {
      for (const [name, ours, theirs] of [
        ['range', ['--protocol', 'classic'], []],
        [
          'cooperative-sticky',
          ['--protocol', 'classic', '--assignor', 'cooperative-sticky'],
          ['partition.assignment.strategy=org.apache.kafka.clients.consumer.CooperativeStickyAssignor'],
        ],
        ['consumer', ['--protocol', 'consumer'], ['group.protocol=consumer']],
      ] as const) {
        // Each broker sees one order, so that there are not too many JVMs.
        const first = target === 'apache' ? 'ours' : 'theirs'
        test(`${name}: shares a group with Kafka's console consumer, ${first} first`, async () => {
          const topic = `${name}-${first}`
          await printed(['topics', 'create', topic, '-p', String(PARTITIONS)])
          const words = ['consume', topic, '-g', topic, ...ours, '--from-beginning', '--follow']
          const startOurs = () => start([...words, '-b', broker.bootstrapServers])
          await produce(topic, 0, 40)
          let mine: Running | undefined
          if (first === 'ours') {
            mine = startOurs()
            await mine.until(/^v39$/m)
          }
          const java = await javaMember(topic, topic, theirs)
          if (mine === undefined) {
            await waitFor('the console consumer', () => allOf(0, 40, java.printed()))
            mine = startOurs()
          }
          const member = mine
          await bothIn(topic)
          await produce(topic, 40, 80)
          await waitFor('records', () => allOf(40, 80, member.printed(), java.printed()))
          assert.ok(/^v[4-7]\d$/m.test(member.printed()), `ours reads its share: ${member.noted()}`)
          assert.ok(/^v[4-7]\d$/m.test(java.printed()), `theirs reads its share: ${java.noted()}`)
          // Now the one that came first goes, and leaves everything to the other.
          if (first === 'ours') assert.equal(await member.interrupt(), 0, member.noted())
          else java.child.kill('SIGTERM')
          await waitFor('one member with everything', async () => {
            const { state, members } = await described(topic)
            return state === 'Stable' && members.length === 1 && members[0]!.assignment.length === 4
              ? true
              : undefined
          })
          await produce(topic, 80, 120)
          const count = await waitFor('the rest', () => allOf(0, 120, member.printed(), java.printed()))
          assert.equal(count, 120, 'nothing twice, since both leave and hand over properly')
          if (first === 'ours') java.child.kill('SIGTERM')
          else assert.equal(await member.interrupt(), 0, member.noted())
          await waitFor('the group to be empty', async () => {
            const { state, lag } = await described(topic)
            return state === 'Empty' && lag === 0 ? true : undefined
          })
        })
      }
    })
  })
}
