import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { DirectoryLockedError } from '../../src/lib/files/files.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { MetaPropertiesError, type PartitionDirectory } from '../../src/log/log-directory.ts'
import {
  appendAndWrite,
  batchOf,
  CLUSTER,
  defaults,
  openDirectory as open,
  readAll,
  restarted,
  TOPIC_ID,
  textIn as text,
  valuesOf,
  workshop,
} from './workshop.ts'

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a log directory', () => {
  test('is made on first use, with its identity, and known again', async () => {
    const world = workshop()
    const first = open(world)
    assert.equal(first.wasClean, false)
    assert.match(first.directoryId, /^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/)
    assert.equal(
      text(world, 'meta.properties'),
      `cluster.id=${CLUSTER}\ndirectory.id=${first.directoryId}\nnode.id=1\nversion=1\n`,
    )
    await first.close([])
    const second = open(restarted(world))
    assert.deepEqual([second.wasClean, second.directoryId], [true, first.directoryId])
    assert.equal(
      world.files.existsSync('data/.kafka_cleanshutdown'),
      false,
      'a stop is unclean until it is not',
    )
  })

  test('of another cluster or another broker is refused, with both names, and left unlocked', async () => {
    const world = workshop()
    await open(world).close([])
    const refused = (options: object, pattern: RegExp) =>
      assert.throws(
        () => open(world, options),
        (error) => error instanceof MetaPropertiesError && pattern.test(error.message),
      )
    refused(
      { clusterId: 'AnotherClusterAnother0' },
      new RegExp(`cluster.id=${CLUSTER}.*AnotherClusterAnother0`),
    )
    refused({ nodeId: 2 }, /node\.id=1.*node\.id=2/)
    open(world)
  })

  test('of a ZooKeeper-based broker (version 0) is taken over', () => {
    const world = workshop()
    world.files.makeDirectorySync('data')
    const old = `#Mon Nov 23\ncluster.id=${CLUSTER}\nversion=0\nbroker.id=1\n`
    world.files.writeFileSync('data/meta.properties', Buffer.from(old))
    const directory = open(world)
    assert.match(text(world, 'meta.properties'), new RegExp(`directory.id=${directory.directoryId}`))
    assert.match(text(world, 'meta.properties'), /version=1/)
  })

  test('with a meta.properties that cannot be read is refused', () => {
    for (const content of ['version=7\n', 'version=1\nnode.id=one\ncluster.id=x\n', 'version=1\n', '']) {
      const world = workshop()
      world.files.makeDirectorySync('data')
      world.files.writeFileSync('data/meta.properties', Buffer.from(content))
      assert.throws(() => open(world), MetaPropertiesError, content)
    }
  })

  test('is used by one broker at a time', async () => {
    const world = workshop()
    const first = open(world)
    assert.throws(() => open(world), DirectoryLockedError)
    await first.close([])
    open(world)
  })

  test('finds its partitions again, with their records, ids and checkpoints', async () => {
    const world = workshop()
    const directory = open(world)
    for (let partition = 0; partition < 3; partition++) {
      const log = directory.createLog('a.b_c-d', partition, TOPIC_ID, defaults)
      for (let i = 0; i <= partition; i++) appendAndWrite(log, batchOf([`${partition}/${i}`]))
      if (partition === 2) log.deleteRecordsTo(2)
    }
    await directory.close([{ topic: 'a.b_c-d', partition: 1, offset: 2 }], 77)
    assert.equal(text(world, '.kafka_cleanshutdown'), '{"version":0,"brokerEpoch":77}')
    assert.equal(text(world, 'replication-offset-checkpoint'), '0\n1\na.b_c-d 1 2\n')
    assert.equal(text(world, 'log-start-offset-checkpoint'), '0\n1\na.b_c-d 2 2\n')
    assert.match(text(world, 'recovery-point-offset-checkpoint'), /^0\n3\n(a\.b_c-d [012] [123]\n){3}$/)
    assert.equal(text(world, 'a.b_c-d-1/partition.metadata'), `version: 0\ntopic_id: ${TOPIC_ID}`)

    const next = restarted(world)
    const again = open(next)
    const found = again.partitions().sort((a, b) => a.partition - b.partition)
    assert.deepEqual(
      found,
      [0, 1, 2].map((partition): PartitionDirectory => ({ topic: 'a.b_c-d', partition, topicId: TOPIC_ID })),
    )
    assert.equal(again.highWatermark('a.b_c-d', 1), 2)
    assert.equal(again.highWatermark('a.b_c-d', 0), 0)
    const logs = found.map((partition) => again.openLog(partition, defaults))
    assert.deepEqual(
      logs.map((log) => valuesOf(readAll(log))),
      [['0/0'], ['1/0', '1/1'], ['2/2']],
    )
    assert.deepEqual(next.reports, [])
  })

  test('a loss of power after a start does not bring the mark of the clean stop back', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const world = workshop({ crashes: true })
      await open(world).close([])
      const next = restarted(world)
      assert.equal(open(next).wasClean, true)
      world.files.crash(new SeededRandom(seed))
      assert.equal(open(restarted(world)).wasClean, false)
    }
  })

  test('closed in order, it has everything after a loss of power', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      let world = workshop({ crashes: true })
      const before = open(world)
      const random = new SeededRandom(seed)
      for (let i = 0; i < 4; i++) {
        const log = before.createLog('topic', i, TOPIC_ID, defaults)
        for (let n = random.below(3); n > 0; n--) appendAndWrite(log, batchOf(['early']), 1)
      }
      if (random.below(2) === 0) await before.close([])
      else world.files.processDied()
      world = restarted(world)
      let directory = open(world)
      const ends = new Map<number, readonly [number, number]>()
      for (const found of directory.partitions()) directory.openLog(found, defaults)
      directory.createLog('topic', 4, TOPIC_ID, defaults)
      for (const { partition, log } of directory.openLogs()) {
        const leaderEpoch = Math.max(log.latestEpoch, random.below(4) + 1)
        log.assignEpochStart(leaderEpoch)
        for (let n = random.below(3) + 1; n > 0; n--) appendAndWrite(log, batchOf(['late']), leaderEpoch)
        if (random.below(3) === 0) await log.sync()
        ends.set(partition, [log.endOffset, log.latestEpoch])
      }
      await directory.close([])
      world.files.crash(random)
      world = restarted(world)
      directory = open(world)
      assert.equal(directory.wasClean, true)
      const found = directory.partitions().map((partition) => {
        const log = directory.openLog(partition, defaults)
        return [partition.partition, [log.endOffset, log.latestEpoch]] as const
      })
      assert.deepEqual(new Map(found.sort()), ends, `seed ${seed}`)
    }
  })

  test('a clean stop syncs each directory once, and what has not changed not at all', async () => {
    const world = workshop()
    const syncs: string[] = []
    const { syncDirectory } = world.files
    world.files.syncDirectory = (path) => {
      syncs.push(path)
      return syncDirectory.call(world.files, path)
    }
    const directory = open(world)
    for (let i = 0; i < 50; i++) {
      appendAndWrite(directory.createLog('topic', i, TOPIC_ID, defaults), batchOf(['x']))
    }
    await directory.close([])
    const partitions = Array.from({ length: 50 }, (_, i) => `data/topic-${i}`)
    assert.deepEqual(syncs.toSorted(), ['data', ...partitions].toSorted())
    syncs.length = 0
    const again = open(restarted(world))
    for (const found of again.partitions()) again.openLog(found, defaults)
    await again.close([])
    assert.deepEqual(syncs, [])
  })

  test('a clean stop writes no producer snapshot for a short log without producers; all producers are known again', async () => {
    const world = workshop()
    const directory = open(world)
    const long = 'x'.repeat(70_000)
    appendAndWrite(directory.createLog('short', 0, TOPIC_ID, defaults), batchOf(['x']))
    appendAndWrite(directory.createLog('long', 0, TOPIC_ID, defaults), batchOf([long]))
    const producer = { producerId: 7, producerEpoch: 1, baseSequence: 0 }
    appendAndWrite(directory.createLog('used', 0, TOPIC_ID, defaults), batchOf(['x'], producer))
    await directory.close([])
    const snapshots = ['short', 'long', 'used'].filter((topic) =>
      world.files.existsSync(`data/${topic}-0/00000000000000000001.snapshot`),
    )
    assert.deepEqual(snapshots, ['long', 'used'])
    const next = restarted(world)
    const again = open(next)
    const producers = again.partitions().map((found) => {
      const log = again.openLog(found, defaults)
      return [found.topic, log.endOffset, log.activeProducers().map(({ producerId }) => producerId)]
    })
    assert.deepEqual(producers.sort(), [
      ['long', 1, []],
      ['short', 1, []],
      ['used', 1, [7]],
    ])
    assert.deepEqual(next.reports, [])
  })

  test('recovers from the checkpointed points after a kill', async () => {
    const world = workshop()
    const directory = open(world)
    const log = directory.createLog('topic', 0, TOPIC_ID, { ...defaults, segmentBytes: 500 })
    for (let i = 0; i < 10; i++) appendAndWrite(log, batchOf(['x'.repeat(200)]))
    await log.sync()
    await directory.checkpointRecoveryPoints()
    await directory.checkpointHighWatermarks([{ topic: 'topic', partition: 0, offset: 10 }])
    assert.equal(text(world, 'recovery-point-offset-checkpoint'), '0\n1\ntopic 0 10\n')
    appendAndWrite(log, batchOf(['after']))
    world.files.processDied()
    const next = restarted(world)
    const again = open(next)
    const recovered = again.openLog(again.partitions()[0]!, defaults)
    assert.deepEqual([recovered.endOffset, recovered.syncedEndOffset], [11, 10])
    assert.equal(again.highWatermark('topic', 0), 10)
    assert.deepEqual(next.reports, [])
  })

  test('deletes a partition at once, and what an earlier deletion left behind', async () => {
    const world = workshop()
    const directory = open(world)
    const log = directory.createLog('topic', 0, TOPIC_ID, defaults)
    appendAndWrite(log, batchOf(['gone']))
    const range = log.read(0, { maxBytes: 100, limitOffset: 1, minOneBatch: true })
    directory.deleteLog('topic', 0)
    assert.deepEqual(directory.partitions(), [])
    assert.ok(range.byteLength > 0)
    const anew = directory.createLog('topic', 0, TOPIC_ID, defaults)
    assert.equal(anew.endOffset, 0)
    const longName = 't'.repeat(249)
    directory.createLog(longName, 0, TOPIC_ID, defaults)
    directory.deleteLog(longName, 0)
    await settled()
    world.files.makeDirectorySync(`data/left-0.${'0'.repeat(32)}-delete/x`)
    world.files.makeDirectorySync(`data/stray-0.${'0'.repeat(32)}-stray`)
    assert.deepEqual(
      directory.partitions().map(({ topic }) => topic),
      ['topic'],
    )
    await settled()
    const names = world.files.listSync('data').filter(({ isDirectory }) => isDirectory)
    assert.deepEqual(names.map(({ name }) => name).sort(), [`stray-0.${'0'.repeat(32)}-stray`, 'topic-0'])
  })

  test('a range that is being sent can be read after its partition was deleted', async () => {
    const world = workshop({ tailMemoryBytes: 0 })
    const directory = open(world)
    const log = directory.createLog('topic', 0, TOPIC_ID, defaults)
    const records = batchOf(['still here'])
    appendAndWrite(log, Buffer.from(records))
    const [part] = log.read(0, { maxBytes: 1000, limitOffset: 1, minOneBatch: true }).parts
    assert.ok(part !== undefined && !(part instanceof Uint8Array))
    directory.deleteLog('topic', 0)
    const target = Buffer.alloc(1000)
    assert.equal(await part.read(target, 0), records.byteLength)
    assert.deepEqual(target.subarray(17, records.byteLength), records.subarray(17))
    part.release()
    part.release()
  })

  test('a checkpoint that cannot be read is reported and done without', () => {
    const world = workshop()
    world.files.makeDirectorySync('data')
    for (const [name, content] of [
      ['recovery-point-offset-checkpoint', '1\n0\n'],
      ['replication-offset-checkpoint', '0\n2\ntopic 0 5\n'],
      ['log-start-offset-checkpoint', '0\n1\ntopic zero 5\n'],
    ] as const) {
      world.files.writeFileSync(`data/${name}`, Buffer.from(content))
    }
    const directory = open(world)
    assert.deepEqual(
      world.reports.map(({ path, reason }) => [path, reason]),
      [
        [
          'data/recovery-point-offset-checkpoint',
          'data/recovery-point-offset-checkpoint, line 1: version 1, but only 0 is known',
        ],
        [
          'data/log-start-offset-checkpoint',
          'data/log-start-offset-checkpoint, line 3: cannot be read: "topic zero 5"',
        ],
        [
          'data/replication-offset-checkpoint',
          'data/replication-offset-checkpoint, line 2: 2 entries announced, 1 found',
        ],
      ],
    )
    assert.equal(directory.highWatermark('topic', 0), 0)
  })

  test('a failed disk is told once, by its path, and its stop is not clean', async () => {
    const world = workshop()
    const directory = open(world)
    const logs = [0, 1].map((partition) => directory.createLog('topic', partition, TOPIC_ID, defaults))
    for (const log of logs) appendAndWrite(log, batchOf(['a']))
    world.files.fail('sync', /\.log$/, 'EIO')
    for (const log of logs) await assert.rejects(log.sync())
    assert.equal(world.failures.length, 1)
    assert.ok(directory.failure !== undefined)
    await directory.close([])
    assert.equal(world.files.existsSync('data/.kafka_cleanshutdown'), false)
  })

  test('a partition without a readable id says so and keeps its records', async () => {
    const world = workshop()
    const directory = open(world)
    appendAndWrite(directory.createLog('topic', 0, TOPIC_ID, defaults), batchOf(['kept']))
    await directory.close([])
    const metadata = 'data/topic-0/partition.metadata'
    world.files.writeFileSync(metadata, Buffer.alloc(0))
    const next = restarted(world)
    const again = open(next)
    const [partition] = again.partitions()
    assert.deepEqual([partition?.topicId, next.reports], [undefined, []])
    world.files.writeFileSync(metadata, Buffer.from('version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA'))
    assert.equal(again.partitions()[0]?.topicId, undefined)
    assert.equal(next.reports[0]?.path, metadata)
    assert.deepEqual(valuesOf(readAll(again.openLog(partition!, defaults))), ['kept'])
    again.writeTopicId('topic', 0, TOPIC_ID)
    assert.equal(again.partitions()[0]?.topicId, TOPIC_ID)
  })
})
