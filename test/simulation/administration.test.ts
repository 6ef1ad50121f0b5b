// What clients decide about topics, settings and producer ids, under kills and power cuts in the middle of it, with log
// directories named in any order: what was answered is there after the next start, and what was not is there or not, whole.
// A seed that fails is printed; ADMINISTRATION_SEED=7 runs it alone, ADMINISTRATION_SEED=100-500 looks for more.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { createPartitions } from '../../src/wire/apis/create-partitions.ts'
import { createTopics } from '../../src/wire/apis/create-topics.ts'
import { deleteTopics } from '../../src/wire/apis/delete-topics.ts'
import { describeConfigs } from '../../src/wire/apis/describe-configs.ts'
import { incrementalAlterConfigs } from '../../src/wire/apis/incremental-alter-configs.ts'
import { metadata } from '../../src/wire/apis/metadata.ts'
import { batchOf, newProducer, produceTo, readAll, valuesOf } from '../support/calls.ts'
import type { MemoryClient } from '../support/memory-network.ts'
import { ConnectionClosed } from '../support/raw-client.ts'
import { SimulatedBroker } from '../support/simulated-broker.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e']
const LIVES = 8
const NO_ID = 'AAAAAAAAAAAAAAAAAAAAAA'
const SETTING = 'flush.ms'

/** A topic as clients know it. */
interface Topic {
  readonly id: string
  readonly partitions: number
  readonly flushMs: string
  /** Values of records in partition 0. */
  readonly values: readonly string[]
}

type State = Topic | null

/** What one request asks for: the state that it leads to, and how to ask. */
interface Request {
  readonly name: string
  readonly wanted: (answered: { id?: string }) => State
  readonly ask: () => Promise<{ id?: string }>
}

class Scenario {
  private readonly random: SeededRandom
  private readonly files = new SimulatedFiles({ crashes: true })
  private readonly crash: 'process' | 'power'
  private machine!: SimulatedBroker
  private client!: MemoryClient
  private readonly topics = new Map<string, State>(NAMES.map((name) => [name, null]))
  private readonly producerIds = new Set<number>()
  private readonly epochs = new Map<string, number>()
  private count = 0

  constructor(seed: number) {
    this.random = new SeededRandom(seed)
    this.crash = seed % 2 === 0 ? 'power' : 'process'
  }

  async play(): Promise<void> {
    for (let life = 0; life < LIVES; life++) {
      await this.start()
      for (let step = this.random.below(8); step > 0; step--) await this.answered()
      const chance = this.random.below(10)
      if (chance < 7) await this.cutShort()
      else if (chance < 9) await this.machine.stop()
      else this.machine.crash(this.crash)
    }
    await this.start()
    await this.machine.stop()
  }

  private async start(): Promise<void> {
    const directories = ['x', 'y', 'z'].slice(0, 1 + this.random.below(3))
    for (const known of ['x', 'y', 'z']) {
      if (this.files.existsSync(`${known}/meta.properties`) && !directories.includes(known))
        directories.push(known)
    }
    directories.sort(() => this.random.below(3) - 1)
    this.machine = new SimulatedBroker(this.files, this.random, {
      'log.dirs': directories.join(','),
      'log.flush.interval.messages': '1',
    })
    await this.machine.start()
    this.client = this.machine.connect()
    await this.compare()
  }

  /** Several requests about different topics, all of them answered. */
  private async answered(): Promise<void> {
    await this.machine.until(Promise.all(this.send(1 + this.random.below(NAMES.length))))
  }

  /** Several requests, and the end in the middle of them. */
  private async cutShort(): Promise<void> {
    const sent = this.send(1 + this.random.below(NAMES.length))
    for (let turns = this.random.below(4); turns > 0; turns--) await this.machine.pass(1)
    for (let turns = this.random.below(60); turns > 0; turns--) await null
    this.machine.crash(this.crash)
    await Promise.all(sent)
  }

  private readonly unsure = new Map<string, (id: string | undefined) => State>()

  private send(count: number): Promise<void>[] {
    const names = [...NAMES].sort(() => this.random.below(3) - 1).slice(0, count)
    const asked = names.map(async (name) => {
      const { wanted, ask } = this.request(name)
      this.unsure.set(name, (id) => wanted(id === undefined ? {} : { id }))
      const answer = await ask().catch(ifCut)
      if (answer === undefined) return
      this.topics.set(name, wanted(answer))
      this.unsure.delete(name)
    })
    return [...asked, this.takeProducerIds(this.random.below(700))]
  }

  /** Blocks have a thousand ids: often enough one is used up. */
  private async takeProducerIds(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const answer = await newProducer(this.client).catch(ifCut)
      if (answer === undefined) return
      assert.ok(!this.producerIds.has(answer.producerId), `producer id ${answer.producerId} is given twice`)
      this.producerIds.add(answer.producerId)
    }
  }

  private request(name: string): Request {
    const topic = this.topics.get(name)!
    const { client } = this
    if (topic === null) return this.creation(name)
    const chance = this.random.below(10)
    if (chance < 3) {
      return {
        name,
        wanted: () => null,
        ask: async () => {
          const topics = [{ name, topicId: NO_ID }]
          const { responses } = await client.ask(deleteTopics, 6, { topics, timeoutMs: 1000 })
          assert.equal(responses[0]!.errorCode, 0, `${name}: ${responses[0]!.errorMessage}`)
          return {}
        },
      }
    }
    if (chance < 6) return this.alteration(name, topic)
    if (chance < 8) {
      const value = `${topic.id} ${this.count++}`
      return {
        name,
        wanted: () => ({ ...topic, values: [...topic.values, value] }),
        ask: async () => {
          const batch = batchOf([value], { timestamp: 1_700_000_000_000 })
          const { errorCode } = await produceTo(client, name, batch)
          assert.equal(errorCode, 0, name)
          return {}
        },
      }
    }
    const partitions = topic.partitions + 1 + this.random.below(120)
    return {
      name,
      wanted: () => ({ ...topic, partitions }),
      ask: async () => {
        const topics = [{ name, count: partitions, assignments: null }]
        const request = { topics, timeoutMs: 1000, validateOnly: false }
        const { results } = await client.ask(createPartitions, 3, request)
        assert.equal(results[0]!.errorCode, 0, `${name}: ${results[0]!.errorMessage}`)
        return {}
      },
    }
  }

  private creation(name: string): Request {
    const numPartitions = 1 + this.random.below(this.random.below(4) === 0 ? 150 : 3)
    const flushMs = String(1_000_000 + this.count++)
    const configs = [{ name: SETTING, value: flushMs }]
    return {
      name,
      wanted: ({ id }) => (id === undefined ? null : { id, partitions: numPartitions, flushMs, values: [] }),
      ask: async () => {
        const topics = [{ name, numPartitions, replicationFactor: 1, assignments: [], configs }]
        const request = { topics, timeoutMs: 1000, validateOnly: false }
        const answer = await this.client.ask(createTopics, 7, request)
        assert.equal(answer.topics[0]!.errorCode, 0, `${name}: ${answer.topics[0]!.errorMessage}`)
        return { id: answer.topics[0]!.topicId }
      },
    }
  }

  private alteration(name: string, topic: Topic): Request {
    const flushMs = String(1_000_000 + this.count++)
    return {
      name,
      wanted: () => ({ ...topic, flushMs }),
      ask: async () => {
        const configs = [{ name: SETTING, configOperation: 0, value: flushMs }]
        const resources = [{ resourceType: 2, resourceName: name, configs }]
        const request = { resources, validateOnly: false }
        const { responses } = await this.client.ask(incrementalAlterConfigs, 1, request)
        assert.equal(responses[0]!.errorCode, 0, `${name}: ${responses[0]!.errorMessage}`)
        return {}
      },
    }
  }

  /** What the broker has now is what was answered, or what an unanswered request wanted. */
  private async compare(): Promise<void> {
    const { topics } = await this.machine.until(this.client.ask(metadata, 12, { topics: null }))
    for (const found of topics) {
      assert.equal(found.errorCode, 0, `${found.name}`)
      for (const { partitionIndex, errorCode, leaderEpoch } of found.partitions) {
        const key = `${found.topicId}-${partitionIndex}`
        assert.equal(errorCode, 0, key)
        assert.ok(leaderEpoch >= (this.epochs.get(key) ?? 0), `leader epoch of ${key}`)
        this.epochs.set(key, leaderEpoch)
      }
    }
    for (const name of NAMES) {
      const found = topics.find((topic) => topic.name === name)
      const state: State =
        found === undefined
          ? null
          : {
              id: found.topicId,
              partitions: found.partitions.length,
              flushMs: await this.flushMs(name),
              values: valuesOf(await this.machine.until(readAll(this.client, name))),
            }
      const candidates: State[] = [this.topics.get(name)!]
      const wanted = this.unsure.get(name)
      if (wanted !== undefined) candidates.push(wanted(found?.topicId))
      const isOneOf = candidates.some((candidate) => JSON.stringify(candidate) === JSON.stringify(state))
      assert.ok(isOneOf, `${name} is ${JSON.stringify(state)}, expected one of ${JSON.stringify(candidates)}`)
      this.topics.set(name, state)
    }
    this.unsure.clear()
  }

  private async flushMs(name: string): Promise<string> {
    const resources = [{ resourceType: 2, resourceName: name, configurationKeys: [SETTING] }]
    const { results } = await this.machine.until(this.client.ask(describeConfigs, 4, { resources }))
    return results[0]!.configs[0]!.value!
  }
}

function ifCut(error: unknown): undefined {
  if (!(error instanceof ConnectionClosed)) throw error
}

function chosenSeeds(): number[] {
  const [first = 1, last = first] = process.env.ADMINISTRATION_SEED?.split('-').map(Number) ?? [1, 12]
  return Array.from({ length: last - first + 1 }, (_, i) => first + i)
}

test('what was answered about topics, settings and producer ids outlives kills and power cuts', async () => {
  for (const seed of chosenSeeds()) {
    try {
      await new Scenario(seed).play()
    } catch (error) {
      throw new Error(`ADMINISTRATION_SEED=${seed} fails: ${(error as Error).message}`, { cause: error })
    }
  }
})
