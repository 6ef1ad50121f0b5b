// The three administrative requests a bench needs of either broker: create a topic, delete it, see whether it is served.
// Promises to work against any broker of Kafka 2.1 or later with old, fixed-layout versions written out by hand, so that
// a bench depends on nothing it measures. Errors name the request, the topic and the error code.
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  const length = Buffer.alloc(2)
  length.writeInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}
const int16 = (value: number): Buffer => Buffer.from([(value >> 8) & 255, value & 255])
const int32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

/** Sends one request on a connection of its own and gives the body of its answer (header v0). */
function ask(port: number, api: number, version: number, body: Buffer, timeoutMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const chunks: Buffer[] = []
    let received = 0
    const finish = (error: Error | null, answer?: Buffer) => {
      socket.destroy()
      if (error) reject(error)
      else resolve(answer!)
    }
    socket.setTimeout(timeoutMs, () => finish(new Error(`no answer to API ${api} within ${timeoutMs} ms`)))
    socket.on('error', finish)
    socket.on('close', () => finish(new Error(`the broker closed the connection at API ${api} v${version}`)))
    socket.on('data', (chunk) => {
      chunks.push(chunk)
      received += chunk.length
      if (received < 4) return
      const all = Buffer.concat(chunks)
      chunks.splice(0, chunks.length, all)
      if (received >= 4 + all.readInt32BE(0)) finish(null, all.subarray(8))
    })
    const header = Buffer.concat([int16(api), int16(version), int32(1), text('bench')])
    socket.write(Buffer.concat([int32(header.length + body.length), header, body]))
  })
}

class Answer {
  private readonly bytes: Buffer
  private at = 0
  constructor(bytes: Buffer) {
    this.bytes = bytes
  }
  int(size: number): number {
    this.at += size
    return this.bytes.readIntBE(this.at - size, size)
  }
  skip(bytes: number): void {
    this.at += bytes
  }
  text(): string | null {
    const length = this.int(2)
    if (length < 0) return null
    this.at += length
    return this.bytes.toString('utf8', this.at - length, this.at)
  }
  each<T>(read: () => T): T[] {
    return Array.from({ length: this.int(4) }, read)
  }
}

/** How many of the topic's partitions the broker really serves: Metadata may name a leader a little before it is one. */
export async function servedPartitions(port: number, topic: string, partitions: number): Promise<number> {
  const latest = Buffer.alloc(8, 0xff)
  const asked = Array.from({ length: partitions }, (_, partition) =>
    Buffer.concat([int32(partition), latest]),
  )
  const body = Buffer.concat([int32(-1), int32(1), text(topic), int32(partitions), ...asked])
  const answer = new Answer(await ask(port, 2, 1, body, 60_000))
  let served = 0
  answer.each(() => {
    answer.text()
    answer.each(() => {
      answer.int(4)
      if (answer.int(2) === 0) served++
      answer.skip(16)
    })
  })
  return served
}

/** Waits until the broker serves every partition of the topic. */
export async function untilServed(port: number, topic: string, partitions: number): Promise<void> {
  const deadline = performance.now() + 300_000
  while ((await servedPartitions(port, topic, partitions)) < partitions) {
    if (performance.now() > deadline)
      throw new Error(`not every partition of ${topic} was served in 5 minutes`)
    await sleep(10)
  }
}

/** Creates a topic with one replica (CreateTopics v4) and waits until every partition is served. */
export async function createTopic(
  port: number,
  topic: string,
  partitions: number,
  configs: Readonly<Record<string, string>> = {},
): Promise<void> {
  const body = Buffer.concat([
    int32(1),
    text(topic),
    int32(partitions),
    int16(1),
    int32(0),
    int32(Object.keys(configs).length),
    ...Object.entries(configs).map(([key, value]) => Buffer.concat([text(key), text(value)])),
    int32(60_000),
    Buffer.from([0]),
  ])
  const answer = new Answer(await ask(port, 19, 4, body, 120_000))
  answer.int(4)
  answer.each(() => {
    const name = answer.text()
    const error = answer.int(2)
    const message = answer.text()
    if (error !== 0) throw new Error(`creating ${name} failed with error code ${error}: ${message}`)
  })
  await untilServed(port, topic, partitions)
}

/** Deletes a topic (DeleteTopics v3); its files may go a little later. */
export async function deleteTopic(port: number, topic: string): Promise<void> {
  const answer = new Answer(
    await ask(port, 20, 3, Buffer.concat([int32(1), text(topic), int32(60_000)]), 120_000),
  )
  answer.int(4)
  answer.each(() => {
    const name = answer.text()
    const error = answer.int(2)
    if (error !== 0) throw new Error(`deleting ${name} failed with error code ${error}`)
  })
}
