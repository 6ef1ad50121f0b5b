// What is done from time to time, on a simulated clock: at the intervals of the settings, again after a failure, and never
// after the end.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { type BrokerConfig, parseBrokerConfig } from '../../src/config/broker-config.ts'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { logEnvironment } from '../../src/log/environment.ts'
import { LogDirectory } from '../../src/log/log-directory.ts'
import { AppendQueue } from '../../src/partition/append-queue.ts'
import { Housekeeping } from '../../src/partition/housekeeping.ts'
import { Replicas } from '../../src/partition/replicas.ts'
import { batchOf } from '../support/calls.ts'
import { noteLines } from '../support/local-broker.ts'
import { ImageFeed, NODE_ID, settle, topicConfig, topicImage } from './stage.ts'

interface House {
  readonly files: SimulatedFiles
  readonly clock: SimulatedClock
  readonly replicas: Replicas
  readonly housekeeping: Housekeeping
  readonly lines: ReturnType<typeof noteLines>['lines']
  config: BrokerConfig
  append(
    value: string,
    options?: { timestamp?: number; producerId?: number; partition?: number },
  ): Promise<void>
  /** Lets time pass, and with it what falls due. */
  pass(ms: number): Promise<void>
  checkpoint(name: string): string
}

function keepHouse(
  context: TestContext,
  settings: Readonly<{ [key: string]: string }> = {},
  configs: Readonly<{ [key: string]: string }> = {},
  paths: readonly string[] = ['data'],
): House {
  const clock = new SimulatedClock()
  const files = new SimulatedFiles({ wallMs: () => clock.wallMs() })
  const { logger, lines } = noteLines()
  const environment = logEnvironment({ files, clock, random: new SeededRandom(1) })
  const directories = paths.map(
    (path) => new LogDirectory(environment, { path, clusterId: 'cluster', nodeId: NODE_ID }),
  )
  const config = topicConfig(configs)
  const replicas = new Replicas({
    nodeId: NODE_ID,
    clock,
    logger,
    appendQueue: new AppendQueue(clock),
    directories,
    topicConfig: () => config,
  })
  new ImageFeed(replicas).put(topicImage('topic', { partitions: 2 }))
  const house = { config: parseBrokerConfig(settings) }
  const housekeeping = new Housekeeping({
    config: () => house.config,
    clock,
    logger,
    replicas,
    directories,
  })
  context.after(() => housekeeping.close())
  housekeeping.start()
  let sequence = 0
  return Object.assign(house, {
    files,
    clock,
    replicas,
    housekeeping,
    lines,
    async append(value: string, { timestamp = clock.wallMs(), producerId = -1, partition = 0 } = {}) {
      const producer = producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence: sequence++ }
      const batch = batchOf([value], { timestamp, ...producer })
      const { written } = replicas
        .find('topic', partition)!
        .append(batch, { origin: 'client', acks: 1, retain: false })
      clock.advance(0)
      await written
    },
    async pass(ms: number) {
      // In small steps: what wakes up starts things that go on later.
      for (let left = ms; left > 0; left -= 500) {
        clock.advance(Math.min(500, left))
        await settle()
      }
    },
    checkpoint(name: string) {
      const path = `data/${name}`
      return files.existsSync(path) ? files.readFileSync(path).toString() : ''
    },
  })
}

describe('Housekeeping', () => {
  test('deletes segments that are too old, at log.retention.check.interval.ms', async (context) => {
    const house = keepHouse(
      context,
      { 'log.retention.check.interval.ms': '10000' },
      { 'retention.ms': '60000' },
    )
    await house.append('old')
    const { log } = house.replicas.find('topic', 0)!
    await house.pass(60_000)
    assert.equal(log.startOffset, 0)
    await house.pass(10_000)
    assert.equal(log.startOffset, 1)
    await house.append('new')
    await house.pass(20_000)
    assert.equal(log.startOffset, 1)
  })

  test('takes up an altered interval at its next turn', async (context) => {
    const house = keepHouse(context, { 'log.retention.check.interval.ms': '100000' }, { 'retention.ms': '1' })
    await house.append('old')
    house.config = parseBrokerConfig({ 'log.retention.check.interval.ms': '1000' })
    const { log } = house.replicas.find('topic', 0)!
    await house.pass(100_000)
    assert.equal(log.startOffset, 1)
    await house.append('old')
    await house.pass(1500)
    assert.equal(log.startOffset, 2)
  })

  test('syncs a log that nobody appends to within a second of its flush.ms', async (context) => {
    const house = keepHouse(context, {}, { 'flush.ms': '3000' })
    await house.append('x')
    const { log } = house.replicas.find('topic', 0)!
    await house.pass(2500)
    assert.equal(log.syncedEndOffset, 0)
    await house.pass(1500)
    assert.equal(log.syncedEndOffset, 1)
  })

  test('writes down recovery points and high watermarks at their intervals', async (context) => {
    const house = keepHouse(
      context,
      {
        'log.flush.offset.checkpoint.interval.ms': '20000',
        'replica.high.watermark.checkpoint.interval.ms': '5000',
      },
      { 'flush.ms': '1000' },
    )
    await house.append('x')
    await house.pass(5000)
    assert.match(house.checkpoint('replication-offset-checkpoint'), /^topic 0 1$/m)
    assert.equal(house.checkpoint('recovery-point-offset-checkpoint'), '')
    await house.pass(15_000)
    assert.match(house.checkpoint('recovery-point-offset-checkpoint'), /^topic 0 1$/m)
    await house.append('y')
    await house.pass(5000)
    assert.match(house.checkpoint('replication-offset-checkpoint'), /^topic 0 2$/m)
  })

  test('forgets producers that have been silent for producer.id.expiration.ms, as it is in force then', async (context) => {
    const house = keepHouse(context, {
      'producer.id.expiration.check.interval.ms': '1000',
      'producer.id.expiration.ms': '3600000',
    })
    await house.append('x', { producerId: 5 })
    const { log } = house.replicas.find('topic', 0)!
    await house.pass(20_000)
    assert.equal(log.activeProducers().length, 1)
    house.config = parseBrokerConfig({
      'producer.id.expiration.check.interval.ms': '1000',
      'producer.id.expiration.ms': '10000',
    })
    await house.pass(2000)
    assert.equal(log.activeProducers().length, 0)
  })

  test('tells of a failure, leaves the other work alone and tries again', async (context) => {
    const house = keepHouse(context, {
      'log.flush.offset.checkpoint.interval.ms': '5000',
      'replica.high.watermark.checkpoint.interval.ms': '5000',
    })
    await house.append('x')
    const mend = house.files.fail('open', /replication-offset-checkpoint/, 'EACCES')
    await house.pass(10_500)
    const told = house.lines.filter(({ level }) => level === 'error')
    assert.equal(told.length, 2)
    assert.match(JSON.stringify(told[0]), /high watermarks.*EACCES/)
    assert.notEqual(house.checkpoint('recovery-point-offset-checkpoint'), '')
    mend()
    await house.pass(5000)
    assert.match(house.checkpoint('replication-offset-checkpoint'), /^topic 0 1$/m)
  })

  test('of one log that fails does not keep the others waiting', async (context) => {
    const house = keepHouse(context, { 'log.retention.check.interval.ms': '1000' }, { 'retention.ms': '1' })
    for (const partition of [0, 1]) await house.append('old', { partition })
    const mend = house.files.fail('open', /topic-0\/0+1\.log/, 'ENOSPC')
    await house.pass(1500)
    const starts = () => [0, 1].map((index) => house.replicas.find('topic', index)!.log.startOffset)
    assert.deepEqual(starts(), [0, 1])
    const told = house.lines.filter(({ level }) => level === 'error')
    assert.match(JSON.stringify(told), /retention.*ENOSPC/)
    mend()
    await house.pass(1500)
    assert.deepEqual(starts(), [1, 1])
  })

  test('leaves a directory alone whose disk has failed, and goes on with the others', async (context) => {
    const settings = { 'log.flush.offset.checkpoint.interval.ms': '1000' }
    const house = keepHouse(context, settings, { 'flush.ms': '1000' }, ['data', 'other'])
    for (const partition of [0, 1]) await house.append('x', { partition })
    house.files.fail('sync', /^data\/topic-0/, 'EIO')
    await house.pass(4000)
    const synced = [0, 1].map((index) => house.replicas.find('topic', index)!.log.syncedEndOffset)
    assert.deepEqual(synced, [0, 1])
    const told = house.lines.filter(({ level }) => level === 'error')
    assert.deepEqual(told, [], 'the disk is told of when it fails')
    assert.match(
      house.files.readFileSync('other/recovery-point-offset-checkpoint').toString(),
      /^topic 1 1$/m,
    )
  })

  test('does nothing any more once it is closed, not even what was under way', async (context) => {
    const house = keepHouse(context, { 'log.retention.check.interval.ms': '1000' }, { 'retention.ms': '1' })
    house.housekeeping.close()
    await house.append('old')
    await house.pass(10_000)
    assert.equal(house.replicas.find('topic', 0)!.log.startOffset, 0)
    assert.equal(house.clock.nextDueMs(), undefined)
  })
})
