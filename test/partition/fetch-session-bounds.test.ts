// How much fetch sessions may remember, of partitions that are there and of ones that never were.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { FetchSessions } from '../../src/partition/fetch-session.ts'
import type { FetchRequest } from '../../src/wire/apis/fetch.ts'

const clock = () => new SimulatedClock()

/** Asks for the partitions [from, to) of a topic. */
function request(
  sessionId: number,
  sessionEpoch: number,
  from: number,
  to: number,
  topic = 't',
): FetchRequest {
  const partitions = Array.from({ length: to - from }, (_, i) => ({
    partition: from + i,
    fetchOffset: 0,
    partitionMaxBytes: 1,
    currentLeaderEpoch: -1,
    lastFetchedEpoch: -1,
  }))
  const topics = partitions.length === 0 ? [] : [{ topic, partitions }]
  return { sessionId, sessionEpoch, topics, forgottenTopicsData: [] } as unknown as FetchRequest
}

describe('fetch sessions', () => {
  test('have at most 50,000 partitions each: more are read, but not remembered', () => {
    const sessions = new FetchSessions(10, clock(), new SeededRandom(1))
    const plan = sessions.plan(request(0, 0, 0, 50_001), 11)
    assert.deepEqual([plan.sessionId, plan.positions.length, sessions.count], [0, 50_001, 0])
    assert.notEqual(sessions.plan(request(0, 0, 0, 50_000), 11).sessionId, 0)
  })

  test('that grow beyond that are over: their clients begin anew', () => {
    const sessions = new FetchSessions(10, clock(), new SeededRandom(1))
    const { sessionId } = sessions.plan(request(0, 0, 0, 30_000), 11)
    assert.equal(sessions.plan(request(sessionId, 1, 30_000, 50_000), 11).positions.length, 50_000)
    assert.equal(
      sessions.plan(request(sessionId, 2, 50_000, 50_001), 11).error?.name,
      'FETCH_SESSION_ID_NOT_FOUND',
    )
    assert.equal(sessions.count, 0)
  })

  test('have 200,000 partitions together; who is silent for two minutes makes room', () => {
    const time = clock()
    const sessions = new FetchSessions(1000, time, new SeededRandom(1))
    const open = (partitions = 50_000) => sessions.plan(request(0, 0, 0, partitions), 11).sessionId
    const ids = Array.from({ length: 4 }, () => open())
    assert.ok(!ids.includes(0))
    assert.equal(open(1), 0)
    time.advance(60_000)
    sessions.plan(request(ids[0]!, 1, 0, 0), 11)
    time.advance(60_000)
    assert.notEqual(open(), 0)
    assert.equal(sessions.plan(request(ids[0]!, 2, 0, 0), 11).error, undefined)
    assert.equal(sessions.plan(request(ids[1]!, 1, 0, 0), 11).error?.name, 'FETCH_SESSION_ID_NOT_FOUND')
    // A session that ends gives back what it had.
    sessions.plan(request(ids[0]!, -1, 0, 0), 11)
    assert.notEqual(open(), 0)
    assert.equal(sessions.count, 4)
  })
})
