// The disk under the metadata: full, it refuses topics but nothing else; broken, the broker stops by itself and says why.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { createTopics } from '../../src/wire/apis/create-topics.ts'
import { deleteTopics } from '../../src/wire/apis/delete-topics.ts'
import { incrementalAlterConfigs } from '../../src/wire/apis/incremental-alter-configs.ts'
import { append, batchOf, makeTopic, produceTo, readAll, valuesOf } from '../support/calls.ts'
import type { RawClient } from '../support/raw-client.ts'
import { fillUp, startOnDisk } from '../support/simulated-disk.ts'

async function create(client: RawClient, name: string): Promise<number> {
  const topics = [{ name, numPartitions: 1, replicationFactor: 1 }]
  const answer = await client.ask(createTopics, 7, { topics, timeoutMs: 1000 })
  return answer.topics[0]!.errorCode
}

async function alter(client: RawClient, topic: string): Promise<number> {
  const configs = [{ name: 'retention.ms', configOperation: 0, value: '1000000' }]
  const resources = [{ resourceType: 2, resourceName: topic, configs }]
  return (await client.ask(incrementalAlterConfigs, 1, { resources })).responses[0]!.errorCode
}

async function remove(client: RawClient, name: string): Promise<number> {
  const answer = await client.ask(deleteTopics, 1, { topicNames: [name], timeoutMs: 1000 })
  return answer.responses[0]!.errorCode
}

describe('a full disk under the metadata', () => {
  test('refuses new topics in the end, still deletes, and never stops the broker', async (context) => {
    const files = new SimulatedFiles()
    const { connect, broker } = await startOnDisk(context, files)
    let hasStopped = false
    void broker.stopped.then(() => {
      hasStopped = true
    })
    const client = await connect()
    await makeTopic(client, 'there')
    await append(client, 'there', ['x'])
    await fillUp(files, 0)
    const made: string[] = []
    let code = 0
    for (let i = 0; code === 0 && i < 20_000; i++) {
      code = await create(client, `topic-${i}`)
      if (code === 0) made.push(`topic-${i}`)
    }
    assert.notEqual(code, 0, `${made.length} topics on a full disk`)
    assert.equal(code, 56)
    assert.deepEqual(valuesOf(await readAll(client, 'there')), ['x'])
    // What makes room, or changes what there is, has a reserve of its own.
    for (const name of made.slice(0, 20)) assert.equal(await remove(client, name), 0)
    assert.equal(await alter(client, 'there'), 0)
    assert.equal(hasStopped, false)
    files.capacityBytes = Number.POSITIVE_INFINITY
    assert.equal(await create(client, 'later'), 0)
    await append(client, 'later', ['y'])
    await broker.close()
    const next = await startOnDisk(context, files)
    const reader = await next.connect()
    assert.deepEqual(valuesOf(await readAll(reader, 'there')), ['x'])
    assert.deepEqual(valuesOf(await readAll(reader, 'later')), ['y'])
    assert.equal((await produceTo(reader, made[0]!, batchOf(['z']))).errorCode, 3)
  })
})

describe('a broken disk under the metadata', () => {
  test('that breaks at any moment of a start leaves a broker that stops, or none, and nothing behind', async (context) => {
    const outcomes = new Set<string>()
    for (let turns = 0; turns < 120; turns += 3) {
      const files = new SimulatedFiles()
      await (await startOnDisk(context, files)).broker.close()
      const starting = startOnDisk(context, files)
      starting.catch(() => {})
      for (let turn = 0; turn < turns; turn++) await null
      // Beyond the binding of the port the start is made of microtasks alone.
      if (turns > 60) await new Promise((resolve) => setImmediate(resolve))
      const mend = files.fail('sync', /odradek-metadata/, 'EIO')
      const started = await starting.catch((error: Error) => error)
      if (started instanceof Error) outcomes.add('refused')
      else {
        const client = await started.connect()
        assert.notEqual(await create(client, 'topic').catch(() => 'closed'), 0)
        assert.ok((await started.broker.stopped) instanceof Error)
        outcomes.add('stopped')
      }
      mend()
      const next = await startOnDisk(context, files)
      assert.equal(await create(await next.connect(), 'later').catch(String), 0)
      await next.broker.close()
    }
    assert.deepEqual([...outcomes].sort(), ['refused', 'stopped'])
  })

  test('stops the broker, which says why; the next start knows everything that was answered', async (context) => {
    const files = new SimulatedFiles({ crashes: true })
    const { connect, broker, lines } = await startOnDisk(context, files)
    const client = await connect()
    await makeTopic(client, 'there', { configs: { 'flush.messages': '1' } })
    await append(client, 'there', ['x'])
    const mend = files.fail('sync', /./, 'EIO')
    const outcome = await create(client, 'never').catch(() => 'closed')
    assert.ok(outcome === 'closed' || outcome !== 0, String(outcome))
    const reason = await broker.stopped
    assert.ok(reason instanceof Error)
    assert.match(reason.message, /disk/)
    await client.closed
    assert.ok(lines.some(({ level, message }) => level === 'error' && /stops/.test(message)))
    await broker.close()
    mend()
    const next = await startOnDisk(context, files)
    assert.deepEqual(valuesOf(await readAll(await next.connect(), 'there')), ['x'])
  })
})
