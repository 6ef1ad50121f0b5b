// What a test or a bench asks of any broker on this machine: a port nobody listens on, and whether it answers yet.
// Promises nothing about a port staying free: another process may take it between the answer and its use.
import { connect, createServer } from 'node:net'

/** `count` different ports of 127.0.0.1 that were free a moment ago. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer()
      await new Promise<void>((resolve, reject) => server.on('error', reject).listen(0, '127.0.0.1', resolve))
      return server
    }),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}

export const freePort = async (): Promise<number> => (await freePorts(1))[0]!

// Metadata v1, correlation id 7, no client id, an empty list of topics: the brokers alone.
const metadataRequest = Buffer.from('0000000e' + '00030001' + '00000007' + 'ffff' + '00000000', 'hex')

/** True if the broker at `port` answers a Metadata request with at least one broker within `timeoutMs`. */
export function answersMetadata(port: number, timeoutMs = 2000, host = '127.0.0.1'): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host, noDelay: true })
    let received = Buffer.alloc(0)
    const finish = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(timeoutMs, () => finish(false))
    socket.on('error', () => finish(false))
    socket.on('close', () => finish(false))
    socket.on('connect', () => socket.write(metadataRequest))
    socket.on('data', (bytes) => {
      received = Buffer.concat([received, bytes])
      // size, correlation id, then the count of brokers
      if (received.length >= 12) finish(received.readInt32BE(4) === 7 && received.readInt32BE(8) > 0)
    })
  })
}
