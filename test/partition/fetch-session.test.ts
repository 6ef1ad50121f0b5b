// Fetch sessions as text: who asks for what, what is to be read, what the reads brought, and what the answer mentions.
//
//   ask       S1:2 a-0@5 !b-1     in session S1 with epoch 2: read a-0 from offset 5 on, forget b-1
//   read      a-0@5 c-0@1         what is to be read, in order
//   found     a-0 10B hw7         what was read: bytes, high watermark, log start (ls), an error (e), a diverging epoch (d)
//   told      S1 a-0              the session in the answer and the partitions it mentions
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimulatedClock } from '../../src/lib/clock.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { type FetchOutcome, type FetchPosition, FetchSessions } from '../../src/partition/fetch-session.ts'
import type { FetchRequest } from '../../src/wire/apis/fetch.ts'
import { errors } from '../../src/wire/errors.ts'

const EVICTABLE_AFTER_MS = 120_000

class Stage {
  readonly clock = new SimulatedClock()
  readonly sessions: FetchSessions
  private readonly version: number
  /** Session ids by the names that traces give them. */
  private readonly ids = new Map<string, number>([['-', 0]])

  constructor(maxSessions = 10, version = 11) {
    this.sessions = new FetchSessions(maxSessions, this.clock, new SeededRandom(1))
    this.version = version
  }

  play(trace: string, version = this.version): void {
    let plan: ReturnType<FetchSessions['plan']> | undefined
    let outcomes = new Map<string, FetchOutcome>()
    for (const line of trace.split('\n')) {
      const [verb, ...words] = line.trim().split(/\s+/)
      if (verb === '' || verb === undefined) continue
      if (verb === 'ask') {
        plan = this.sessions.plan(this.request(words), version)
        outcomes = new Map(plan.positions.map((position) => [nameOf(position), NOTHING_NEW]))
      } else if (verb === 'refused') {
        assert.deepEqual([plan!.error?.name, plan!.sessionId, plan!.positions], [words[0], 0, []], line)
      } else if (verb === 'read') {
        assert.equal(plan!.error, undefined, line)
        assert.deepEqual(
          plan!.positions.map((p) => `${nameOf(p)}@${p.fetchOffset}`),
          words,
          line,
        )
      } else if (verb === 'found') {
        outcomes.set(words[0]!, outcomeOf(words.slice(1)))
      } else if (verb === 'told') {
        const [session, ...names] = words
        const mentioned = plan!.positions.filter((p) => plan!.mustMention(p, outcomes.get(nameOf(p))!))
        assert.equal(this.nameFor(plan!.sessionId, session!), session, line)
        assert.deepEqual(mentioned.map(nameOf), names, line)
      } else if (verb === 'wait') {
        this.clock.advance(Number(words[0]))
      } else throw new Error(`no such verb: ${line}`)
    }
  }

  private nameFor(id: number, wanted: string): string {
    for (const [name, known] of this.ids) if (known === id) return name
    this.ids.set(wanted, id)
    return wanted
  }

  private request([session = '', ...words]: readonly string[]): FetchRequest {
    const [name, epoch] = session.split(':')
    const topics = []
    const forgottenTopicsData = []
    for (const word of words) {
      const [, forget, topic, partition, offset] = /^(!?)(\w+)-(\d)(?:@(-?\d+))?$/.exec(word)!
      const names = { topic: topic!, topicId: topic! }
      if (forget === '!') forgottenTopicsData.push({ ...names, partitions: [Number(partition)] })
      else {
        const where = { fetchOffset: Number(offset), partitionMaxBytes: 1000 }
        topics.push({ ...names, partitions: [{ partition: Number(partition), ...where, ...epochs }] })
      }
    }
    return {
      sessionId: this.ids.get(name!) ?? Number(name),
      sessionEpoch: Number(epoch),
      topics,
      forgottenTopicsData,
    } as unknown as FetchRequest
  }
}

const epochs = { currentLeaderEpoch: -1, lastFetchedEpoch: -1 }
const NOTHING_NEW: FetchOutcome = {
  errorCode: 0,
  highWatermark: 0,
  logStartOffset: 0,
  recordBytes: 0,
  hasDivergingEpoch: false,
}

function nameOf({ topic, topicId, partition }: FetchPosition): string {
  return `${topic || topicId}-${partition}`
}

function outcomeOf(words: readonly string[]): FetchOutcome {
  const number = (form: RegExp) =>
    Number(words.map((word) => form.exec(word)?.[1]).find((found) => found) ?? 0)
  return {
    errorCode: number(/^e(\d+)$/),
    highWatermark: number(/^hw(\d+)$/),
    logStartOffset: number(/^ls(\d+)$/),
    recordBytes: number(/^(\d+)B$/),
    hasDivergingEpoch: words.includes('d'),
  }
}

describe('FetchSessions', () => {
  test('an incremental answer mentions what has news, and only once', () => {
    new Stage().play(`
      ask -:0 a-0@0 b-1@3
      read a-0@0 b-1@3
      found a-0 10B hw5
      told S1 a-0 b-1

      ask S1:1 a-0@5
      read a-0@5 b-1@3
      found a-0 hw5
      told S1

      ask S1:2
      read a-0@5 b-1@3
      found a-0 hw6
      found b-1 ls2
      told S1 a-0 b-1

      ask S1:3
      found a-0 hw6
      found b-1 ls2
      told S1

      ask S1:4
      found a-0 hw6
      found b-1 ls2 d
      told S1 b-1
    `)
  })

  test('an error is mentioned every time, and so is the first answer after it', () => {
    new Stage().play(`
      ask -:0 a-0@0
      told S1 a-0
      ask S1:1
      found a-0 e6
      told S1 a-0
      ask S1:2
      found a-0 e6
      told S1 a-0
      ask S1:3
      told S1 a-0
      ask S1:4
      told S1
    `)
  })

  test('whoever got data goes to the end, so that limits on bytes starve nobody', () => {
    new Stage().play(`
      ask -:0 a-0@0 b-0@0 c-0@0
      told S1 a-0 b-0 c-0
      ask S1:1
      read a-0@0 b-0@0 c-0@0
      found a-0 10B hw1
      told S1 a-0
      ask S1:2 a-0@1
      read b-0@0 c-0@0 a-0@1
      found b-0 10B hw1
      found a-0 10B hw2
      told S1 b-0 a-0
      ask S1:3
      read c-0@0 b-0@0 a-0@1
      told S1 b-0 a-0
    `)
  })

  test('partitions are added, moved and forgotten; without any the session is over', () => {
    new Stage().play(`
      ask -:0 a-0@0 b-0@0
      told S1 a-0 b-0
      ask S1:1 c-0@7 a-0@4 !b-0
      read a-0@4 c-0@7
      told S1 c-0
      ask S1:2 !a-0 !nowhere-3
      read c-0@7
      told S1
      ask S1:3 !c-0
      read
      told -
      ask S1:4 a-0@0
      refused FETCH_SESSION_ID_NOT_FOUND
    `)
  })

  test('a partition that is forgotten and named in one request is new to the session', () => {
    new Stage().play(`
      ask -:0 a-0@0
      told S1 a-0
      ask S1:1 a-0@2 !a-0
      read a-0@2
      told S1 a-0
    `)
  })

  test('epochs count up from 1, and anything else is refused without harm', () => {
    new Stage().play(`
      ask -:0 a-0@0
      told S1 a-0
      ask S1:2
      refused INVALID_FETCH_SESSION_EPOCH
      ask S1:1
      told S1
      ask S1:1
      refused INVALID_FETCH_SESSION_EPOCH
      ask S1:2
      told S1
      ask 12345:1
      refused FETCH_SESSION_ID_NOT_FOUND
      ask -:7
      refused FETCH_SESSION_ID_NOT_FOUND
    `)
  })

  test('after epoch 2147483647 comes 1', () => {
    const stage = new Stage()
    stage.play(`
      ask -:0 a-0@0
      told S1 a-0
    `)
    // Nobody counts that far in a test.
    const { sessions } = stage.sessions as unknown as { sessions: Map<number, { nextEpoch: number }> }
    for (const session of sessions.values()) session.nextEpoch = 2 ** 31 - 1
    stage.play(`
      ask S1:2147483647
      told S1
      ask S1:0
      read
      told -
    `)
    stage.play(`
      ask -:0 a-0@0
      told S2 a-0
    `)
    for (const session of sessions.values()) session.nextEpoch = 2 ** 31 - 1
    stage.play(`
      ask S2:2147483647
      told S2
      ask S2:1
      told S2
    `)
  })

  test('epoch -1 ends a session, epoch 0 begins another in its place', () => {
    const stage = new Stage()
    stage.play(`
      ask -:0 a-0@0
      told S1 a-0
      ask S1:0 b-0@0
      read b-0@0
      told S2 b-0
      ask S1:1
      refused FETCH_SESSION_ID_NOT_FOUND
      ask S2:-1 b-0@3
      read b-0@3
      told - b-0
      ask S2:1
      refused FETCH_SESSION_ID_NOT_FOUND
      ask -:-1 a-0@0
      read a-0@0
      told - a-0
    `)
    assert.equal(stage.sessions.count, 0)
  })

  test('nothing to read makes no session', () => {
    const stage = new Stage()
    stage.play(`
      ask -:0
      read
      told -
    `)
    assert.equal(stage.sessions.count, 0)
  })

  test('a full cache gives no session, until one has been silent for two minutes', () => {
    const stage = new Stage(2)
    stage.play(`
      ask -:0 a-0@0
      told S1 a-0
      wait 1000
      ask -:0 b-0@0
      told S2 b-0
      ask -:0 c-0@0
      told - c-0
      wait ${EVICTABLE_AFTER_MS - 1000}
      ask S1:1
      told S1
      ask -:0 c-0@0
      told - c-0
      wait 1000
      ask -:0 c-0@0
      told S3 c-0
      ask S2:1
      refused FETCH_SESSION_ID_NOT_FOUND
      ask S1:2
      told S1
    `)
    assert.equal(stage.sessions.count, 2)
  })

  test('a cache without slots never gives a session', () => {
    new Stage(0).play(`
      ask -:0 a-0@0
      told - a-0
    `)
  })

  test('names and ids of topics are never mixed in a session', () => {
    const stage = new Stage(10, 12)
    stage.play(`
      ask -:0 a-0@0
      told S1 a-0
    `)
    stage.play('ask S1:1\nrefused FETCH_SESSION_TOPIC_ID_ERROR', 13)
    stage.play('ask S1:1\ntold S1', 12)
    assert.equal(errors.FETCH_SESSION_TOPIC_ID_ERROR.code, 106)
  })

  test('a partition named twice is read once, as it was named last', () => {
    new Stage().play(`
      ask -:0 a-0@0 a-0@9
      read a-0@9
      told S1 a-0
    `)
  })
})
