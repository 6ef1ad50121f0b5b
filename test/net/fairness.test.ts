// What one connection may take of the broker's time and memory while its requests wait or are worked on.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { type Deferred, deferred } from '../../src/lib/deferred.ts'
import { isPooled } from '../../src/lib/memory.ts'
import { Connection, type Reply, type RequestHandler } from '../../src/net/connection.ts'
import { SlicePool } from '../../src/net/outbox.ts'
import { FakeStream, frameOf } from './stream.ts'

const MEBIBYTE = 1024 * 1024

/** Time that handlers spend, and the ends of turns. */
class WorkClock extends SimulatedClock {
  private spentMs = 0
  private turns: (() => void)[] = []

  override monotonicMs(): number {
    return this.spentMs
  }

  override endOfTurn(wake: () => void): void {
    this.turns.push(wake)
  }

  spend(ms: number): void {
    this.spentMs += ms
  }

  nextTurn(): void {
    for (const wake of this.turns.splice(0)) wake()
  }
}

function connect(handle: RequestHandler) {
  const stream = new FakeStream()
  const clock = new WorkClock()
  const counter = { bytesCopied: 0 }
  const shared = { receiveBuffer: Buffer.alloc(64 * 1024), slices: new SlicePool(), clock, handle, counter }
  const limits = { maxRequestBytes: 2 * MEBIBYTE, maxInFlightRequests: 1000, maxPendingBytes: MEBIBYTE }
  const connection = new Connection(stream, 'PLAINTEXT', limits, shared, () => {})
  connection.start()
  return { stream, clock }
}

function replyOf(text: string): Reply {
  return { chunks: [Buffer.from(text)], byteLength: text.length }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))
const digits = (count: number) => Array.from({ length: count }, (_, i) => `${i % 10}`)

describe('a connection', () => {
  test('whose requests take long gives way to others after each turn, and loses nothing', async () => {
    let handled = 0
    const { stream, clock } = connect(({ bytes, start, end }) => {
      handled++
      clock.spend(5)
      return replyOf(bytes.toString('latin1', start, end))
    })
    const asked = digits(100)
    stream.receive(Buffer.concat(asked.map(frameOf)))
    assert.deepEqual([handled, stream.isPaused], [5, true])
    for (let turns = 1; handled < asked.length; turns++) {
      assert.ok(turns < 40)
      const before = handled
      clock.nextTurn()
      assert.ok(handled > before && handled - before <= 6, 'a turn each')
    }
    await settled()
    assert.deepEqual([stream.text, stream.isPaused], [asked.join(''), false])
  })

  test('whose requests take no time is not interrupted', () => {
    let handled = 0
    const { stream } = connect(() => {
      handled++
      return replyOf('x')
    })
    stream.receive(Buffer.concat(digits(1000).map(frameOf)))
    assert.equal(handled, 1000)
  })

  test('starts nothing behind a request that has to be answered first', async () => {
    const replies = new Map<string, Deferred<Reply>>()
    const handle: RequestHandler = ({ bytes, start, end }, connection) => {
      const text = bytes.toString('latin1', start, end)
      replies.set(text, deferred())
      if (text === 'large') connection.answerFirst()
      return replies.get(text)!.promise
    }
    const { stream } = connect(handle)
    const started = () => [...replies.keys()].join(' ')
    stream.receive(Buffer.concat(['slow', 'large', 'next', 'last'].map(frameOf)))
    assert.deepEqual([started(), stream.isPaused], ['slow large', true])
    replies.get('large')!.resolve(replyOf('LARGE'))
    await settled()
    assert.deepEqual([started(), stream.text, stream.isPaused], ['slow large next last', '', false])
    replies.get('slow')!.resolve(replyOf('SLOW'))
    await settled()
    assert.equal(stream.text, 'SLOWLARGE')
  })

  test('starts no more when its requests under way have 16 MiB', async () => {
    const replies: Deferred<Reply>[] = []
    const { stream } = connect(() => {
      const reply = deferred<Reply>()
      replies.push(reply)
      return reply.promise
    })
    const large = frameOf(Buffer.alloc(MEBIBYTE))
    for (let i = 0; i < 18; i++) stream.receive(large)
    assert.deepEqual([replies.length, stream.isPaused], [17, true])
    replies[0]!.resolve(replyOf('x'))
    await settled()
    assert.equal(replies.length, 18)
  })

  test('has no page of memory for each small request that waits', async () => {
    const first = deferred<Reply>()
    const pooled: boolean[] = []
    const { stream } = connect(({ bytes, start }, connection) => {
      if (bytes[start] === 'f'.charCodeAt(0)) {
        connection.answerFirst()
        return first.promise
      }
      pooled.push(isPooled(bytes))
      return replyOf('x')
    })
    stream.receive(Buffer.concat([frameOf('first'), ...Array(100).fill(frameOf('small'))]))
    first.resolve(replyOf('F'))
    await settled()
    assert.deepEqual(pooled, Array(100).fill(false))
  })
})
