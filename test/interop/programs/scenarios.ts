// What every client must find true of a broker: each codec, odd records, sizes at the limit, very many records, a restart in between.
// Promises the same checks for each client program; a program's `Abilities` say what that client cannot do by itself.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { batchesOf } from '../support/log-files.ts'
import { type CallOptions, ClientError, type ClientProgram, type Failure } from './client-program.ts'
import {
  base64,
  expectedDigests,
  type PartitionDigest,
  type ProgramRecord,
  type ReadRecord,
  recordsAt,
  valueLengthForBatch,
} from './numbered-records.ts'

export const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
export type Codec = (typeof codecs)[number]

export interface Produced {
  readonly offset: number
  readonly error?: Failure
}

export interface ProducedMany {
  readonly acknowledged: number
  readonly failures: readonly Failure[] | null
}

export interface ProduceArguments {
  readonly topic: string
  readonly partition?: number
  readonly codec?: Codec
  readonly acks?: '0' | '1' | 'all' | 'all, not idempotent'
  /** A client's own limit, where it has one. */
  readonly maxBytes?: number
  /** How often the client tries again, where it can be told. */
  readonly retries?: number
  readonly records: readonly ProgramRecord[]
}

export interface Abilities {
  /** The client can send a header whose value is null. */
  readonly nullHeaders: boolean
}

/** One client program and the broker it is pointed at. */
export class Client {
  readonly program: ClientProgram
  readonly broker: BrokerUnderTest
  readonly abilities: Abilities

  constructor(program: ClientProgram, broker: BrokerUnderTest, abilities: Abilities) {
    this.program = program
    this.broker = broker
    this.abilities = abilities
  }

  call<Result>(command: string, args: object, options?: CallOptions): Promise<Result> {
    return this.program.call<Result>(this.broker.bootstrapServers, command, args, options)
  }

  /** Creates topics by the client's own admin; every program takes the same arguments. */
  async createTopic(topic: string, partitions = 1, configs: Record<string, string> = {}): Promise<void> {
    await this.call('createTopic', { topic, partitions, configs })
  }

  async produce(args: ProduceArguments, options?: CallOptions): Promise<Produced[]> {
    return this.call<Produced[]>('produce', { partition: 0, codec: 'none', ...args }, options)
  }

  async consume(
    topic: string,
    count: number,
    args: object = {},
    options?: CallOptions,
  ): Promise<ReadRecord[]> {
    return this.call<ReadRecord[]>('consume', { topic, partition: 0, count, ...args }, options)
  }
}

const text = (value: string | null) => (value === null ? null : base64(value))

const plain = (key: string | null, value: string | null, headers: [string, string | null][] = []) => ({
  key: text(key),
  value: text(value),
  headers: headers.map(([name, of]) => ({ key: name, value: text(of) })),
})

/** Null and empty keys and values, duplicate, empty and (where the client can) null header values, unicode, binary. */
function oddRecords({ nullHeaders }: Abilities): ProgramRecord[] {
  const binary = base64(Uint8Array.from({ length: 256 }, (_, byte) => byte))
  return [
    plain('key', 'value'),
    plain(null, 'no key'),
    plain('no value', null),
    plain(null, null),
    plain('', ''),
    plain('one header', 'value', [['name', 'content']]),
    plain('the same header twice', 'value', [
      ['again', 'first'],
      ['again', 'second'],
      ['other', ''],
    ]),
    ...(nullHeaders ? [plain('null header', 'value', [['null', null]])] : []),
    plain('unicode ключ 鍵', 'значение 価値 🗝', [['заголовок', '見出し']]),
    { key: binary, value: binary, headers: [{ key: 'binary', value: binary }] },
    plain('repetitive, so that compression has something to do', 'abc'.repeat(5000)),
  ].map((record, index) => ({ ...record, timestamp: 1_700_000_000_000 + index * 1000 }))
}

/** Sends the odd records with one codec and reads them back: same bytes, offsets from 0, timestamps, order. */
export async function oddRecordsRoundTrip(
  client: Client,
  codec: Codec,
  options?: CallOptions,
): Promise<void> {
  const topic = `odd-${codec}${options?.release ? `-${options.release}` : ''}`
  await client.createTopic(topic)
  await assertRoundTrip(client, { topic, codec, storedAs: codec }, options)
}

/** A topic with a `compression.type` of its own: the broker decompresses what comes and compresses it anew. */
export async function recompressedRoundTrip(client: Client, codec: Codec, storedAs: Codec): Promise<void> {
  const topic = `recompressed-${codec}-${storedAs}`
  await client.createTopic(topic, 1, { 'compression.type': storedAs === 'none' ? 'uncompressed' : storedAs })
  await assertRoundTrip(client, { topic, codec, storedAs })
}

async function assertRoundTrip(
  client: Client,
  { topic, codec, storedAs }: { topic: string; codec: Codec; storedAs: Codec },
  options?: CallOptions,
): Promise<void> {
  const records = oddRecords(client.abilities)
  const produced = await client.produce({ topic, codec, records }, options)
  assert.deepEqual(
    produced.map(({ offset, error }) => error ?? offset),
    records.map((_, offset) => offset),
  )
  const read = await client.consume(topic, records.length, {}, options)
  assert.deepEqual(
    read.map(({ key, value, headers, timestamp, offset }) => ({ key, value, headers, timestamp, offset })),
    records.map((record, offset) => ({ ...record, offset })),
  )
  const { batches } = batchesOf(join(client.broker.logDir, `${topic}-0`))
  assert.deepEqual([...new Set(batches.map((batch) => batch.codec))], [storedAs], 'the codec on disk')
  // franz-go tells it too.
  const told = read.map((record) => record.codec ?? storedAs)
  assert.deepEqual([...new Set(told)], [storedAs], 'the codec as read')
}

export interface ManyOptions {
  readonly topic: string
  readonly count: number
  readonly partitions: number
  readonly codec: Codec
}

/** Sends the numbered records and reads them back: each exactly once, in order, byte for byte. */
export async function manyRecordsRoundTrip(client: Client, options: ManyOptions): Promise<void> {
  const { topic, count, partitions, codec } = options
  await client.createTopic(topic, partitions)
  const sent = await client.call<ProducedMany>('produceMany', { topic, count, partitions, codec })
  assert.deepEqual(sent.failures ?? [], [])
  assert.equal(sent.acknowledged, count)
  await assertHoldsNumbered(client, options)
}

export async function assertHoldsNumbered(client: Client, options: ManyOptions): Promise<void> {
  const { topic, count, partitions } = options
  const read = await client.call<PartitionDigest[]>('digestMany', { topic, count, partitions })
  assert.deepEqual(read, expectedDigests(count, partitions))
  // Nothing may follow them either.
  for (const { partition, count: inPartition } of read) {
    const more = await client.consume(topic, 1, { partition, offset: inPartition, silenceMs: 700 })
    assert.deepEqual(more, [], `records after the last one expected in partition ${partition}`)
  }
}

export interface RestartOptions extends ManyOptions {
  readonly recordsPerSecond: number
  /** The broker goes down when so many records are acknowledged. */
  readonly restartAfter: number
  readonly how: 'clean' | 'kill -9'
}

/** The broker goes down and comes back while records flow: the client gets all of them through, each exactly once. */
export async function restartInMidStream(client: Client, options: RestartOptions): Promise<void> {
  const { topic, count, partitions, codec, recordsPerSecond, restartAfter, how } = options
  await client.createTopic(topic, partitions)
  let acknowledged = 0
  let restart: Promise<void> | undefined
  const restartNow = async () => {
    if (how === 'kill -9') await client.broker.kill9()
    await client.broker.restart()
  }
  const sent = await client
    .call<ProducedMany>(
      'produceMany',
      { topic, count, partitions, codec, recordsPerSecond },
      {
        onProgress: (progress) => {
          acknowledged = progress.acknowledged
          if (acknowledged >= restartAfter) restart ??= restartNow()
        },
      },
    )
    .finally(() => restart)
  assert.ok(restart, `the stream ended before ${restartAfter} acknowledgements: ${JSON.stringify(sent)}`)
  assert.deepEqual(sent.failures ?? [], [])
  assert.equal(sent.acknowledged, count)
  await assertHoldsNumbered(client, options)
}

/** A batch of exactly `max.message.bytes` is taken, one byte more is refused with MESSAGE_TOO_LARGE and leaves no trace. */
export async function sizesAtTheLimit(client: Client, topic: string, maxMessageBytes: number): Promise<void> {
  const configs = { 'max.message.bytes': String(maxMessageBytes) }
  await client.createTopic(topic, 1, configs)
  const length = valueLengthForBatch(maxMessageBytes)
  const send = (value: Uint8Array) =>
    client.produce({
      topic,
      maxBytes: maxMessageBytes + 10_000,
      records: [{ key: null, value: base64(value), headers: [], timestamp: 1_700_000_000_000 }],
    })
  const near = Buffer.alloc(length, 'near ')
  assert.deepEqual(await send(near), [{ offset: 0 }])
  const refusal = await errorOf(send(Buffer.alloc(length + 1, 'above')))
  assert.deepEqual([refusal.code, refusal.name], [10, 'MESSAGE_TOO_LARGE'])
  assert.deepEqual(await send(near), [{ offset: 1 }])
  const read = await client.consume(topic, 3, { silenceMs: 1000 })
  assert.deepEqual(
    read.map(({ offset, value }) => [offset, value === base64(near)]),
    [
      [0, true],
      [1, true],
    ],
  )
}

/** The error of a single produced record, whether the program reports it by record or throws it. */
export async function errorOf(producing: Promise<Produced[]>): Promise<{ code: number; name: string }> {
  try {
    const [only] = await producing
    if (only?.error === undefined) return { code: 0, name: `no error, offset ${only?.offset}` }
    return { code: only.error.code ?? 0, name: only.error.name ?? only.error.message }
  } catch (error) {
    if (error instanceof ClientError) return { code: error.code, name: error.name }
    throw error
  }
}

/** Three records with each kind of acks, one after the other, for clients that know no offset where there is no answer. */
export async function acksInOrder(client: Client): Promise<void> {
  const topic = 'acks'
  await client.createTopic(topic)
  const sent: number[] = []
  for (const acks of ['0', '1', 'all'] as const) {
    const base = sent.length
    const produced = await client.produce({ topic, acks, records: recordsAt(base, base + 1, base + 2) })
    const offsets = produced.map(({ offset }) => offset)
    assert.deepEqual(offsets, acks === '0' ? [-1, -1, -1] : [base, base + 1, base + 2])
    sent.push(base, base + 1, base + 2)
    await client.consume(topic, sent.length)
  }
  const read = await client.consume(topic, sent.length + 1, { silenceMs: 700 })
  assert.deepEqual(
    read.map(({ value }) => value),
    sent.map((time) => base64(`at ${time}`)),
  )
}
