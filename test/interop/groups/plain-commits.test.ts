// Consumers that choose their partitions themselves and commit all the same: no member of any group, yet the group remembers.
// Each client goes on where the group stands, also after the broker died of SIGKILL; and is refused while the group has members.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { findCoordinator } from '../../../src/wire/apis/find-coordinator.ts'
import { offsetFetch } from '../../../src/wire/apis/offset-fetch.ts'
import { errors } from '../../../src/wire/errors.ts'
import { append, makeTopic } from '../../support/calls.ts'
import { RawClient } from '../../support/raw-client.ts'
import { startGroupBroker, withGroup } from '../programs/group-scenarios.ts'
import {
  pythonEnvironment,
  pythonInterpreter,
  pythonSkipReason,
  pythonSource,
} from '../python/environment.ts'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { skipWithout } from '../support/languages.ts'
import { runOk, waitFor } from '../support/processes.ts'
import { allVariants, goMember, goSkipReason } from './members.ts'

const PARTITIONS = 2
const RECORDS = 90
const AT_A_TIME = 30

/** From where to where each partition was read, or why the commit was refused. */
type Outcome = Readonly<Record<string, readonly [from: number, to: number] | number | string>>

interface PlainReader {
  readonly name: string
  readonly skip: string | false
  read(broker: BrokerUnderTest, group: string, topic: string): Promise<Outcome>
}

const python = (name: string, client: string): PlainReader => ({
  name,
  skip: pythonSkipReason(),
  read: async (broker, group, topic) => {
    const program = pythonSource('../groups/python/plain_reader.py')
    const args = [program, client, broker.bootstrapServers, group, topic, `${PARTITIONS}`, `${AT_A_TIME}`]
    const { stdout } = await runOk(await pythonInterpreter(), args, { env: pythonEnvironment })
    return JSON.parse(stdout)
  },
})

const go = (name: 'franz-go' | 'sarama'): PlainReader => ({
  name,
  skip: goSkipReason(),
  read: async (broker, group, topic) => {
    const { command } = await goMember(name)
    const where = ['--bootstrap', broker.bootstrapServers, '--group', group, '--topics', topic]
    const howMany = ['--partitions', `${PARTITIONS}`, '--count', `${AT_A_TIME}`]
    const { stdout } = await runOk(command, [`plain-${name}`, ...where, ...howMany])
    return JSON.parse(stdout)
  },
})

/** The code, or what kafka-python and aiokafka call it. */
const refusals = new Set<number | string>([errors.UNKNOWN_MEMBER_ID.code, 'CommitFailedError'])

/** While a broker that has just started reads its groups. */
const notYet = new Set<number>([
  errors.COORDINATOR_LOAD_IN_PROGRESS.code,
  errors.COORDINATOR_NOT_AVAILABLE.code,
  errors.NOT_COORDINATOR.code,
])

const readers = [
  python('librdkafka', 'confluent'),
  python('kafka-python', 'kafka_python'),
  python('aiokafka', 'aiokafka'),
  go('franz-go'),
  go('sarama'),
]

describe('commits of consumers without a group protocol', () => {
  let broker: BrokerUnderTest

  before(async () => {
    broker = await startGroupBroker()
  })
  after(() => broker?.stop())

  const withClient = async <Result>(use: (client: RawClient) => Promise<Result>): Promise<Result> => {
    const client = await RawClient.connect(Number(broker.bootstrapServers.split(':')[1]))
    try {
      return await use(client)
    } finally {
      client.close()
    }
  }

  const fill = (topic: string): Promise<void> =>
    withClient(async (client) => {
      await makeTopic(client, topic, { partitions: PARTITIONS })
      const values = Array.from({ length: RECORDS }, (_, index) => `value ${index}`)
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        await waitFor('a topic that takes records', async () => {
          const appended = await append(client, topic, values, { partition }).catch(() => undefined)
          return appended
        })
      }
    })

  const committed = (group: string): Promise<number[]> =>
    withClient(async (client) => {
      const request = { groupId: group, topics: null, requireStable: true }
      const answer = await waitFor('the coordinator of the group', async () => {
        // Asking for one has the broker make `__consumer_offsets`.
        await client.ask(findCoordinator, 4, { keyType: 0, coordinatorKeys: [group] })
        const { errorCode, topics } = await client.ask(offsetFetch, 7, request)
        if (errorCode === 0) return { topics }
        assert.ok(notYet.has(errorCode), `OffsetFetch: ${errorCode}`)
        return undefined
      })
      const [topic] = answer.topics
      return [...(topic?.partitions ?? [])]
        .sort((one, other) => one.partitionIndex - other.partitionIndex)
        .map(({ committedOffset }) => committedOffset)
    })

  test('each client goes on where the group stands, also when the broker was killed in between', async () => {
    const there = readers.filter(({ skip }) => !skip)
    const topicOf = ({ name }: PlainReader) => `plain-${name}`
    for (const reader of there) {
      const [group, topic] = [`group-${reader.name}`, topicOf(reader)]
      await fill(topic)
      // librdkafka asks once where to begin, and stays where it is when there is no coordinator yet.
      assert.deepEqual(await committed(group), [])
      assert.deepEqual(await reader.read(broker, group, topic), { 0: [0, 30], 1: [0, 30] }, reader.name)
      assert.deepEqual(await reader.read(broker, group, topic), { 0: [30, 60], 1: [30, 60] }, reader.name)
      assert.deepEqual(await committed(group), [60, 60], reader.name)
    }
    await broker.kill9()
    await broker.restart()
    for (const reader of there) {
      const group = `group-${reader.name}`
      assert.deepEqual(await committed(group), [60, 60], `${reader.name} after the restart`)
      const read = await reader.read(broker, group, topicOf(reader))
      assert.deepEqual(read, { 0: [60, 90], 1: [60, 90] }, reader.name)
    }
  })

  test('kcat goes on at the stored offset', { skip: skipWithout('kcat', ['kcat'], ['kcat']) }, async () => {
    await fill('plain-kcat')
    const read = async () => {
      const where = ['-b', broker.bootstrapServers, '-C', '-q', '-t', 'plain-kcat', '-p', '0', '-o', 'stored']
      const how = ['-c', `${AT_A_TIME}`, '-f', '%o ', '-X', 'group.id=group-kcat']
      // The topic's own commits, from before there were groups.
      const { stdout } = await runOk('kcat', [...where, ...how, '-X', 'topic.auto.offset.reset=earliest'])
      const offsets = stdout.trim().split(' ').map(Number)
      return [offsets[0], offsets.at(-1)]
    }
    assert.deepEqual(await read(), [0, 29])
    assert.deepEqual(await read(), [30, 59])
  })

  for (const protocol of ['cooperative', 'consumer']) {
    const variant = allVariants.find(({ name }) => name === `librdkafka, ${protocol}`)!
    const title = `a group with members (${protocol}) refuses the commits of others`
    test(title, { skip: variant.skip }, async () => {
      const topic = `members-${protocol}`
      await fill(topic)
      const group = `group-${protocol}`
      const options = { args: variant.args, group }
      await withGroup(broker, await variant.program(), options, async (scenario) => {
        const member = scenario.join('member')
        await scenario.balanced(member)
        for (const reader of readers) {
          if (reader.skip) continue
          const { error } = await reader.read(broker, group, topic)
          assert.ok(refusals.has(error as number | string), `${reader.name}: ${error}`)
        }
        await scenario.finish()
      })
    })
  }
})
