// Listeners over a real loopback socket: limits on connections, idle ones, ports that are taken, a clean close.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { systemNetwork } from '../../src/lib/network.ts'
import { ListenError } from '../../src/net/listen-error.ts'
import { Listeners, type ListenersOptions } from '../../src/net/listeners.ts'
import { frameOf } from './stream.ts'

async function listen(context: TestContext, options: Partial<ListenersOptions> = {}) {
  const listeners = new Listeners(
    {
      addresses: [{ name: 'PLAINTEXT', host: '127.0.0.1', port: 0 }],
      limits: { maxRequestBytes: 1000, maxInFlightRequests: 100, maxPendingBytes: 100_000 },
      maxConnections: 100,
      maxConnectionsFrom: () => 100,
      maxIdleMs: -1,
      backlog: 50,
      ...options,
    },
    {
      network: systemNetwork,
      clock: systemClock,
      logger: silentLogger,
      handle: ({ bytes, start, end }) => {
        const reply = Buffer.from(bytes.subarray(start, end))
        return { chunks: [reply], byteLength: reply.length }
      },
    },
  )
  context.after(() => listeners.close())
  const ports = await listeners.listen()
  listeners.serve()
  return { listeners, port: ports.get('PLAINTEXT')! }
}

async function open(context: TestContext, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  context.after(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function echo(socket: Socket, text: string): Promise<string> {
  socket.write(frameOf(text))
  let received = ''
  while (received.length < text.length) received += String((await once(socket, 'data'))[0])
  return received
}

describe('Listeners', () => {
  test('answers over a real socket, small requests and ones larger than the receive buffer', async (context) => {
    const { port } = await listen(context, {
      limits: { maxRequestBytes: 10_000_000, maxInFlightRequests: 100, maxPendingBytes: 100_000 },
    })
    const socket = await open(context, port)
    assert.equal(await echo(socket, 'hello'), 'hello')
    const large = 'large '.repeat(500_000)
    assert.equal(await echo(socket, large), large)
  })

  test('a client beyond max.connections.per.ip is closed at once, the others are served', async (context) => {
    const { port } = await listen(context, { maxConnectionsFrom: () => 1 })
    const first = await open(context, port)
    assert.equal(await echo(first, 'one'), 'one')
    const second = await open(context, port)
    await once(second, 'close')
    assert.equal(await echo(first, 'still'), 'still')
  })

  test('a client beyond max.connections waits until another one leaves', async (context) => {
    const { port } = await listen(context, { maxConnections: 1 })
    const first = await open(context, port)
    assert.equal(await echo(first, 'one'), 'one')
    const second = await open(context, port)
    const answer = echo(second, 'two')
    assert.equal(await echo(first, 'one more'), 'one more')
    first.destroy()
    assert.equal(await answer, 'two')
  })

  test('an idle connection is closed, a busy one is not', async (context) => {
    const { port } = await listen(context, { maxIdleMs: 200 })
    const idle = await open(context, port)
    const busy = await open(context, port)
    let isIdleClosed = false
    idle.on('close', () => {
      isIdleClosed = true
    })
    for (let i = 0; i < 20 && !isIdleClosed; i++) {
      assert.equal(await echo(busy, 'tick'), 'tick')
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    assert.equal(isIdleClosed, true)
    assert.equal(await echo(busy, 'tick'), 'tick')
  })

  test('a port that is taken is named in the error, with what to do', async (context) => {
    const { port } = await listen(context)
    await assert.rejects(
      listen(context, { addresses: [{ name: 'INTERNAL', host: '127.0.0.1', port }] }),
      (error: Error) =>
        error instanceof ListenError &&
        error.message.includes(`INTERNAL://127.0.0.1:${port}`) &&
        error.message.includes('choose another port'),
    )
  })

  test('close ends every connection and frees the port', async (context) => {
    const { listeners, port } = await listen(context)
    const socket = await open(context, port)
    assert.equal(await echo(socket, 'one'), 'one')
    const closed = once(socket, 'close')
    await listeners.close()
    await closed
    assert.equal(listeners.connectionCount, 0)
    const again = await listen(context, { addresses: [{ name: 'PLAINTEXT', host: '127.0.0.1', port }] })
    assert.equal(again.port, port)
  })
})
