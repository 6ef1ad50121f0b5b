// The partitions of a broker follow the cluster image: made, kept, grown, dropped, set aside, and brought back when the disk
// that refused them has room.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { TopicConfig } from '../../src/config/topic-config.ts'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { logEnvironment } from '../../src/log/environment.ts'
import { LogDirectory } from '../../src/log/log-directory.ts'
import { AppendQueue } from '../../src/partition/append-queue.ts'
import { highWatermarks } from '../../src/partition/housekeeping.ts'
import { Replicas } from '../../src/partition/replicas.ts'
import { FetchWait } from '../../src/partition/waits.ts'
import { batchOf } from '../support/calls.ts'
import { noteLines } from '../support/local-broker.ts'
import { fillUp } from '../support/simulated-disk.ts'
import { ImageFeed, NODE_ID, partitionImage, settle, topicConfig, topicImage, valuesIn } from './stage.ts'

const [ID_A, ID_B] = ['AAAAAAAAAAAAAAAAAAAAAQ', 'AAAAAAAAAAAAAAAAAAAAAg']

/** A broker's life on the given files, from its start on. */
class Life {
  readonly files: SimulatedFiles
  readonly clock = new SimulatedClock()
  readonly notes = noteLines()
  readonly directories: LogDirectory[]
  readonly replicas: Replicas
  readonly feed: ImageFeed
  private readonly paths: readonly string[]

  constructor(files: SimulatedFiles, paths: readonly string[] = ['data']) {
    this.files = files
    this.paths = paths
    const environment = logEnvironment({
      files,
      clock: this.clock,
      random: new SeededRandom(1),
      directoryFailed: (directory) => this.replicas.directoryFailed(directory),
    })
    this.directories = paths.map(
      (path) => new LogDirectory(environment, { path, clusterId: 'cluster', nodeId: NODE_ID }),
    )
    const configs = new Map<ReadonlyMap<string, string>, TopicConfig>()
    this.replicas = new Replicas({
      nodeId: NODE_ID,
      clock: this.clock,
      logger: this.notes.logger,
      appendQueue: new AppendQueue(this.clock),
      directories: this.directories,
      topicConfig: ({ configs: overrides }) => {
        const known = configs.get(overrides) ?? topicConfig(Object.fromEntries(overrides))
        configs.set(overrides, known)
        return known
      },
    })
    this.feed = new ImageFeed(this.replicas)
  }

  async append(topic: string, index: number, value: string): Promise<number> {
    const partition = this.replicas.find(topic, index)!
    const { result, written } = partition.append(batchOf([value], { timestamp: this.clock.wallMs() }), {
      origin: 'client',
      acks: -1,
      retain: false,
    })
    this.clock.advance(0)
    await written
    return result.baseOffset
  }

  values(topic: string, index: number): string[] {
    const read = this.replicas.find(topic, index)!.read(0, {
      isolation: 'read_uncommitted',
      currentLeaderEpoch: -1,
      lastFetchedEpoch: -1,
      maxBytes: 1_000_000,
      minOneBatch: true,
    })
    return valuesIn(read)
  }

  /** Names of the partition directories, wherever they lie. */
  names(path?: string): string[] {
    return (path === undefined ? this.paths : [path])
      .flatMap((each) => this.files.listSync(each))
      .filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name.replace(/\.[0-9a-f]{32}-/, '.*-'))
      .sort()
  }

  async end(how: 'stop' | 'kill' = 'stop'): Promise<void> {
    if (how === 'kill') {
      this.files.processDied()
      return
    }
    this.replicas.close()
    for (const directory of this.directories) await directory.close(highWatermarks(this.replicas, directory))
  }
}

describe('Replicas', () => {
  test('have a partition as soon as the image has it, and only those that have a replica here', () => {
    const { replicas, feed } = new Life(new SimulatedFiles())
    const elsewhere = partitionImage({ index: 1, replicas: [5], isr: [5], leader: 5 })
    feed.put({ ...topicImage('a', { partitions: 3 }), partitions: [partitionImage(), elsewhere] })
    assert.ok(replicas.find('a', 0)?.isLeader)
    assert.equal(replicas.find('a', 1), undefined)
    assert.equal(replicas.find('b', 0), undefined)
    assert.equal([...replicas.all()].length, 1)
  })

  test('spread over the directories, the emptiest first', () => {
    const life = new Life(new SimulatedFiles(), ['one', 'two', 'three'])
    life.feed.put(topicImage('a', { partitions: 7 }))
    assert.deepEqual(
      ['one', 'two', 'three'].map((path) => life.names(path).length),
      [3, 2, 2],
    )
    life.feed.put(topicImage('b', { id: ID_B, partitions: 2 }))
    assert.deepEqual(
      ['one', 'two', 'three'].map((path) => life.names(path).length),
      [3, 3, 3],
    )
  })

  test('keep their records when a topic grows or its settings change', async () => {
    const life = new Life(new SimulatedFiles())
    life.feed.put(topicImage('a'))
    await life.append('a', 0, 'x')
    const before = life.replicas.find('a', 0)
    life.feed.put(topicImage('a', { partitions: 3, configs: { 'max.message.bytes': '100' } }))
    assert.equal(life.replicas.find('a', 0), before)
    assert.deepEqual(life.values('a', 0), ['x'])
    await assert.rejects(life.append('a', 2, 'y'.repeat(200)), /max\.message\.bytes allows 100/)
    assert.equal(await life.append('a', 2, 'y'), 0)
  })

  test('are gone with their topic, from the disk too, and those who wait are told', async () => {
    const life = new Life(new SimulatedFiles())
    life.feed.put(topicImage('a', { partitions: 2 }), topicImage('b', { id: ID_B }))
    await life.append('a', 0, 'x')
    const partition = life.replicas.find('a', 0)!
    const wait = new FetchWait(life.clock, 1000, 1000)
    wait.join(partition.fetchWaits)
    life.feed.delete(ID_A)
    await wait.promise
    assert.equal(life.replicas.find('a', 0), undefined)
    assert.equal(partition.isLeader, false)
    await settle()
    assert.deepEqual(life.names(), ['b-0'])
  })

  test('of a topic of the same name that is another topic begin empty, in one step or two', async () => {
    const life = new Life(new SimulatedFiles())
    life.feed.put(topicImage('a'))
    await life.append('a', 0, 'old')
    life.feed.step({ deletedTopicIds: [ID_A], topics: [topicImage('a', { id: ID_B })] })
    assert.deepEqual(life.values('a', 0), [])
    assert.equal(await life.append('a', 0, 'new'), 0)
    await settle()
    assert.deepEqual(life.names(), ['a-0'])
    await life.end()
    const next = new Life(life.files)
    next.feed.put(topicImage('a', { id: ID_B }))
    assert.deepEqual(next.values('a', 0), ['new'])
  })

  for (const how of ['stop', 'kill'] as const) {
    test(`are found again in whichever directory they lie, after a ${how}`, async () => {
      const life = new Life(new SimulatedFiles(), ['one', 'two'])
      const topic = topicImage('a', { partitions: 4 })
      life.feed.put(topic)
      for (let index = 0; index < 4; index++) await life.append('a', index, `of ${index}`)
      const places = [life.names('one'), life.names('two')]
      await life.end(how)
      const next = new Life(life.files, ['two', 'one'])
      assert.equal(next.replicas.found().length, 4)
      next.feed.put(topic)
      next.replicas.setAsideStrays()
      for (let index = 0; index < 4; index++) assert.deepEqual(next.values('a', index), [`of ${index}`])
      assert.deepEqual([next.names('one'), next.names('two')], places)
      assert.deepEqual(next.notes.lines, [])
    })
  }

  test('that the image does not know at the start are set aside, whole', async () => {
    const life = new Life(new SimulatedFiles())
    life.feed.put(topicImage('a'), topicImage('b', { id: ID_B }))
    await life.append('b', 0, 'precious')
    await life.end()
    const next = new Life(life.files)
    next.feed.put(topicImage('a'))
    next.replicas.setAsideStrays()
    assert.deepEqual(next.names(), ['a-0', 'b-0.*-stray'])
    const [line] = next.notes.lines
    assert.match(line!.message, /set aside/)
    assert.deepEqual((line!.fields as { topic: string }).topic, 'b')
    // It is not looked at again, even when a topic of that name comes.
    next.feed.put(topicImage('b', { id: ID_B }))
    assert.deepEqual(next.values('b', 0), [])
  })

  test('that cannot be set aside are told of, and stay where they are', async () => {
    const life = new Life(new SimulatedFiles())
    life.feed.put(topicImage('a'), topicImage('b', { id: ID_B }))
    await life.end()
    const next = new Life(life.files)
    life.files.fail('rename', /data\/b-0$/, 'EIO')
    next.feed.put(topicImage('a'))
    next.replicas.setAsideStrays()
    assert.match(JSON.stringify(next.notes.lines), /could not be set aside.*EIO/)
    assert.deepEqual(next.names(), ['a-0', 'b-0'])
    assert.equal(await next.append('a', 0, 'x'), 0)
  })

  test('of an older topic with the same name are set aside when the newer one is served', async () => {
    const life = new Life(new SimulatedFiles())
    life.feed.put(topicImage('a'))
    await life.append('a', 0, 'old')
    await life.end()
    const next = new Life(life.files)
    next.feed.put(topicImage('a', { id: ID_B }))
    assert.deepEqual(next.values('a', 0), [])
    assert.deepEqual(next.names(), ['a-0', 'a-0.*-stray'])
  })

  test('in two directories at once are an error that names both', async () => {
    const life = new Life(new SimulatedFiles(), ['one', 'two'])
    life.feed.put(topicImage('a'))
    await life.end()
    life.files.makeDirectorySync('two/a-0')
    life.files.writeFileSync(
      'two/a-0/partition.metadata',
      life.files.readFileSync('one/a-0/partition.metadata'),
    )
    assert.throws(() => new Life(life.files, ['one', 'two']), /a-0 lies both in one and in two/)
  })

  test('that do not say whose they are belong to the topic of their name', async () => {
    const life = new Life(new SimulatedFiles())
    life.feed.put(topicImage('a'))
    await life.append('a', 0, 'x')
    await life.end()
    life.files.unlinkSync('data/a-0/partition.metadata')
    const next = new Life(life.files)
    next.feed.put(topicImage('a', { id: ID_B }))
    assert.deepEqual(next.values('a', 0), ['x'])
    await next.end()
    const last = new Life(life.files)
    assert.deepEqual(
      last.replicas.found().map(({ topicId }) => topicId),
      [ID_B],
    )
  })
})

describe('a partition that cannot be removed', () => {
  test('is gone for clients, keeps nothing else from happening, and is never taken for a later topic of its name', async () => {
    const life = new Life(new SimulatedFiles())
    life.feed.put(topicImage('a', { partitions: 2 }))
    for (const index of [0, 1]) await life.append('a', index, 'old')
    const mend = life.files.fail('rename', /data\/a-0$/, 'EIO')
    life.feed.step({ deletedTopicIds: [ID_A], topics: [topicImage('b', { id: ID_B })] })
    assert.equal(life.replicas.find('a', 0), undefined)
    assert.equal(await life.append('b', 0, 'x'), 0)
    await settle()
    assert.deepEqual(life.names(), ['a-0', 'b-0'])
    assert.match(JSON.stringify(life.notes.lines), /could not be removed.*EIO/)
    mend()
    life.feed.put(topicImage('a', { id: 'AAAAAAAAAAAAAAAAAAAAAw' }))
    assert.deepEqual(life.values('a', 0), [])
    assert.deepEqual(life.names(), ['a-0', 'a-0.*-stray', 'b-0'])
  })
})

describe('a partition that cannot be opened', () => {
  test('is offline with its reason; the others are served, and so is it when it can be', async () => {
    const life = new Life(new SimulatedFiles())
    const topic = topicImage('a', { partitions: 3 })
    life.feed.put(topic)
    for (let index = 0; index < 3; index++) await life.append('a', index, `of ${index}`)
    await life.end()
    const next = new Life(life.files, ['data', 'empty'])
    const mend = life.files.fail('open', /a-1\/.*\.log$/, 'EIO')
    next.feed.put(topic)
    next.replicas.setAsideStrays()
    assert.match(next.replicas.offlineReason('a', 1) ?? '', /EIO/)
    assert.equal(next.replicas.find('a', 1), undefined)
    assert.deepEqual([next.values('a', 0), next.values('a', 2)], [['of 0'], ['of 2']])
    assert.deepEqual(next.names(), ['a-0', 'a-1', 'a-2'])
    next.replicas.reopenOffline()
    next.replicas.reopenOffline()
    assert.equal(next.notes.lines.length, 1, 'the same reason is told once')
    mend()
    next.replicas.reopenOffline()
    assert.equal(next.replicas.offlineReason('a', 1), undefined)
    assert.deepEqual(next.values('a', 1), ['of 1'])
    assert.deepEqual(next.names('empty'), [])
  })

  test('for want of room is opened later, in the directory where it was begun', async () => {
    const files = new SimulatedFiles()
    const life = new Life(files, ['one', 'two'])
    life.feed.put(topicImage('a'))
    await fillUp(files, 0)
    life.feed.put(topicImage('b', { id: ID_B, partitions: 2 }))
    assert.deepEqual([life.replicas.find('b', 0), life.replicas.find('b', 1)], [undefined, undefined])
    files.capacityBytes = Number.POSITIVE_INFINITY
    life.replicas.reopenOffline()
    for (const index of [0, 1]) assert.equal(await life.append('b', index, 'x'), 0)
    assert.deepEqual(life.names(), ['a-0', 'b-0', 'b-1'])
  })

  test('for want of room and deleted again is forgotten, and a topic of its name begins anew', async () => {
    const files = new SimulatedFiles()
    const life = new Life(files)
    life.feed.put(topicImage('a'))
    // A name that cannot be made at all, and one that is made and then has no room.
    const mend = files.fail('open', /b-\d\/partition\.metadata/, 'ENOSPC')
    life.feed.put(topicImage('b', { id: ID_B, partitions: 2 }))
    files.renameSync('data/b-1', 'data/elsewhere')
    life.feed.delete(ID_B)
    mend()
    life.feed.put(topicImage('b', { id: 'AAAAAAAAAAAAAAAAAAAAAw', partitions: 2 }))
    for (const index of [0, 1]) assert.equal(await life.append('b', index, 'x'), 0)
  })

  test('can be deleted; a topic of the same name that comes later does not get its records', async () => {
    const life = new Life(new SimulatedFiles())
    life.feed.put(topicImage('a'))
    await life.append('a', 0, 'old')
    await life.end()
    const next = new Life(life.files)
    const mend = life.files.fail('open', /a-0\/.*\.log$/, 'EIO')
    next.feed.put(topicImage('a'))
    next.replicas.setAsideStrays()
    next.feed.delete(ID_A)
    mend()
    await settle()
    assert.deepEqual(next.names(), [])
    next.feed.put(topicImage('a', { id: ID_B }))
    assert.deepEqual(next.values('a', 0), [])
  })

  test('nor if it could not be deleted either', async () => {
    const life = new Life(new SimulatedFiles())
    life.feed.put(topicImage('a'))
    await life.append('a', 0, 'old')
    await life.end()
    const next = new Life(life.files)
    const mends = [
      life.files.fail('open', /a-0\/.*\.log$/, 'EIO'),
      life.files.fail('rename', /data\/a-0$/, 'EIO'),
    ]
    next.feed.put(topicImage('a'))
    next.feed.delete(ID_A)
    for (const mend of mends) mend()
    next.feed.put(topicImage('a', { id: ID_B }))
    assert.deepEqual(next.values('a', 0), [])
    assert.deepEqual(next.names(), ['a-0', 'a-0.*-stray'])
  })
})

describe('a directory whose disk has failed', () => {
  test('is not chosen for new partitions, and ends the waits of its own', async () => {
    const files = new SimulatedFiles()
    const life = new Life(files, ['good', 'bad'])
    life.feed.put(topicImage('a', { partitions: 2, configs: { 'flush.messages': '1' } }))
    const hurt = life.names('bad').map((name) => Number(name.at(-1)))[0]!
    const wait = new FetchWait(life.clock, 100_000, 1)
    wait.join(life.replicas.find('a', hurt)!.fetchWaits)
    files.fail('sync', /^bad\//, 'EIO')
    await assert.rejects(life.append('a', hurt, 'x'))
    await wait.promise
    life.feed.put(topicImage('b', { id: ID_B, partitions: 4 }))
    assert.equal(life.names('good').length, 5)
    const reports = await life.replicas.logDirectories()
    assert.deepEqual(
      reports.map(({ path, isOffline }) => [path, isOffline]),
      [
        ['good', false],
        ['bad', true],
      ],
    )
  })
})
