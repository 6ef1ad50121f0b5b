// Settings from a file, the environment and the command line: who wins, and what people are told.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { ConfigError } from '../../src/config/config-error.ts'
import { type ConfigInputs, loadConfig } from '../../src/config/load.ts'

const file = (text: string) => ({ file: { path: 'server.properties', text } })

function problems(inputs: ConfigInputs): string[] {
  try {
    loadConfig(inputs)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    return error.message.split('\n')
  }
  return assert.fail('was accepted')
}

/** The settings of the file that Apache Kafka 4 brings along for a single combined node. */
const kafkaServerProperties = `
process.roles=broker,controller
node.id=1
controller.quorum.bootstrap.servers=localhost:9093
listeners=PLAINTEXT://:9092,CONTROLLER://:9093
inter.broker.listener.name=PLAINTEXT
advertised.listeners=PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL
num.network.threads=3
num.io.threads=8
socket.send.buffer.bytes=102400
socket.receive.buffer.bytes=102400
socket.request.max.bytes=104857600
log.dirs=/tmp/kraft-combined-logs
num.partitions=1
num.recovery.threads.per.data.dir=1
offsets.topic.replication.factor=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
log.retention.hours=168
log.segment.bytes=1073741824
log.retention.check.interval.ms=300000
`

describe('loading the configuration', () => {
  test('--set is stronger than the environment, that than the file, that than the defaults', () => {
    const inputs = {
      ...file('num.partitions=2\nbroker.rack=file\nmessage.max.bytes=1000'),
      env: { ODRADEK_BROKER_RACK: 'environment', ODRADEK_MESSAGE_MAX_BYTES: '2000', PATH: '/bin' },
      sets: ['message.max.bytes=3000', 'message.max.bytes=4000'],
    }
    const { config, entries, warnings } = loadConfig(inputs)
    assert.equal(config.numPartitions, 2)
    assert.equal(config.brokerRack, 'environment')
    assert.equal(config.messageMaxBytes, 4000)
    assert.equal(config.defaultReplicationFactor, 1)
    assert.deepEqual([...entries].sort(), [
      ['broker.rack', 'environment'],
      ['message.max.bytes', '4000'],
      ['num.partitions', '2'],
    ])
    assert.deepEqual(warnings, [])
  })

  test('a stronger layer decides also where it uses another unit or the older name', () => {
    const weak = file('log.retention.ms=1\nlog.dirs=/file\nnode.id=1')
    const { config } = loadConfig({
      ...weak,
      env: { ODRADEK_LOG_DIR: '/environment' },
      sets: ['log.retention.hours=1', 'broker.id=5'],
    })
    assert.equal(config.logRetentionMs, 3_600_000)
    assert.deepEqual(config.logDirs, ['/environment'])
    assert.equal(config.nodeId, 5)
  })

  test('a variable names a setting of Kafka or one of our own, without the prefix twice', () => {
    const { config } = loadConfig({
      env: {
        ODRADEK_LISTENERS: 'PLAINTEXT://:1',
        ODRADEK_LOG_TAIL_MEMORY_BYTES: '7',
        ODRADEK_LOG_DIR: undefined,
      },
    })
    assert.deepEqual(config.listeners, ['PLAINTEXT://:1'])
    assert.equal(config.odradekLogTailMemoryBytes, 7)
    const full = loadConfig({ env: { ODRADEK_ODRADEK_LOG_TAIL_MEMORY_BYTES: '8' } })
    assert.equal(full.config.odradekLogTailMemoryBytes, 8)
  })

  test("Kafka's own server.properties is taken, with a warning for each setting that has no effect", () => {
    const { config, warnings } = loadConfig(file(kafkaServerProperties))
    assert.deepEqual(config.logDirs, ['/tmp/kraft-combined-logs'])
    assert.equal(
      warnings[0],
      'server.properties line 2: process.roles: is known to Apache Kafka, but has no effect here',
    )
    const named = warnings.map((warning) => warning.split(': ')[1])
    assert.ok(named.includes('num.io.threads'))
    assert.equal(named.includes('log.retention.hours'), false)
  })

  test('a setting of Kafka without effect is an error where it was asked for by hand', () => {
    const text = 'num.io.threads: is known to Apache Kafka, but has no effect here; leave it out'
    assert.deepEqual(problems({ sets: ['num.io.threads=4'] }), [`--set: ${text}`])
    assert.deepEqual(problems({ env: { ODRADEK_NUM_IO_THREADS: '4' } }), [
      `environment variable ODRADEK_NUM_IO_THREADS: ${text}`,
    ])
  })

  test('every problem is told at once, each with the place it was said at', () => {
    const inputs = {
      ...file('# mine\nnum.partitions=none\nnum.partitons=3\n'),
      env: { ODRADEK_LISTNERS: 'x' },
      sets: ['log.segment.bytes', 'min.insync.replicas=0', 'prt=9092'],
    }
    assert.deepEqual(problems(inputs), [
      'environment variable ODRADEK_LISTNERS: listners: is not a setting of this broker; did you mean listeners?',
      '--set: log.segment.bytes: has no value; write --set key=value',
      "server.properties line 2: num.partitions: 'none' is not a whole number of type int; allowed: 1 to 2147483647",
      'server.properties line 3: num.partitons: is not a setting of this broker; did you mean num.partitions?',
      "--set: min.insync.replicas: '0' is out of range; allowed: 1 to 2147483647",
      '--set: prt: is not a setting of this broker',
    ])
    assert.deepEqual(problems(file('a=\\u12')), [
      'server.properties: line 1: \\u must be followed by four hexadecimal digits',
    ])
  })

  test('a key given twice in the file takes its last value, with a warning', () => {
    const { config, warnings } = loadConfig(file('num.partitions=2\nnum.partitions=3'))
    assert.equal(config.numPartitions, 3)
    assert.deepEqual(warnings, [
      'server.properties line 2: num.partitions: replaces the value of server.properties line 1',
    ])
  })

  test('a value of --set may hold further equals signs', () => {
    assert.equal(loadConfig({ sets: ['broker.rack=a=b'] }).config.brokerRack, 'a=b')
  })
})
