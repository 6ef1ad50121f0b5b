// Data directories that our metadata store knows nothing of: what Kafka's metadata log says about them, and what is done
// without one. The real thing, a directory that Kafka wrote, is opened by the interop tests.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { adoptable, type FoundPartition } from '../../src/cluster/adopt.ts'
import { readKraftLog } from '../../src/cluster/kraft-log.ts'
import { kraftMessages, recordType } from '../../src/cluster/kraft-records.ts'
import { openLocalCluster } from '../../src/cluster/local-cluster.ts'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { type Logger, silentLogger } from '../../src/lib/logger.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { buildBatch } from '../../src/wire/records/build.ts'
import { Writer } from '../../src/wire/writer.ts'

const DATA = '/data'
const METADATA = `${DATA}/__cluster_metadata-0`
const T = 'tttttttttttttttttttttQ'
const U = 'uuuuuuuuuuuuuuuuuuuuuQ'

function frame(type: number, version: number, write: (writer: Writer) => void): Buffer {
  const writer = new Writer()
  writer.uvarint(1)
  writer.uvarint(type)
  writer.uvarint(version)
  write(writer)
  return Buffer.concat(writer.finish().chunks as Uint8Array[])
}

const record = {
  topic: (name: string, topicId: string) =>
    frame(recordType.topic, 0, (w) => kraftMessages.topic.encode(w, { name, topicId }, 0)),
  partition: (topicId: string, partitionId: number, leaderEpoch = 0, version = 1) =>
    frame(recordType.partition, version, (w) => {
      const replicas = { replicas: [1, 2], isr: [1], removingReplicas: [], addingReplicas: [] }
      kraftMessages.partition.encode(
        w,
        { topicId, partitionId, leaderEpoch, leader: 1, ...replicas, directories: [T, U] },
        version,
      )
    }),
  change: (topicId: string, partitionId: number, leader?: number) =>
    frame(recordType.partitionChange, 1, (w) =>
      kraftMessages.partitionChange.encode(
        w,
        { topicId, partitionId, ...(leader !== undefined && { leader }) },
        1,
      ),
    ),
  config: (resourceType: number, resourceName: string, name: string, value: string | null) =>
    frame(recordType.config, 0, (w) =>
      kraftMessages.config.encode(w, { resourceType, resourceName, name, value }, 0),
    ),
  remove: (topicId: string) =>
    frame(recordType.removeTopic, 0, (w) => kraftMessages.removeTopic.encode(w, { topicId }, 0)),
  ids: (nextProducerId: number) =>
    frame(recordType.producerIds, 0, (w) =>
      kraftMessages.producerIds.encode(w, { brokerId: 1, brokerEpoch: 5, nextProducerId }, 0),
    ),
  /** Types that nobody here reads, and the borders of transactions: empty but for their tags. */
  bare: (type: number) => frame(type, 0, (w) => w.uvarint(0)),
}

function batchOf(baseOffset: number, values: readonly Buffer[], control = false): Buffer {
  const records = values.map((value) => ({ timestamp: 1, key: null, value }))
  return buildBatch({ records, baseOffset, control })
}

/** Files of a metadata log: a name, and batches with their base offsets. */
function kafkaDisk(contents: Record<string, readonly Buffer[]>): SimulatedFiles {
  const files = new SimulatedFiles()
  files.makeDirectorySync(METADATA)
  for (const [name, batches] of Object.entries(contents)) {
    files.writeFileSync(`${METADATA}/${name}`, Buffer.concat(batches))
  }
  return files
}

const SEGMENT = `${'0'.repeat(20)}.log`

function warnings(): { logger: Logger; lines: string[] } {
  const lines: string[] = []
  const logger: Logger = { ...silentLogger, warn: (message) => lines.push(message), child: () => logger }
  return { logger, lines }
}

function adopt(files: SimulatedFiles, found: readonly FoundPartition[], logger = silentLogger) {
  return adoptable(
    { files, logDirectories: ['/other', DATA], nodeId: 1, random: new SeededRandom(1), logger },
    found,
  )
}

describe("Kafka's metadata log", () => {
  test('is read from the newest snapshot on, without what the snapshot covers', () => {
    const files = kafkaDisk({
      '00000000000000000002-0000000001.checkpoint': [batchOf(0, [record.topic('old', U)])],
      '00000000000000000010-0000000001.checkpoint': [
        batchOf(0, [Buffer.from('header')], true),
        batchOf(1, [
          record.topic('t', T),
          record.partition(T, 0, 3),
          record.config(2, 't', 'retention.ms', '1'),
        ]),
        batchOf(4, [Buffer.from('footer')], true),
      ],
      [SEGMENT]: [
        batchOf(0, [record.topic('covered', U)]),
        batchOf(9, [record.topic('covered', U), record.config(2, 't', 'retention.ms', '2')]),
      ],
      '00000000000000000011.log': [batchOf(11, [record.ids(7000)])],
      'quorum-state': [Buffer.from('{}')],
    })
    const state = readKraftLog(files, [DATA])
    assert.deepEqual([...state!.topicsById.keys()], [T])
    assert.deepEqual(state!.topicsById.get(T)?.leaderEpochs, new Map([[0, 3]]))
    assert.deepEqual(state!.configs.get('2/t'), new Map([['retention.ms', '2']]))
    assert.equal(state!.nextProducerId, 7000)
  })

  test('is followed through changes: leaders, settings, deleted topics', () => {
    const log = [
      batchOf(0, [
        record.topic('t', T),
        record.partition(T, 0),
        record.partition(T, 1, 0, 2),
        record.bare(12),
      ]),
      batchOf(4, [record.change(T, 0, -1), record.change(T, 0, 1), record.change(T, 1)]),
      batchOf(7, [
        record.config(2, 't', 'a', '1'),
        record.config(2, 't', 'b', '2'),
        record.config(2, 't', 'a', null),
      ]),
      batchOf(10, [record.topic('u', U), record.config(2, 'u', 'a', '1'), record.remove(U)]),
    ]
    const state = readKraftLog(kafkaDisk({ [SEGMENT]: log }), [DATA])!
    assert.deepEqual(
      [...state.topicsById.get(T)!.leaderEpochs],
      [
        [0, 2],
        [1, 0],
      ],
    )
    assert.deepEqual(state.configs.get('2/t'), new Map([['b', '2']]))
    assert.equal(state.topicsById.has(U), false)
    assert.equal(state.configs.has('2/u'), false)
  })

  test('counts a transaction when it has ended, and not when it was aborted or never ended', () => {
    const { beginTransaction, endTransaction, abortTransaction } = recordType
    const log = [
      batchOf(0, [record.bare(beginTransaction), record.topic('t', T), record.bare(endTransaction)]),
      batchOf(3, [record.bare(beginTransaction), record.topic('u', U), record.bare(abortTransaction)]),
      batchOf(6, [record.bare(beginTransaction), record.remove(T)]),
    ]
    const state = readKraftLog(kafkaDisk({ [SEGMENT]: log }), [DATA])!
    assert.deepEqual([...state.topicsById.keys()], [T])
  })

  test('is read up to a torn end', () => {
    const whole = batchOf(0, [record.topic('t', T)])
    const torn = batchOf(1, [record.topic('u', U)])
    for (let cut = 0; cut < torn.length; cut += 7) {
      const state = readKraftLog(kafkaDisk({ [SEGMENT]: [whole, torn.subarray(0, cut)] }), [DATA])!
      assert.deepEqual([...state.topicsById.keys()], [T])
    }
    torn[70]! ^= 1
    assert.equal(readKraftLog(kafkaDisk({ [SEGMENT]: [whole, torn] }), [DATA])!.topicsById.size, 1)
  })
})

describe('topics that Kafka left on the disk', () => {
  const log = [
    batchOf(0, [record.topic('t', T), record.partition(T, 0, 4), record.partition(T, 1, 4)]),
    batchOf(3, [
      record.config(2, 't', 'cleanup.policy', 'compact'),
      record.config(2, 't', 'no.such.key', '1'),
    ]),
    batchOf(5, [
      record.config(4, '', 'log.retention.ms', '5'),
      record.config(4, '1', 'log.dirs', '/x'),
      record.config(32, 'a/b', 'consumer.session.timeout.ms', '50000'),
      record.config(32, 'a/b', 'share.session.timeout.ms', '50000'),
      record.config(32, 'shared', 'share.session.timeout.ms', '50000'),
      record.ids(3000),
    ]),
  ]

  test('keep id, settings and a leader epoch that is new to their logs', () => {
    const { logger, lines } = warnings()
    const found = [
      { topic: 't', partition: 0, topicId: T },
      { topic: 't', partition: 1, topicId: T },
    ]
    const files = kafkaDisk({ [SEGMENT]: log })
    files.makeDirectorySync(`${DATA}/t-0`)
    files.writeFileSync(`${DATA}/t-0/leader-epoch-checkpoint`, Buffer.from('0\n2\n7 0\n9 12\n'))
    files.makeDirectorySync(`${DATA}/t-1`)
    files.writeFileSync(`${DATA}/t-1/leader-epoch-checkpoint`, Buffer.from('0\n0\n'))
    const { topics, brokerConfigs, groupConfigs, nextProducerId } = adopt(files, found, logger)
    assert.equal(topics.length, 1)
    const [topic] = topics
    assert.deepEqual([topic?.id, topic?.name], [T, 't'])
    assert.deepEqual(topic?.configs, new Map([['cleanup.policy', 'compact']]))
    assert.deepEqual(
      topic?.partitions.map(({ leaderEpoch, leader, replicas }) => [leaderEpoch, leader, replicas]),
      [
        [10, 1, [1]],
        [5, 1, [1]],
      ],
    )
    assert.deepEqual(brokerConfigs, new Map([['default', new Map([['log.retention.ms', '5']])]]))
    assert.deepEqual(groupConfigs, new Map([['a/b', new Map([['consumer.session.timeout.ms', '50000']])]]))
    assert.equal(nextProducerId, 3000)
    assert.equal(
      lines.length,
      4,
      'the unknown setting, the one that cannot be altered, those of share groups',
    )
  })

  test('stay away when Kafka had deleted them, or has another topic of that name', () => {
    const { logger, lines } = warnings()
    const found = [
      { topic: 'u', partition: 0, topicId: U },
      { topic: 't', partition: 0, topicId: U },
      { topic: 't', partition: 1, topicId: T },
      { topic: '__cluster_metadata', partition: 0, topicId: 'AAAAAAAAAAAAAAAAAAAAAQ' },
    ]
    const { topics } = adopt(kafkaDisk({ [SEGMENT]: log }), found, logger)
    assert.deepEqual(
      topics.map(({ name, id }) => [name, id]),
      [['t', T]],
    )
    assert.ok(lines.some((line) => line.includes('deleted')))
    assert.ok(lines.some((line) => line.includes('older topic')))
  })
})

describe('topics whose metadata is lost', () => {
  test('are adopted with their ids; internal ones with the settings they cannot do without', () => {
    const found = [
      { topic: 't', partition: 2, topicId: T },
      { topic: '__consumer_offsets', partition: 0, topicId: U },
      { topic: 'ancient', partition: 0 },
    ]
    const { logger, lines } = warnings()
    const { topics, nextProducerId } = adopt(new SimulatedFiles(), found, logger)
    assert.ok(nextProducerId >= 1000 && Number.isSafeInteger(nextProducerId), `${nextProducerId}`)
    assert.deepEqual(
      topics.map(({ name, partitions, internal }) => [name, partitions.length, internal]),
      [
        ['t', 3, false],
        ['__consumer_offsets', 1, true],
        ['ancient', 1, false],
      ],
    )
    assert.equal(topics[0]?.id, T)
    assert.equal(topics[1]?.configs.get('cleanup.policy'), 'compact')
    assert.match(topics[2]!.id, /^[\w-]{22}$/)
    assert.ok(lines.some((line) => line.includes('begin empty')))
  })

  test('are left alone when their numbers would fill the memory', () => {
    const { topics } = adopt(new SimulatedFiles(), [{ topic: 't', partition: 999_999_999, topicId: T }])
    assert.deepEqual(topics, [])
  })
})

describe('a local cluster', () => {
  const options = (files: SimulatedFiles, found: readonly FoundPartition[] = []) => {
    const config = parseBrokerConfig({})
    return {
      files,
      logDirectories: new Map([['id', DATA]]),
      clusterId: 'cluster-1',
      broker: { id: 1, rack: null, endpoints: [] },
      config: () => config,
      staticEntries: new Map(),
      found: () => found,
      wasUnclean: false,
      random: new SeededRandom(1),
      logger: silentLogger,
    }
  }
  const newDisk = () => {
    const files = new SimulatedFiles({ crashes: true })
    files.makeDirectorySync(DATA)
    return files
  }

  test('is its own controller, and adopts what it finds the first time only', async () => {
    const files = newDisk()
    const first = await openLocalCluster(options(files, [{ topic: 't', partition: 0, topicId: T }]))
    await first.view.applied()
    const image = first.view.image()
    assert.deepEqual([image.controllerId, image.clusterId, [...image.brokers.keys()]], [1, 'cluster-1', [1]])
    assert.deepEqual([...image.topics.keys()], ['t'])
    await first.close()
    const found = [
      { topic: 't', partition: 0, topicId: T },
      { topic: 'stray', partition: 0, topicId: U },
    ]
    const second = await openLocalCluster(options(files, found))
    assert.deepEqual([...second.view.decided().topics.keys()], ['t'])
    await second.close()
  })

  test('adopts all of it when the first attempt was cut short at any moment', async () => {
    const found = Array.from({ length: 150 }, (_, index) => ({
      topic: `t${index}`,
      partition: 0,
      topicId: `${100 + index}`.padEnd(22, 'A'),
    }))
    for (let turns = 0; turns < 400; turns += 9) {
      const files = newDisk()
      files.syncDirectorySync('/')
      const attempt = openLocalCluster(options(files, found)).catch(() => {})
      for (let turn = 0; turn < turns; turn++) await null
      files.crash(new SeededRandom(turns))
      await attempt
      const again = await openLocalCluster(options(files, found))
      assert.equal(again.view.decided().topics.size, 150)
      await again.close()
    }
  })

  test('refuses the metadata of another cluster', async () => {
    const files = newDisk()
    await (await openLocalCluster(options(files))).close()
    await assert.rejects(openLocalCluster({ ...options(files), clusterId: 'cluster-2' }), {
      name: 'ForeignMetadataError',
      message: /cluster-1.*cluster-2/,
    })
  })
})
