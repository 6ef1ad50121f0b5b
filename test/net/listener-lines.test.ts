// What clients that come and go, or send nonsense, can have written into the log.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedClock } from '../../src/lib/clock.ts'
import type { Network, Stream } from '../../src/lib/network.ts'
import { Listeners } from '../../src/net/listeners.ts'
import { noteLines } from '../support/local-broker.ts'
import { FakeStream } from './stream.ts'

test('a thousand bad connections make a hundred lines in ten seconds, and the next one tells how many there were', async (context) => {
  let accept: (stream: Stream) => void = () => {}
  const network: Network = {
    listen: async (_host, _port, _backlog, take) => {
      accept = take
      return { port: 1, close: async () => {} }
    },
    connect: () => assert.fail('nobody is called'),
  }
  const { logger, lines } = noteLines()
  const clock = new SimulatedClock()
  const listeners = new Listeners(
    {
      addresses: [{ name: 'PLAINTEXT', host: '', port: 0 }],
      limits: { maxRequestBytes: 1000, maxInFlightRequests: 1, maxPendingBytes: 1000 },
      maxConnections: 10,
      maxConnectionsFrom: () => 10,
      maxIdleMs: -1,
      backlog: 1,
    },
    { network, clock, logger, handle: () => undefined },
  )
  context.after(() => listeners.close())
  await listeners.listen()
  listeners.serve()
  const nonsense = () => {
    const stream = new FakeStream()
    accept(stream)
    stream.receive(Buffer.from('GET / HTTP/1.1'))
    assert.ok(stream.isDestroyed)
  }
  for (let i = 0; i < 1000; i++) nonsense()
  assert.equal(lines.length, 100)
  clock.advance(10_000)
  nonsense()
  assert.equal(lines.length, 101)
  assert.equal((lines.at(-1)!.fields as { others: number }).others, 900)
})
