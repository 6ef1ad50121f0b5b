// A shard on a simulated disk and clock: when answers leave, what becomes of state that the log refuses or loses, and
// loading. The state machine is a notebook: pages with a text each.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Shard } from '../../src/coordinator/shard.ts'
import { shardIndex } from '../../src/coordinator/shards.ts'
import type { ReplayOrigin, StateMachine, Step, Waiter } from '../../src/coordinator/step.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'
import { buildBatch, buildEndTransactionMarker } from '../../src/wire/records/build.ts'
import { endingsOf, PartitionStage, type PartitionStageOptions } from '../partition/stage.ts'

interface Line {
  readonly page: string
  readonly text: string | null
}

class Notebook implements StateMachine<Line> {
  readonly pages = new Map<string, string>()
  readonly pending = new Map<number, Line[]>()
  loads = 0

  replay(line: Line, { transaction }: ReplayOrigin): void {
    if (transaction !== undefined) {
      const lines = this.pending.get(transaction.producerId) ?? []
      this.pending.set(transaction.producerId, [...lines, line])
    } else if (line.text === null) this.pages.delete(line.page)
    else this.pages.set(line.page, line.text)
  }

  endTransaction(producerId: number, isCommit: boolean): void {
    const lines = this.pending.get(producerId) ?? []
    this.pending.delete(producerId)
    if (isCommit) for (const { page, text } of lines) this.pages.set(page, text!)
  }

  decode(key: Buffer, value: Buffer | null): Line | undefined {
    const page = key.toString()
    return page.startsWith('?') ? undefined : { page, text: value?.toString() ?? null }
  }

  encode({ page, text }: Line): { key: Buffer; value: Buffer | null } {
    return { key: Buffer.from(page), value: text === null ? null : Buffer.from(text) }
  }

  loaded(): void {
    this.loads++
  }
}

/** As `endingsOf`, for promises that have been rejected already. */
function endings(calls: readonly Promise<unknown>[]): Promise<string[]> {
  for (const call of calls) call.catch(() => {})
  return endingsOf(calls)
}

class ShardStage {
  readonly stage: PartitionStage
  readonly failures: string[] = []
  shard!: Shard<Line, Notebook>

  constructor(options: PartitionStageOptions = {}) {
    this.stage = new PartitionStage(options)
    this.open()
  }

  get pages(): Record<string, string> {
    return Object.fromEntries(this.shard.machine.pages)
  }

  open(loadBufferBytes = 1_000_000): Promise<void> {
    const { clock, notes, partition } = this.stage
    this.shard = new Shard<Line, Notebook>(partition, new Notebook(), {
      clock,
      logger: notes.logger,
      loadBufferBytes: () => loadBufferBytes,
      commitTimeoutMs: () => 5000,
      failed: (error) => this.failures.push(error.message),
    })
    return this.shard.load()
  }

  write(page: string, text: string | null): Promise<string> {
    return this.shard.run((_, step) => {
      step.append({ page, text })
      return `wrote ${page}`
    })
  }

  read(page: string): Promise<string | undefined> {
    return this.shard.run(({ pages }) => pages.get(page))
  }
}

describe('answers', () => {
  test('leave when what they rest on is committed, and in order', async () => {
    const stage = new ShardStage({ config: { 'flush.messages': '1' } })
    stage.stage.files.holdSyncs()
    const order: string[] = []
    const calls = [stage.write('a', '1'), stage.read('a').then((text) => `read ${text}`)]
    for (const call of calls) void call.then((answer) => order.push(answer))
    assert.deepEqual(stage.pages, { a: '1' }, 'the state is ahead of the answers')
    await stage.stage.endTurn()
    assert.deepEqual(order, [], 'the disk has not confirmed it')
    stage.stage.files.letSync()
    await stage.stage.endTurn()
    assert.deepEqual(order, ['wrote a', 'read 1'])
  })

  test('that rest on nothing new leave at once', async () => {
    const stage = new ShardStage()
    assert.equal(await stage.read('a'), undefined)
  })

  test('of a waiter come from a later step', async () => {
    const stage = new ShardStage()
    let waiter!: Waiter<string>
    const call = stage.shard.run<string>((_, step) => (waiter = step.wait<string>()))
    assert.deepEqual(await endings([call]), ['pending'])
    void stage.shard.run((_, step) => step.reply(waiter, 'at last'))
    assert.equal(await call, 'at last')
  })

  test('are refused each after its own time, however many wait', async () => {
    const stage = new ShardStage({ config: { 'flush.messages': '1' } })
    stage.stage.files.holdSyncs()
    const calls = [stage.write('a', '1'), stage.write('b', '2')]
    await stage.stage.endTurn()
    stage.stage.clock.advance(1000)
    calls.push(stage.write('c', '3'))
    await stage.stage.endTurn()
    stage.stage.clock.advance(4000)
    await stage.stage.endTurn()
    stage.stage.clock.advance(0)
    const refused = 'COORDINATOR_NOT_AVAILABLE'
    assert.deepEqual(await endings(calls), [refused, refused, 'pending'])
    stage.stage.clock.advance(1000)
    assert.deepEqual(await endings(calls), [refused, refused, refused])
  })

  test('are refused when records are not committed in time; the state goes on', async () => {
    const stage = new ShardStage({ config: { 'flush.messages': '1' } })
    stage.stage.files.holdSyncs()
    const call = stage.write('a', '1')
    await stage.stage.endTurn()
    stage.stage.clock.advance(5000)
    assert.deepEqual(await endings([call]), ['COORDINATOR_NOT_AVAILABLE'])
    stage.stage.files.letSync()
    await stage.stage.endTurn()
    assert.equal(await stage.read('a'), '1')
  })
})

describe('what a command throws', () => {
  test('is its answer, and changes nothing', async () => {
    const stage = new ShardStage()
    const call = stage.shard.run((_, step) => {
      step.append({ page: 'a', text: '1' })
      throw new KafkaError(errors.ILLEGAL_GENERATION)
    })
    assert.deepEqual(await endings([call]), ['ILLEGAL_GENERATION'])
    assert.deepEqual(stage.pages, {})
  })

  test('by mistake makes the state be loaded again', async () => {
    const stage = new ShardStage()
    const call = stage.shard.run(() => {
      throw new TypeError('x is not a function')
    })
    assert.deepEqual(await endings([call]), ['UNKNOWN_SERVER_ERROR'])
    assert.deepEqual(stage.failures, ['x is not a function'])
    assert.deepEqual(await endings([stage.read('a')]), ['COORDINATOR_NOT_AVAILABLE'])
  })
})

describe('records that the log refuses', () => {
  test('are not even encoded to the end when they are far too large', async () => {
    const stage = new ShardStage()
    let encoded = 0
    stage.shard.machine.encode = ({ page }) => {
      encoded++
      return { key: Buffer.from(page), value: Buffer.alloc(1000) }
    }
    const call = stage.shard.run((_, step) => {
      for (let i = 0; i < 10_000; i++) step.append({ page: 'a', text: '1' })
    })
    assert.deepEqual(await endings([call]), ['UNKNOWN_SERVER_ERROR'])
    assert.ok(encoded < 1100, `${encoded} of 10000 records were encoded`)
    assert.deepEqual(stage.failures, [])
  })

  const tooLarge = { config: { 'max.message.bytes': '1000' } }

  test('leave the state as it was', async () => {
    const stage = new ShardStage(tooLarge)
    const calls = [stage.write('a', 'x'.repeat(2000)), stage.write('b', '1')]
    await stage.stage.endTurn()
    assert.deepEqual(await endings(calls), ['UNKNOWN_SERVER_ERROR', 'done'])
    assert.deepEqual(stage.pages, { b: '1' })
    assert.deepEqual(stage.failures, [])
  })

  test('let the step take back what it has done itself, and answer for it', async () => {
    const stage = new ShardStage(tooLarge)
    const call = stage.shard.run<string>(({ pages }, step) => {
      const waiter = step.wait<string>()
      pages.set('a', 'too early')
      step.persist({ page: 'a', text: 'x'.repeat(2000) })
      step.reply(waiter, 'done')
      step.onAppendFailed((undo, error) => {
        pages.delete('a')
        undo.reply(waiter, `undone: ${error.name}`)
      })
      return waiter
    })
    assert.equal(await call, 'undone: UNKNOWN_SERVER_ERROR')
    assert.deepEqual(stage.pages, {})
    assert.deepEqual(stage.failures, [])
  })

  test('leave nobody waiting who came with the step', async () => {
    const stage = new ShardStage(tooLarge)
    const call = stage.shard.run<string>((_, step) => {
      step.append({ page: 'a', text: 'x'.repeat(2000) })
      step.onAppendFailed(() => {})
      return step.wait<string>()
    })
    assert.deepEqual(await endings([call]), ['UNKNOWN_SERVER_ERROR'])
  })

  test('of a step that cannot take anything back make the state be loaded again', async () => {
    const stage = new ShardStage(tooLarge)
    const call = stage.shard.run((_, step) => step.persist({ page: 'a', text: 'x'.repeat(2000) }))
    assert.deepEqual(await endings([call]), ['COORDINATOR_NOT_AVAILABLE'])
    assert.equal(stage.failures.length, 1)
  })
})

test('records that the disk loses make the state be loaded again, from what is there', async () => {
  const stage = new ShardStage()
  const kept = stage.write('a', '1')
  await stage.stage.endTurn()
  const mend = stage.stage.files.fail('write', /\.log$/, 'ENOSPC')
  const lost = stage.write('a', '2')
  await stage.stage.endTurn()
  assert.deepEqual(await endings([kept, lost]), ['done', 'COORDINATOR_NOT_AVAILABLE'])
  assert.equal(stage.failures.length, 1)
  mend()
  await stage.open()
  assert.equal(await stage.read('a'), '1')
})

describe('timers', () => {
  test('fire as steps of their own; a later deadline takes the place of an earlier one', async () => {
    const stage = new ShardStage()
    const { clock } = stage.stage
    const fire = (step: Step<Line>) => step.append({ page: 'a', text: 'fired' })
    void stage.shard.run((_, step) => step.schedule('t', 1000, fire))
    clock.advance(900)
    void stage.shard.run((_, step) => step.schedule('t', 1000, fire))
    clock.advance(900)
    assert.deepEqual(stage.pages, {})
    clock.advance(100)
    assert.deepEqual(stage.pages, { a: 'fired' })
  })

  test('can be brought forward and cancelled, and end with the shard', async () => {
    const stage = new ShardStage()
    const { clock } = stage.stage
    const note = (page: string) => (step: Step<Line>) => step.append({ page, text: 'fired' })
    void stage.shard.run((_, step) => {
      step.schedule('sooner', 1000, note('late'))
      step.schedule('cancelled', 50, note('cancelled'))
      step.schedule('closed', 500, note('closed'))
    })
    void stage.shard.run((_, step) => {
      step.schedule('sooner', 10, note('sooner'))
      step.cancel('cancelled')
    })
    clock.advance(100)
    assert.deepEqual(stage.pages, { sooner: 'fired' })
    stage.shard.close()
    clock.advance(2000)
    assert.deepEqual(stage.pages, { sooner: 'fired' })
  })
})

describe('loading', () => {
  test('gives the state that was, in stretches of the log, and refuses commands meanwhile', async () => {
    const stage = new ShardStage()
    for (let i = 0; i < 50; i++) void stage.write(`page ${i % 7}`, `text ${i}`)
    void stage.write('page 3', null)
    await stage.stage.endTurn()
    const before = stage.pages
    const loading = stage.open(200)
    assert.deepEqual(await endings([stage.read('page 1')]), ['COORDINATOR_LOAD_IN_PROGRESS'])
    let later: Record<string, string> | undefined
    stage.shard.runWhenLoaded(() => {
      later = stage.pages
    })
    for (let i = 0; i < 60; i++) await stage.stage.endTurn()
    await loading
    assert.deepEqual(stage.pages, before)
    assert.deepEqual(later, before)
    assert.equal(stage.shard.machine.loads, 1)
  })

  test('passes over keys of other kinds, and waits for the end of transactions', async () => {
    const stage = new ShardStage()
    const { partition } = stage.stage
    const put = (page: string, producerId: number) =>
      buildBatch({
        records: [{ timestamp: 1, key: Buffer.from(page), value: Buffer.from('text') }],
        ...(producerId < 0 ? {} : { producerId, producerEpoch: 0, baseSequence: 0, transactional: true }),
      })
    const end = (producerId: number, isCommit: boolean) =>
      buildEndTransactionMarker({ isCommit, producerId, producerEpoch: 0, coordinatorEpoch: 0, timestamp: 1 })
    for (const bytes of [
      put('?unknown', -1),
      put('committed', 1),
      put('aborted', 2),
      put('open', 3),
      end(1, true),
      end(2, false),
      put('plain', -1),
    ]) {
      partition.append(bytes, { origin: 'coordinator', acks: -1, retain: true })
    }
    await stage.stage.endTurn()
    await stage.open()
    assert.deepEqual(stage.pages, { committed: 'text', plain: 'text' })
    assert.deepEqual([...stage.shard.machine.pending.keys()], [3])
  })

  test('that is given up ends when the shard is closed', async () => {
    const stage = new ShardStage()
    for (let i = 0; i < 20; i++) void stage.write(`page ${i}`, 'text')
    await stage.stage.endTurn()
    const loading = stage.open(100)
    stage.shard.close()
    for (let i = 0; i < 3; i++) await stage.stage.endTurn()
    await loading
    assert.equal(stage.shard.machine.loads, 0)
    assert.deepEqual(await endings([stage.read('page 1')]), ['NOT_COORDINATOR'])
  })
})

test('who waits when the shard is closed is told that it is not the coordinator', async () => {
  const stage = new ShardStage()
  const waiting = stage.shard.run<string>((_, step) => step.wait<string>())
  const written = stage.write('a', '1')
  stage.shard.close()
  await stage.stage.endTurn()
  assert.deepEqual(await endings([waiting, written]), ['NOT_COORDINATOR', 'NOT_COORDINATOR'])
})

test('a key belongs to the partition that Kafka gives it', () => {
  // Hashes of Java: "group" 98629247, "my-consumer-group" by hand; the last one is -2^31, whose abs is taken for 0.
  assert.equal(shardIndex('group', 50), 98629247 % 50)
  assert.equal(shardIndex('', 50), 0)
  assert.equal(shardIndex('polygenelubricants', 50), 0)
})
