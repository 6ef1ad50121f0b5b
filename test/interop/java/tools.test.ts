// Kafka's own tools against the broker under test: kafka-topics, kafka-configs, kafka-get-offsets, kafka-delete-records,
// kafka-log-dirs, kafka-cluster, kafka-broker-api-versions. What they print is compared with what Apache Kafka 4.3 makes them print.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { runJava } from '../../support/apache-kafka.ts'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { type JavaTools, javaSkipReason, startJavaTools, type ToolResult } from '../support/java-programs.ts'
import { waitFor } from '../support/processes.ts'

const topicsTool = 'org.apache.kafka.tools.TopicCommand'
const configsTool = 'kafka.admin.ConfigCommand'
const offsetsTool = 'org.apache.kafka.tools.GetOffsetShell'

describe('Java tools', { skip: javaSkipReason() }, () => {
  let broker: BrokerUnderTest
  let tools: JavaTools
  let node: string

  const server = () => ['--bootstrap-server', broker.bootstrapServers]
  const topics = (...args: string[]) => tools.ok(topicsTool, ...server(), ...args)
  const configs = (...args: string[]) => tools.ok(configsTool, ...server(), ...args)
  const offsets = (...args: string[]) => tools.ok(offsetsTool, ...server(), ...args)

  const refused = async (pattern: RegExp, mainClass: string, ...args: string[]) => {
    const result: ToolResult = await tools.run(mainClass, ...server(), ...args)
    assert.equal(result.exitCode, 1, `${args.join(' ')}: ${result.stdout}`)
    assert.match(result.stdout + result.stderr, pattern)
  }

  /** Repeats a describing call until it prints what it should: metadata follows a change with a small delay. */
  const eventually = (pattern: RegExp, describeIt: () => Promise<string>) => {
    let last = ''
    return waitFor(
      `${pattern}`,
      async () => pattern.test((last = await describeIt())) || undefined,
      10_000,
    ).catch((error) => {
      throw new Error(`${error.message}; the last answer was:\n${last}`)
    })
  }

  before(async () => {
    broker = await startBrokerUnderTest()
    tools = await startJavaTools()
    const listed = await tools.ok('org.apache.kafka.tools.ClusterTool', 'list-endpoints', ...server())
    node = listed.trim().split('\n').at(-1)!.split(/\s+/)[0]!
  })
  after(async () => {
    tools?.stop()
    await broker?.stop()
  })

  const linesOfTopic = (topic: string, partitions: number) =>
    new RegExp(
      `^Topic: ${topic}\\tTopicId: [\\w-]{22}\\tPartitionCount: ${partitions}\\tReplicationFactor: 1\\tConfigs: .*\\n${Array.from(
        { length: partitions },
        (_, partition) =>
          `\\tTopic: ${topic}\\tPartition: ${partition}\\tLeader: ${node}\\tReplicas: ${node}\\tIsr: ${node}\\tElr: .*\\n`,
      ).join('')}$`,
    )

  test('kafka-topics creates, lists, describes, alters and deletes', async () => {
    const created = await topics(
      '--create',
      '--topic',
      'tools.a',
      '--partitions',
      '3',
      '--config',
      'segment.ms=7000',
    )
    assert.match(created, /^Created topic tools\.a\.$/m)
    await topics('--create', '--topic', 'tools.b')
    await topics('--create', '--topic', 'tools.a', '--if-not-exists')
    await refused(/Topic 'tools\.a' already exists/, topicsTool, '--create', '--topic', 'tools.a')
    await refused(
      /Replication factor.*larger|replication factor/i,
      topicsTool,
      ...['--create', '--topic', 'tools.c', '--replication-factor', '3'],
    )
    await refused(/no\.such/, topicsTool, '--create', '--topic', 'tools.c', '--config', 'no.such=1')
    await eventually(/^tools\.a\ntools\.b\n$/, () => topics('--list'))
    await eventually(linesOfTopic('tools.a', 3), () => topics('--describe', '--topic', 'tools.a'))
    assert.match(await topics('--describe', '--topic', 'tools.a'), /Configs: (.*,)?segment\.ms=7000/)
    await eventually(linesOfTopic('tools.b', 1), () => topics('--describe', '--topic', 'tools.b'))
    assert.equal(await topics('--describe', '--unavailable-partitions'), '')
    assert.equal(await topics('--describe', '--under-replicated-partitions'), '')

    await topics('--alter', '--topic', 'tools.a', '--partitions', '6')
    await eventually(linesOfTopic('tools.a', 6), () => topics('--describe', '--topic', 'tools.a'))
    await refused(/has 6 partition/, topicsTool, '--alter', '--topic', 'tools.a', '--partitions', '2')
    await refused(/'absent' does not exist/, topicsTool, '--describe', '--topic', 'absent')

    await topics('--delete', '--topic', 'tools.b')
    await eventually(/^tools\.a\n$/, () => topics('--list'))
    await refused(/'tools\.b' does not exist/, topicsTool, '--delete', '--topic', 'tools.b')
  })

  test('kafka-configs describes and alters topics', async () => {
    await topics('--create', '--topic', 'tools.configs')
    const entity = ['--entity-type', 'topics', '--entity-name', 'tools.configs']
    await eventually(/^Dynamic configs for topic tools\.configs are:\n$/, () =>
      configs('--describe', ...entity),
    )
    const added = 'cleanup.policy=[compact,delete],retention.ms=3600000'
    assert.match(
      await configs('--alter', ...entity, '--add-config', added),
      /^Completed updating config for topic/,
    )
    await eventually(
      /^ {2}cleanup\.policy=compact,delete sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:cleanup\.policy=compact,delete, DEFAULT_CONFIG:log\.cleanup\.policy=delete\}$/m,
      () => configs('--describe', ...entity),
    )
    assert.match(
      await configs('--describe', ...entity),
      /^ {2}retention\.ms=3600000 sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:retention\.ms=3600000\}$/m,
    )
    const all = await configs('--describe', '--all', ...entity)
    assert.match(
      all,
      /^ {2}max\.message\.bytes=1048588 sensitive=false synonyms=\{DEFAULT_CONFIG:message\.max\.bytes=1048588\}$/m,
    )
    assert.match(
      all,
      /^ {2}segment\.bytes=1073741824 sensitive=false synonyms=\{DEFAULT_CONFIG:log\.segment\.bytes=1073741824\}$/m,
    )
    await configs('--alter', ...entity, '--delete-config', 'cleanup.policy,retention.ms')
    await eventually(/^Dynamic configs for topic tools\.configs are:\n$/, () =>
      configs('--describe', ...entity),
    )
    await refused(
      /InvalidConfigurationException: .*no\.such/,
      configsTool,
      '--alter',
      ...entity,
      '--add-config',
      'no.such=1',
    )
    await refused(/retention\.ms/, configsTool, '--alter', ...entity, '--add-config', 'retention.ms=soon')
    await refused(/retention\.ms/, configsTool, '--alter', ...entity, '--add-config', 'retention.ms=-2')
  })

  test('kafka-configs describes and alters brokers', async () => {
    const entity = ['--entity-type', 'brokers', '--entity-name', node]
    const all = await configs('--describe', '--all', ...entity)
    assert.match(all, new RegExp(`^All configs for broker ${node} are:$`, 'm'))
    assert.match(
      all,
      /^ {2}log\.segment\.bytes=1073741824 sensitive=false synonyms=\{DEFAULT_CONFIG:log\.segment\.bytes=1073741824\}$/m,
    )
    assert.match(
      all,
      new RegExp(
        `^ {2}listeners=.*STATIC_BROKER_CONFIG:listeners=PLAINTEXT://${broker.bootstrapServers}`,
        'm',
      ),
    )
    await configs('--alter', ...entity, '--add-config', 'log.retention.ms=1234567')
    await eventually(
      /^ {2}log\.retention\.ms=1234567 sensitive=false synonyms=\{DYNAMIC_BROKER_CONFIG:log\.retention\.ms=1234567/m,
      () => configs('--describe', ...entity),
    )
    await configs('--alter', ...entity, '--delete-config', 'log.retention.ms')
    await eventually(new RegExp(`^Dynamic configs for broker ${node} are:\\n$`), () =>
      configs('--describe', ...entity),
    )
    // A setting that needs a restart, and one that no broker knows.
    await refused(
      /num\.partitions|log\.dirs/,
      configsTool,
      '--alter',
      ...entity,
      '--add-config',
      'log.dirs=/tmp/x',
    )

    const defaults = ['--entity-type', 'brokers', '--entity-default']
    await configs('--alter', ...defaults, '--add-config', 'log.retention.ms=7654321')
    await eventually(
      /^ {2}log\.retention\.ms=7654321 sensitive=false synonyms=\{DYNAMIC_DEFAULT_BROKER_CONFIG:log\.retention\.ms=7654321\}$/m,
      () => configs('--describe', ...defaults),
    )
    await configs('--alter', ...defaults, '--delete-config', 'log.retention.ms')
  })

  test('kafka-get-offsets, kafka-delete-records and kafka-log-dirs', async () => {
    await topics('--create', '--topic', 'tools.offsets', '--partitions', '2')
    const stdin = Array.from({ length: 100 }, (_, line) => `line ${line}\n`).join('')
    const before = Date.now()
    const produced = await runJava(
      'org.apache.kafka.tools.ConsoleProducer',
      [...server(), '--topic', 'tools.offsets', '--command-property', 'partitioner.ignore.keys=true'],
      { stdin },
    )
    assert.equal(produced.code, 0, produced.stderr)
    const ends = (await offsets('--topic', 'tools.offsets')).trim().split('\n')
    const [first, second] = ends.map((line) => Number(line.split(':')[2]))
    assert.deepEqual(ends, [`tools.offsets:0:${first}`, `tools.offsets:1:${second}`])
    assert.equal(first! + second!, 100)
    const full = first! > 0 ? 0 : 1
    const end = Math.max(first!, second!)
    const only = ['--topic-partitions', `tools.offsets:${full}`]
    for (const time of ['-1', 'latest']) {
      assert.equal(await offsets(...only, '--time', time), `tools.offsets:${full}:${end}\n`)
    }
    for (const time of ['-2', 'earliest', '-4', 'earliest-local', String(before - 1)]) {
      assert.equal(await offsets(...only, '--time', time), `tools.offsets:${full}:0\n`)
    }
    const newest = Number((await offsets(...only, '--time', '-3')).trim().split(':')[2])
    assert.ok(newest >= 0 && newest < end, `max timestamp at ${newest}`)
    for (const time of [
      '-5',
      'latest-tiered',
      '-6',
      'earliest-pending-upload',
      String(Date.now() + 60_000),
    ]) {
      assert.equal(await offsets(...only, '--time', time), '', `--time ${time}`)
    }

    const file = join(broker.dataDir, 'delete.json')
    const deleteTo = (offset: number) => {
      const partitions = [{ topic: 'tools.offsets', partition: full, offset }]
      writeFileSync(file, JSON.stringify({ version: 1, partitions }))
      return tools.ok('org.apache.kafka.tools.DeleteRecordsCommand', ...server(), '--offset-json-file', file)
    }
    assert.match(
      await deleteTo(10),
      new RegExp(`^partition: tools\\.offsets-${full}\\tlow_watermark: 10$`, 'm'),
    )
    assert.equal(await offsets(...only, '--time', '-2'), `tools.offsets:${full}:10\n`)
    assert.match(
      await deleteTo(end + 1),
      new RegExp(`^partition: tools\\.offsets-${full}\\terror: .*OffsetOutOfRange`, 'm'),
    )
    assert.match(
      await deleteTo(-1),
      new RegExp(`^partition: tools\\.offsets-${full}\\tlow_watermark: ${end}$`, 'm'),
    )

    const listed = await tools.ok(
      'org.apache.kafka.tools.LogDirsCommand',
      ...server(),
      '--describe',
      '--topic-list',
      'tools.offsets',
    )
    const answer = JSON.parse(listed.trim().split('\n').at(-1)!)
    assert.equal(answer.brokers.length, 1)
    assert.equal(answer.brokers[0].broker, Number(node))
    const [directory] = answer.brokers[0].logDirs
    assert.equal(directory.error, null)
    assert.equal(directory.logDir, broker.logDir)
    const sizes = new Map(
      directory.partitions.map((each: { partition: string; size: number }) => [each.partition, each.size]),
    )
    assert.deepEqual([...sizes.keys()].sort(), ['tools.offsets-0', 'tools.offsets-1'])
    for (const each of directory.partitions) {
      assert.equal(each.offsetLag, 0)
      assert.equal(each.isFuture, false)
    }
  })

  test('kafka-cluster and kafka-broker-api-versions', async () => {
    const id = await tools.ok('org.apache.kafka.tools.ClusterTool', 'cluster-id', ...server())
    assert.match(id, /^Cluster ID: [\w-]{22}\n$/)
    const versions = await tools.ok('org.apache.kafka.tools.BrokerApiVersionsCommand', ...server())
    assert.ok(
      versions.startsWith(`${broker.bootstrapServers} (id: ${node} rack: null isFenced: false) -> (\n`),
    )
    // Everything this issue serves, in the whole range of 4.3.
    for (const line of [
      'Produce(0): 0 to 13',
      'Fetch(1): 4 to 18',
      'ListOffsets(2): 1 to 11',
      'Metadata(3): 0 to 13',
      'FindCoordinator(10): 0 to 6',
      'ApiVersions(18): 0 to 4',
      'CreateTopics(19): 2 to 7',
      'DeleteTopics(20): 1 to 6',
      'DeleteRecords(21): 0 to 2',
      'InitProducerId(22): 0 to 5',
      'OffsetForLeaderEpoch(23): 2 to 4',
      'DescribeConfigs(32): 1 to 4',
      'AlterConfigs(33): 0 to 2',
      'DescribeLogDirs(35): 1 to 5',
      'CreatePartitions(37): 0 to 3',
      'IncrementalAlterConfigs(44): 0 to 1',
      'ListPartitionReassignments(46): 0',
      'DescribeCluster(60): 0 to 2',
      'DescribeProducers(61): 0',
      'DescribeTopicPartitions(75): 0',
    ]) {
      assert.ok(versions.includes(`\t${line} [usable: `), `${line} is not in:\n${versions}`)
    }
  })
})
