// What a start finds when log directories came, went or changed places since the last stop, or somebody copied what is in
// them: nothing acknowledged is replaced by something empty, and nothing that is in nobody's way stops the start.
import assert from 'node:assert/strict'
import { describe, type TestContext, test } from 'node:test'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { deleteTopics } from '../../src/wire/apis/delete-topics.ts'
import { describeConfigs } from '../../src/wire/apis/describe-configs.ts'
import {
  append,
  batchOf,
  fetchFrom,
  makeTopic,
  newProducer,
  produceTo,
  readAll,
  valuesOf,
} from '../support/calls.ts'
import { type DiskBroker, startOnDisk } from '../support/simulated-disk.ts'

const STORAGE_ERROR = 56
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'

async function stop({ broker }: DiskBroker): Promise<void> {
  await broker.close()
}

/** A broker's first life on `directories`: a topic of four partitions with one record in each, and settings of its own. */
async function firstLife(context: TestContext, directories: string): Promise<SimulatedFiles> {
  const files = new SimulatedFiles()
  const first = await startOnDisk(context, files, { 'log.dirs': directories })
  const client = await first.connect()
  await makeTopic(client, 'topic', { partitions: 4, configs: { 'retention.ms': '-1' } })
  for (let partition = 0; partition < 4; partition++) await append(client, 'topic', ['before'], { partition })
  await newProducer(client)
  await stop(first)
  return files
}

async function retentionOf(broker: DiskBroker): Promise<string | null> {
  const client = await broker.connect()
  const { results } = await client.ask(describeConfigs, 4, {
    resources: [{ resourceType: 2, resourceName: 'topic', configurationKeys: ['retention.ms'] }],
  })
  return results[0]!.configs[0]!.value
}

describe('the metadata', () => {
  for (const [how, directories] of [
    ['in another order', 'b,a'],
    ['with a new one in front', 'new,a,b'],
  ] as const) {
    test(`is found where it is when log.dirs names its directories ${how}`, async (context) => {
      const files = await firstLife(context, 'a,b')
      const second = await startOnDisk(context, files, { 'log.dirs': directories })
      assert.equal(await retentionOf(second), '-1')
      const client = await second.connect()
      for (let partition = 0; partition < 4; partition++) {
        assert.deepEqual(valuesOf(await readAll(client, 'topic', { partition })), ['before'])
      }
      // An id of the first life would make its records those of another producer, repeated.
      assert.equal((await newProducer(client)).producerId, 1000)
    })
  }
})

describe('a log directory that is not there any more', () => {
  test('and has the metadata stops the start, which says where they were and what can be done', async (context) => {
    const files = await firstLife(context, 'a,b')
    await assert.rejects(startOnDisk(context, files, { 'log.dirs': 'new,b' }), {
      name: 'MetadataMissingError',
      message: /metadata of b lie in another log directory, a .*remove odradek-metadata.place from new, b/,
    })
    const back = await startOnDisk(context, files, { 'log.dirs': 'b,a' })
    assert.equal(await retentionOf(back), '-1')
    await stop(back)
    // The way out, for somebody who has lost that disk for good.
    files.unlinkSync('b/odradek-metadata.place')
    const anew = await startOnDisk(context, files, { 'log.dirs': 'b' })
    const { producerId } = await newProducer(await anew.connect())
    assert.ok(producerId > 1000, 'the logs may know those that were given before')
  })

  test('does not let its partitions begin anew: they wait for it', async (context) => {
    const files = await firstLife(context, 'a,b')
    const second = await startOnDisk(context, files, { 'log.dirs': 'a' })
    const client = await second.connect()
    const answers: number[] = []
    for (let partition = 0; partition < 4; partition++) {
      answers.push((await produceTo(client, 'topic', batchOf(['x']), { partition })).errorCode)
      assert.equal((await fetchFrom(client, 'topic', 0, { partition })).errorCode, answers[partition])
    }
    assert.deepEqual([...answers].sort(), [0, 0, STORAGE_ERROR, STORAGE_ERROR])
    assert.ok(
      second.lines.some(({ level, fields }) => level === 'error' && /\bb\b/.test(JSON.stringify(fields))),
    )
    await stop(second)
    const third = await startOnDisk(context, files, { 'log.dirs': 'a,b' })
    const again = await third.connect()
    for (let partition = 0; partition < 4; partition++) {
      const values = valuesOf(await readAll(again, 'topic', { partition }))
      assert.deepEqual(values, answers[partition] === 0 ? ['before', 'x'] : ['before'])
    }
  })

  test('is forgotten when nothing of it is wanted any more, and what it had is set aside when it comes back', async (context) => {
    const files = await firstLife(context, 'a,b')
    const second = await startOnDisk(context, files, { 'log.dirs': 'a' })
    const client = await second.connect()
    await makeTopic(client, 'other')
    await append(client, 'other', ['fresh'])
    const { responses } = await client.ask(deleteTopics, 6, {
      topics: [{ name: 'topic', topicId: NO_ID }],
      timeoutMs: 10_000,
    })
    assert.equal(responses[0]!.errorCode, 0)
    await stop(second)
    const third = await startOnDisk(context, files, { 'log.dirs': 'a' })
    assert.deepEqual(
      third.lines.filter(({ level }) => level === 'error' || level === 'warn'),
      [],
    )
    await stop(third)
    const fourth = await startOnDisk(context, files, { 'log.dirs': 'a,b' })
    assert.deepEqual(valuesOf(await readAll(await fourth.connect(), 'other')), ['fresh'])
    const strays = files.listSync('b').filter(({ name }) => /^topic-\d\.[0-9a-f]{32}-stray$/.test(name))
    assert.equal(strays.length, 2)
  })
})

test('a start that came to nothing does not cost the next one a look through all logs', async (context) => {
  const files = await firstLife(context, 'a,b')
  const lock = files.lockDirectorySync('b')
  await assert.rejects(startOnDisk(context, files, { 'log.dirs': 'a,b' }), { name: 'DirectoryLockedError' })
  lock.release()
  for (const directory of ['a', 'b'])
    assert.ok(files.existsSync(`${directory}/.kafka_cleanshutdown`), directory)
})

describe('directories that somebody copied', () => {
  test('stop nothing when their number is written in a way that no broker writes it', async (context) => {
    const files = await firstLife(context, 'a')
    files.makeDirectorySync('a/topic-00')
    const second = await startOnDisk(context, files, { 'log.dirs': 'a' })
    const client = await second.connect()
    assert.deepEqual(valuesOf(await readAll(client, 'topic')), ['before'])
  })
})

describe('a partition that could not be opened after a crash', () => {
  test('is not taken for whole by the next start, though the others were stopped in order', async (context) => {
    const files = await firstLife(context, 'a')
    files.unlinkSync('a/.kafka_cleanshutdown')
    const mend = files.fail('open', /^a\/topic-1\/.*log$/, 'EMFILE')
    const second = await startOnDisk(context, files, { 'log.dirs': 'a' })
    assert.ok(second.lines.some(({ message }) => /partition is offline/.test(message)))
    await stop(second)
    mend()
    assert.equal(files.existsSync('a/.kafka_cleanshutdown'), false)
  })
})

describe('a partition in two directories', () => {
  for (const [who, content] of [
    ['of another topic', `version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAQ`],
    ['that does not say whose it is', undefined],
  ] as const) {
    // A loss of power may bring back what was deleted, when its name had been given to another topic.
    test(`is the one that names the topic, and one ${who} is set aside`, async (context) => {
      const files = await firstLife(context, 'a')
      files.makeDirectorySync('b/topic-0')
      if (content !== undefined) files.writeFileSync('b/topic-0/partition.metadata', Buffer.from(content))
      const second = await startOnDisk(context, files, { 'log.dirs': 'b,a' })
      assert.deepEqual(valuesOf(await readAll(await second.connect(), 'topic')), ['before'])
      const names = files.listSync('b').filter(({ isDirectory }) => isDirectory)
      assert.match(names.map(({ name }) => name).join(), /^topic-0\.[0-9a-f]{32}-stray$/)
    })
  }
})

test('the partitions of a topic whose deletion was answered do not come back after a loss of power', async (context) => {
  for (let seed = 1; seed <= 20; seed++) {
    const files = new SimulatedFiles({ crashes: true })
    const config = { 'log.dirs': 'a,b', 'log.flush.interval.messages': 1 }
    const first = await startOnDisk(context, files, config)
    const client = await first.connect()
    await makeTopic(client, 'topic', { partitions: 2 })
    for (const partition of [0, 1]) await append(client, 'topic', ['old'], { partition })
    // One of the two requests is not answered when the other is made.
    const deletion = client.ask(deleteTopics, 6, {
      topics: [{ name: 'topic', topicId: NO_ID }],
      timeoutMs: 10_000,
    })
    const creation = seed % 2 === 0 ? undefined : makeTopic(client, 'topic', { partitions: 2 })
    await deletion
    await creation
    files.crash(new SeededRandom(seed))
    client.close()
    const second = await startOnDisk(context, files, config)
    const again = await second.connect()
    if (creation === undefined) {
      const left = ['a', 'b'].flatMap((path) => files.listSync(path)).map(({ name }) => name)
      assert.deepEqual(
        left.filter((name) => name.startsWith('topic-') && !name.endsWith('-delete')),
        [],
      )
      await makeTopic(again, 'topic', { partitions: 2 })
    }
    for (const partition of [0, 1]) {
      assert.deepEqual(valuesOf(await readAll(again, 'topic', { partition })), [], `seed ${seed}`)
    }
    await stop(second)
  }
})
