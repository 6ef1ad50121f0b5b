// A consumer whose pattern takes long to match (KIP-848) at a whole broker, over sockets: everybody else is served meanwhile.
import assert from 'node:assert/strict'
import { performance } from 'node:perf_hooks'
import { describe, test } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { consumerGroupHeartbeat } from '../../src/wire/apis/consumer-group-heartbeat.ts'
import { createTopics } from '../../src/wire/apis/create-topics.ts'
import { findCoordinator } from '../../src/wire/apis/find-coordinator.ts'
import { metadata } from '../../src/wire/apis/metadata.ts'
import type { Input } from '../../src/wire/schema.ts'
import { startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import type { RawClient } from '../support/raw-client.ts'

const NONE = 0
/** As long as names may be. */
const TOPICS = Array.from({ length: 200 }, (_, i) => `${'a'.repeat(246)}${100 + i}`)
/** Each place of the pattern may match at each character of a name: some milliseconds for each of them. */
const HOSTILE = `${'.*'.repeat(1000)}x`

async function makeTopics(client: RawClient, names: readonly string[]): Promise<void> {
  const { topics } = await client.ask(createTopics, 7, {
    topics: names.map((name) => ({
      name,
      numPartitions: 1,
      replicationFactor: 1,
      assignments: [],
      configs: [],
    })),
    timeoutMs: 30_000,
    validateOnly: false,
  })
  for (const { errorCode, errorMessage } of topics) assert.equal(errorCode, NONE, errorMessage ?? '')
}

class Member {
  memberEpoch = 0
  assigned = 0
  private readonly client: RawClient
  private readonly groupId: string

  constructor(client: RawClient, groupId: string) {
    this.client = client
    this.groupId = groupId
  }

  async join(pattern: string): Promise<void> {
    for (;;) {
      const joining = { rebalanceTimeoutMs: 60_000, subscribedTopicRegex: pattern, topicPartitions: [] }
      if ((await this.send(joining)) === NONE) return
      await setTimeout(10)
    }
  }

  async send(changes: Partial<Input<typeof consumerGroupHeartbeat.request>> = {}): Promise<number> {
    const answer = await this.client.ask(consumerGroupHeartbeat, 1, {
      groupId: this.groupId,
      memberId: `${this.groupId}-member`,
      memberEpoch: this.memberEpoch,
      instanceId: null,
      rackId: null,
      subscribedTopicNames: null,
      subscribedTopicRegex: null,
      serverAssignor: null,
      topicPartitions: null,
      ...changes,
    })
    if (answer.errorCode !== NONE) return answer.errorCode
    this.memberEpoch = answer.memberEpoch
    if (answer.assignment !== null) this.assigned = answer.assignment.topicPartitions.length
    return NONE
  }
}

/** Asks for metadata without a pause until `isOver`: how often it was answered, and the longest that took. */
async function askOn(client: RawClient, isOver: () => boolean) {
  let answers = 0
  let longestMs = 0
  while (!isOver()) {
    const startMs = performance.now()
    await client.ask(metadata, 12, { topics: [], allowAutoTopicCreation: false })
    longestMs = Math.max(longestMs, performance.now() - startMs)
    answers++
  }
  return { answers, longestMs }
}

describe('a pattern that takes long', () => {
  const lifetime = suiteLifetime()

  test('is taken up with a later heartbeat, and everybody else is served until then', async (t) => {
    const local = await startLocalBroker(lifetime, {
      // What is known shall count at once.
      'group.consumer.min.assignment.interval.ms': '0',
      'group.consumer.assignment.interval.ms': '0',
    })
    const client = await local.connect()
    await makeTopics(client, ['x', ...TOPICS])
    await client.ask(findCoordinator, 3, { key: 'group' })
    // Another group, so that the coordinator is there when it counts.
    const other = new Member(await local.connect(), 'group')
    await other.join('x')
    assert.equal(other.assigned, 1, 'a usual pattern counts at once')

    const startMs = performance.now()
    let isOver = false
    const others = askOn(await local.connect(), () => isOver)
    const member = new Member(client, 'group')
    await other.send({ memberEpoch: -1 })
    await member.join(HOSTILE)
    const joinedMs = performance.now() - startMs
    assert.equal(member.assigned, 0, 'nothing is known yet')
    while (member.assigned === 0) {
      await setTimeout(50)
      assert.equal(await member.send(), NONE)
    }
    const totalMs = performance.now() - startMs
    isOver = true
    const { answers, longestMs } = await others
    t.diagnostic(
      `in ${totalMs.toFixed()} ms: joined after ${joinedMs.toFixed()} ms, ${answers} answers, the longest took ${longestMs.toFixed()} ms`,
    )
    assert.equal(member.assigned, 1)
    assert.ok(joinedMs < totalMs / 4, `the join took ${joinedMs} of ${totalMs} ms`)
    assert.ok(longestMs < totalMs / 4, `the longest wait was ${longestMs} of ${totalMs} ms`)
    assert.ok(answers > 50, `${answers} answers`)
  })

  test('is let go when the broker is closed', async () => {
    const local = await startLocalBroker(lifetime)
    const client = await local.connect()
    await makeTopics(client, TOPICS)
    await client.ask(findCoordinator, 3, { key: 'group' })
    await new Member(client, 'group').join(HOSTILE)
    await local.broker.close()
    const startMs = performance.now()
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    const turnsMs = performance.now() - startMs
    assert.ok(turnsMs < 200, `50 turns took ${turnsMs} ms: some milliseconds each if somebody still works`)
  })
})
