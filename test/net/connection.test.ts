// One connection: replies in the order of the requests, bounds on what it may hold, and a clean end.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { type Deferred, deferred } from '../../src/lib/deferred.ts'
import { Connection, type Reply, type RequestHandler } from '../../src/net/connection.ts'
import { type ByteRange, SlicePool } from '../../src/net/outbox.ts'
import { FakeStream, frameOf } from './stream.ts'

function replyOf(text: string): Reply {
  const bytes = Buffer.from(text)
  return { chunks: [bytes], byteLength: bytes.length }
}

function connect(
  handle: RequestHandler,
  limits: { maxInFlightRequests?: number; maxPendingBytes?: number } = {},
) {
  const stream = new FakeStream()
  const ended: (Error | undefined)[] = []
  const slices = new SlicePool()
  const clock = new SimulatedClock()
  const connection = new Connection(
    stream,
    'PLAINTEXT',
    { maxRequestBytes: 10_000, maxInFlightRequests: 100, maxPendingBytes: 1000, ...limits },
    {
      receiveBuffer: Buffer.alloc(4096),
      slices,
      clock,
      handle,
      counter: { bytesCopied: 0 },
    },
    (_, error) => ended.push(error),
  )
  connection.start()
  return { stream, connection, ended, slices, clock }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

/** A handler whose replies are decided by the test; it notes the requests in the order in which they started. */
function held() {
  const started: string[] = []
  const replies = new Map<string, Deferred<Reply | undefined>>()
  const handle: RequestHandler = ({ bytes, start, end }) => {
    const text = bytes.toString('latin1', start, end)
    started.push(text)
    const reply = deferred<Reply | undefined>()
    replies.set(text, reply)
    return reply.promise
  }
  return { started, replies, handle }
}

describe('Connection', () => {
  test('starts pipelined requests at once and answers them in their order', async () => {
    const { started, replies, handle } = held()
    const { stream } = connect(handle)
    stream.receive(Buffer.concat(['a', 'b', 'c'].map(frameOf)))
    assert.deepEqual(started, ['a', 'b', 'c'])
    replies.get('c')!.resolve(replyOf('C'))
    replies.get('b')!.resolve(replyOf('B'))
    await settled()
    assert.equal(stream.text, '')
    replies.get('a')!.resolve(replyOf('A'))
    await settled()
    assert.equal(stream.text, 'ABC')
  })

  test('tells those who want to know that it has closed, once, and nobody who has changed their mind', () => {
    const { connection } = connect(() => undefined)
    const told: string[] = []
    connection.whenClosed(() => told.push('one'))
    const forget = connection.whenClosed(() => told.push('another'))
    connection.whenClosed(() => told.push('a third'))
    forget()
    connection.close()
    connection.close()
    assert.deepEqual(told, ['one', 'a third'])
  })

  test('an immediate reply waits behind one that is still being worked on', async () => {
    const slow = deferred<Reply>()
    const { stream } = connect(({ bytes, start, end }) =>
      bytes.toString('latin1', start, end) === 'slow' ? slow.promise : replyOf('quick'),
    )
    stream.receive(Buffer.concat([frameOf('slow'), frameOf('now')]))
    await settled()
    assert.equal(stream.text, '')
    slow.resolve(replyOf('slow '))
    await settled()
    assert.equal(stream.text, 'slow quick')
  })

  test('a request without a reply leaves no gap', async () => {
    const { replies, handle } = held()
    const { stream } = connect(handle)
    stream.receive(Buffer.concat([frameOf('a'), frameOf('b')]))
    replies.get('b')!.resolve(replyOf('B'))
    replies.get('a')!.resolve(undefined)
    await settled()
    assert.equal(stream.text, 'B')
  })

  test('with its limit of requests under way it stops reading, and goes on as they finish', async () => {
    const { started, replies, handle } = held()
    const { stream } = connect(handle, { maxInFlightRequests: 2 })
    stream.receive(Buffer.concat(['a', 'b', 'c'].map(frameOf)))
    assert.deepEqual([started, stream.isPaused], [['a', 'b'], true])
    replies.get('a')!.resolve(replyOf('A'))
    await settled()
    assert.deepEqual([started, stream.isPaused], [['a', 'b', 'c'], true])
    replies.get('b')!.resolve(replyOf('B'))
    replies.get('c')!.resolve(replyOf('C'))
    await settled()
    assert.deepEqual([stream.text, stream.isPaused], ['ABC', false])
  })

  test('replies that wait behind a slow one count: no more is started than may wait', async () => {
    const slow = deferred<Reply>()
    const started: string[] = []
    const { stream } = connect(
      ({ bytes, start, end }) => {
        started.push(bytes.toString('latin1', start, end))
        if (started.length === 1) return slow.promise
        return started.length % 2 === 0 ? replyOf('x'.repeat(400)) : Promise.resolve(replyOf('y'.repeat(400)))
      },
      { maxPendingBytes: 1000 },
    )
    for (const name of ['slow', 'b', 'c', 'd', 'e', 'f']) {
      stream.receive(frameOf(name))
      await settled()
    }
    assert.deepEqual([started, stream.isPaused], [['slow', 'b', 'c', 'd'], true])
    slow.resolve(replyOf('first'))
    await settled()
    assert.deepEqual([started.length, stream.isPaused], [6, false])
    assert.equal(stream.text.length, 5 + 5 * 400)
  })

  test('a client that does not read its replies is not read from', async () => {
    const started: string[] = []
    const { stream } = connect(
      ({ bytes, start, end }) => {
        started.push(bytes.toString('latin1', start, end))
        return replyOf('x'.repeat(600))
      },
      { maxPendingBytes: 1000 },
    )
    stream.isStalled = true
    stream.receive(Buffer.concat(['a', 'b', 'c', 'd'].map(frameOf)))
    assert.deepEqual([started, stream.isPaused], [['a', 'b'], true])
    stream.unstall()
    await settled()
    assert.deepEqual([started, stream.isPaused], [['a', 'b', 'c', 'd'], false])
  })

  test('a range of a file is sent in its place, slice by slice, and released once', async () => {
    const file = Buffer.alloc(1_500_000, 'f')
    let released = 0
    const range: ByteRange = {
      byteLength: file.length,
      read: async (target, offset) => file.copy(target, 0, offset),
      readSync: (target, offset) => file.copy(target, 0, offset),
      release: () => released++,
    }
    let next = 0
    const { stream, slices, clock } = connect(
      () => {
        next++
        return next === 1
          ? { chunks: [Buffer.from('<'), range, Buffer.from('>')], byteLength: file.length + 2 }
          : replyOf('after')
      },
      { maxPendingBytes: 10_000_000 },
    )
    stream.receive(Buffer.concat([frameOf('a'), frameOf('b')]))
    for (let i = 0; i < 20; i++) {
      clock.advance(0)
      await settled()
    }
    assert.equal(stream.text, `<${file.toString()}>after`)
    assert.ok(Math.max(...stream.written.map(({ length }) => length)) < file.length)
    assert.deepEqual([released, slices.lent], [1, 0])
  })

  test('reading goes on after a range of a file has held it up', async () => {
    const range: ByteRange = {
      byteLength: 5000,
      read: async (target) => target.length,
      readSync: (target) => target.length,
      release() {},
    }
    let next = 0
    const { stream } = connect(() => {
      next++
      return next === 1 ? { chunks: [range], byteLength: 5000 } : replyOf('after')
    })
    stream.receive(frameOf('a'))
    stream.receive(frameOf('b'))
    assert.equal(stream.isPaused, true)
    for (let i = 0; i < 5; i++) await settled()
    assert.equal(stream.isPaused, false)
    assert.ok(stream.text.endsWith('after'))
  })

  test('when the client goes, ranges that were never sent are released, the replies of late handlers too', async () => {
    const released: string[] = []
    const rangeOf = (name: string): ByteRange => ({
      byteLength: 10,
      read: async () => 10,
      readSync: () => 10,
      release: () => released.push(name),
    })
    const late = deferred<Reply>()
    let next = 0
    const { connection, stream, ended } = connect(
      () => {
        next++
        return next === 1 ? { chunks: [rangeOf('first'), rangeOf('second')], byteLength: 20 } : late.promise
      },
      { maxPendingBytes: 10_000 },
    )
    stream.isStalled = true
    stream.receive(Buffer.concat([frameOf('a'), frameOf('b')]))
    connection.closed()
    late.resolve({ chunks: [rangeOf('late')], byteLength: 10 })
    await settled()
    // The first one is being sent: it is released when the socket lets go of its bytes.
    assert.deepEqual(released, ['second', 'late'])
    assert.equal(ended.length, 1)
  })

  test('a client that has finished sending gets every answer, then the connection ends', async () => {
    const { started, replies, handle } = held()
    const { stream, ended } = connect(handle, { maxInFlightRequests: 2 })
    stream.receive(Buffer.concat([...['a', 'b', 'c'].map(frameOf), Buffer.from([0, 0, 0, 9, 1])]))
    stream.finishSending()
    assert.deepEqual([started, stream.isDestroyed], [['a', 'b'], false])
    replies.get('b')!.resolve(replyOf('B'))
    await settled()
    assert.equal(stream.isDestroyed, false)
    replies.get('a')!.resolve(replyOf('A'))
    await settled()
    assert.deepEqual([started, stream.text, stream.isDestroyed], [['a', 'b', 'c'], 'AB', false])
    replies.get('c')!.resolve(undefined)
    await settled()
    assert.deepEqual([stream.text, stream.isDestroyed, ended], ['AB', true, [undefined]])
  })

  test('a client that finishes sending without a question is gone at once', () => {
    const { stream, ended } = connect(held().handle)
    stream.finishSending()
    assert.deepEqual([stream.isDestroyed, ended.length], [true, 1])
  })

  test('what the kernel has not taken when a client finishes sending is still sent', async () => {
    const { stream, connection, ended } = connect(() => replyOf('answer'))
    stream.isStalled = true
    stream.receive(frameOf('a'))
    stream.finishSending()
    assert.deepEqual([stream.isEnding, stream.isDestroyed, ended.length], [true, false, 0])
    stream.unstall()
    assert.equal(stream.text, 'answer')
    connection.closed()
    assert.equal(ended.length, 1)
  })

  test('a range of a file is sent whole to a client that has finished sending', async () => {
    let released = 0
    const range: ByteRange = {
      byteLength: 4,
      read: async () => 4,
      readSync: (target) => target.write('file'),
      release: () => released++,
    }
    const { stream } = connect(() => ({ chunks: [range, Buffer.from('!')], byteLength: 5 }))
    stream.isStalled = true
    stream.receive(frameOf('a'))
    stream.finishSending()
    for (let i = 0; i < 5; i++) await settled()
    assert.deepEqual([stream.text, stream.isDestroyed], ['file', false])
    stream.unstall()
    for (let i = 0; i < 5; i++) await settled()
    assert.deepEqual([stream.text, stream.isDestroyed, released], ['file!', true, 1])
  })

  test('one that has finished sending and waits is idle: it may be gone for good', async () => {
    const { replies, handle } = held()
    const { stream, connection } = connect(handle)
    stream.receive(frameOf('a'))
    connection.closeIfIdle(1_000_000, 100)
    assert.equal(stream.isDestroyed, false, 'who only waits is not')
    stream.finishSending()
    connection.closeIfIdle(1_000_000, 100)
    assert.equal(stream.isDestroyed, true)
    replies.get('a')!.resolve(replyOf('A'))
    await settled()
    assert.equal(stream.text, '')
  })

  test('a handler that throws, at once or later, ends the connection with its reason', async () => {
    const now = connect(() => {
      throw new Error('unsupported')
    })
    now.stream.receive(frameOf('a'))
    assert.deepEqual([now.stream.isDestroyed, now.ended[0]?.message], [true, 'unsupported'])
    const later = connect(async () => {
      throw new Error('gone wrong')
    })
    later.stream.receive(frameOf('a'))
    await settled()
    assert.deepEqual([later.stream.isDestroyed, later.ended[0]?.message], [true, 'gone wrong'])
  })
})
