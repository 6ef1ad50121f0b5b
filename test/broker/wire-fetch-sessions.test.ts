// Incremental fetch sessions (KIP-227) over a socket: opening, going on, what an answer may leave out, and every refusal.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { deleteRecords } from '../../src/wire/apis/delete-records.ts'
import { fetch } from '../../src/wire/apis/fetch.ts'
import { append, makeTopic, recordsIn, valuesOf } from '../support/calls.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import type { RawClient } from '../support/raw-client.ts'

interface Ask {
  readonly sessionId?: number
  readonly sessionEpoch: number
  /** partition -> fetch offset */
  readonly read?: Readonly<Record<number, number>>
  readonly forget?: readonly number[]
  readonly version?: number
  readonly maxWaitMs?: number
}

describe('a fetch session', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let client: RawClient
  let topicId: string
  let topicCount = 0
  let topic = ''

  before(async () => {
    local = await startLocalBroker(lifetime, { 'max.incremental.fetch.session.cache.slots': 1000 })
    client = await local.connect()
  })

  async function freshTopic(): Promise<void> {
    topic = `topic-${topicCount++}`
    topicId = await makeTopic(client, topic, { partitions: 4 })
  }

  async function ask({
    sessionId = 0,
    sessionEpoch,
    read = {},
    forget = [],
    version = 11,
    maxWaitMs = 0,
  }: Ask) {
    const partitions = Object.entries(read).map(([partition, fetchOffset]) => ({
      partition: Number(partition),
      fetchOffset,
      partitionMaxBytes: 100_000,
    }))
    const answer = await client.ask(fetch, version, {
      maxWaitMs,
      minBytes: 1,
      isolationLevel: 0,
      sessionId,
      sessionEpoch,
      topics: partitions.length === 0 ? [] : [{ topic, topicId, partitions }],
      forgottenTopicsData: forget.length === 0 ? [] : [{ topic, topicId, partitions: [...forget] }],
    })
    const mentioned = answer.responses.flatMap((row) =>
      row.partitions.map(({ partitionIndex, errorCode, records }) =>
        errorCode === 0
          ? `${partitionIndex}: ${valuesOf(recordsIn(records)).join(' ')}`.trim()
          : `${partitionIndex}: error ${errorCode}`,
      ),
    )
    return { error: answer.errorCode, id: answer.sessionId, mentioned }
  }

  test('goes on with what is new, and leaves out what is not', async () => {
    await freshTopic()
    await append(client, topic, ['a'])
    const opened = await ask({ sessionEpoch: 0, read: { 0: 0, 1: 0, 2: 0 } })
    assert.ok(opened.id > 0)
    assert.deepEqual(opened.mentioned, ['0: a', '1:', '2:'])
    const session = { sessionId: opened.id }
    assert.deepEqual(await ask({ ...session, sessionEpoch: 1, read: { 0: 1 } }), {
      error: 0,
      id: opened.id,
      mentioned: [],
    })
    await append(client, topic, ['b'], { partition: 2 })
    assert.deepEqual((await ask({ ...session, sessionEpoch: 2 })).mentioned, ['2: b'])
    // The client names the partition it moved in, adds another and forgets a third.
    await append(client, topic, ['c'], { partition: 3 })
    await append(client, topic, ['d'], { partition: 1 })
    assert.deepEqual(
      (await ask({ ...session, sessionEpoch: 3, read: { 2: 1, 3: 0 }, forget: [1] })).mentioned,
      ['3: c'],
    )
    assert.deepEqual((await ask({ ...session, sessionEpoch: 4, read: { 3: 1 } })).mentioned, [])
  })

  test('tells a log start that moved, and an error every time', async () => {
    await freshTopic()
    await append(client, topic, ['a', 'b'])
    const { id } = await ask({ sessionEpoch: 0, read: { 0: 2, 1: 0 } })
    const topics = [{ name: topic, partitions: [{ partitionIndex: 0, offset: 1 }] }]
    await client.ask(deleteRecords, 2, { topics, timeoutMs: 1000 })
    assert.deepEqual((await ask({ sessionId: id, sessionEpoch: 1 })).mentioned, ['0:'])
    assert.deepEqual((await ask({ sessionId: id, sessionEpoch: 2, read: { 1: 99 } })).mentioned, [
      '1: error 1',
    ])
    assert.deepEqual((await ask({ sessionId: id, sessionEpoch: 3 })).mentioned, ['1: error 1'])
    assert.deepEqual((await ask({ sessionId: id, sessionEpoch: 4, read: { 1: 0 } })).mentioned, ['1:'])
    assert.deepEqual((await ask({ sessionId: id, sessionEpoch: 5 })).mentioned, [])
  })

  test('a wrong epoch is 71, an unknown session 70, with nothing else in the answer (measured)', async () => {
    await freshTopic()
    const { id } = await ask({ sessionEpoch: 0, read: { 0: 0 } })
    for (const sessionEpoch of [2, 5, 2 ** 31 - 1]) {
      assert.deepEqual(await ask({ sessionId: id, sessionEpoch }), { error: 71, id: 0, mentioned: [] })
    }
    assert.equal((await ask({ sessionId: id, sessionEpoch: 1 })).error, 0)
    assert.equal((await ask({ sessionId: id, sessionEpoch: 1 })).error, 71)
    for (const sessionId of [id + 1, 0, -3]) {
      assert.deepEqual(await ask({ sessionId, sessionEpoch: 1 }), { error: 70, id: 0, mentioned: [] })
    }
  })

  test('ends with epoch -1, is replaced by epoch 0, and ends when nothing is left to read', async () => {
    await freshTopic()
    const first = await ask({ sessionEpoch: 0, read: { 0: 0 } })
    assert.deepEqual(await ask({ sessionId: first.id, sessionEpoch: -1, read: { 0: 0 } }), {
      error: 0,
      id: 0,
      mentioned: ['0:'],
    })
    assert.equal((await ask({ sessionId: first.id, sessionEpoch: 1 })).error, 70)
    const second = await ask({ sessionEpoch: 0, read: { 0: 0 } })
    const third = await ask({ sessionId: second.id, sessionEpoch: 0, read: { 1: 0 } })
    assert.notEqual(third.id, second.id)
    assert.equal((await ask({ sessionId: second.id, sessionEpoch: 1 })).error, 70)
    assert.deepEqual(await ask({ sessionId: third.id, sessionEpoch: 1, forget: [1] }), {
      error: 0,
      id: 0,
      mentioned: [],
    })
    assert.equal((await ask({ sessionId: third.id, sessionEpoch: 2 })).error, 70)
  })

  test('without a session every answer names everything', async () => {
    await freshTopic()
    for (let i = 0; i < 2; i++) {
      assert.deepEqual(await ask({ sessionEpoch: -1, read: { 0: 0, 1: 0 } }), {
        error: 0,
        id: 0,
        mentioned: ['0:', '1:'],
      })
    }
  })

  test('names and ids of topics are not mixed in one session', async () => {
    await freshTopic()
    const byName = await ask({ sessionEpoch: 0, read: { 0: 0 }, version: 12 })
    assert.equal((await ask({ sessionId: byName.id, sessionEpoch: 1, version: 13 })).error, 106)
    const byId = await ask({ sessionEpoch: 0, read: { 0: 0 }, version: 13 })
    assert.equal((await ask({ sessionId: byId.id, sessionEpoch: 1, version: 12 })).error, 106)
  })

  test('a poll that waits in a session answers with nothing at its deadline, with the news when there is some', async () => {
    await freshTopic()
    const { id } = await ask({ sessionEpoch: 0, read: { 0: 0 } })
    assert.deepEqual((await ask({ sessionId: id, sessionEpoch: 1, maxWaitMs: 30 })).mentioned, [])
    const other = await local.connect()
    const waiting = ask({ sessionId: id, sessionEpoch: 2, maxWaitMs: 20_000 })
    await append(other, topic, ['x'])
    assert.deepEqual((await waiting).mentioned, ['0: x'])
    other.close()
  })

  test('when all slots are taken a client is served without a session', async (context) => {
    const small = await startLocalBroker(context, { 'max.incremental.fetch.session.cache.slots': 1 })
    const asker = await small.connect()
    await makeTopic(asker, 'one')
    const partitions = [{ partition: 0, fetchOffset: 0, partitionMaxBytes: 1000 }]
    const request = { maxWaitMs: 0, minBytes: 1, isolationLevel: 0, sessionId: 0, sessionEpoch: 0 }
    const topics = [{ topic: 'one', partitions }]
    const first = await asker.ask(fetch, 11, { ...request, topics })
    const second = await asker.ask(fetch, 11, { ...request, topics })
    assert.ok(first.sessionId > 0)
    assert.deepEqual([second.errorCode, second.sessionId, second.responses.length], [0, 0, 1])
  })
})
