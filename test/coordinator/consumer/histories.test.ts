// Random histories of a consumer group: members come, go, crash, are slow, lose answers; topics change; brokers restart.
// Looked at all the while: nobody is given what another member has, epochs never go back (script.ts), the log says what the
// coordinator knows, and records only remain of members that are there. In the end everybody has the target.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ClassicGroup } from '../../../src/coordinator/group/classic/classic-group.ts'
import { ConsumerGroup } from '../../../src/coordinator/group/consumer/consumer-group.ts'
import { memberStates } from '../../../src/coordinator/group/consumer/member.ts'
import { groupTimerKey, memberTimerKey } from '../../../src/coordinator/group/consumer/timer-keys.ts'
import { errors } from '../../../src/wire/errors.ts'
import { MixedScript } from './mixed-script.ts'
import { type Consumer, GROUP, type Subscription } from './script.ts'
import { assertKafkaCouldLoad } from './strict-replay.ts'

const NAMES = ['a', 'b', 'c', 'd', 's1', 's2']
const CLASSIC_NAMES = ['k1', 'k2', 'k3', 'ks1', 'ks2']
const TOPICS = ['t', 'u', 'v1', 'v2']
const SUBSCRIPTIONS: readonly Subscription[] = [
  { topics: ['t'] },
  { topics: ['t', 'u'] },
  { topics: ['u', 'v1', 'missing'] },
  { topics: [] },
  { regex: 'v.*' },
  { regex: '.*', topics: ['t'] },
]
const SESSION_MS = 45_000

type Action =
  | { readonly kind: 'join'; readonly who: number; readonly what: number; readonly range: boolean }
  | { readonly kind: 'beat'; readonly who: number; readonly fate: 'heard' | 'lost' | 'twice' | 'slow' }
  | { readonly kind: 'leave' | 'crash' | 'pause'; readonly who: number }
  | { readonly kind: 'subscribe'; readonly who: number; readonly what: number }
  | { readonly kind: 'advance'; readonly ms: number }
  | { readonly kind: 'topic'; readonly which: number; readonly partitions: number }
  | { readonly kind: 'restart' | 'fail-append' }
  | { readonly kind: 'classic'; readonly whom: number; readonly does: 'enter' | 'beat' | 'leave' | 'crash' }

const who = fc.nat(NAMES.length - 1)
const what = fc.nat(SUBSCRIPTIONS.length - 1)
const action: fc.Arbitrary<Action> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('join' as const), who, what, range: fc.boolean() }) },
  {
    weight: 25,
    arbitrary: fc.record({
      kind: fc.constant('beat' as const),
      who,
      fate: fc.constantFrom(...(['heard', 'heard', 'heard', 'lost', 'twice', 'slow'] as const)),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('leave' as const, 'crash' as const, 'pause' as const),
      who,
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('subscribe' as const), who, what }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      ms: fc.constantFrom(100, 1500, 5000, 20_000, 61_000),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('topic' as const),
      which: fc.nat(TOPICS.length - 1),
      partitions: fc.nat(5),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('restart' as const, 'fail-append' as const) }) },
)

const classicAction: fc.Arbitrary<Action> = fc.record({
  kind: fc.constant('classic' as const),
  whom: fc.nat(CLASSIC_NAMES.length - 1),
  does: fc.constantFrom(
    ...(['enter', 'enter', 'beat', 'beat', 'beat', 'beat', 'beat', 'leave', 'crash'] as const),
  ),
})

class History extends MixedScript {
  /** Whose answer was lost: the next heartbeat tells everything, as clients do then. */
  private readonly unsure = new Set<string>()
  private readonly paused = new Set<string>()
  isCooperative = false

  act(action: Action): void {
    switch (action.kind) {
      case 'advance':
        this.advance(action.ms)
        break
      case 'restart':
        this.shard.restart()
        break
      case 'fail-append':
        this.shard.failNextAppend(errors.COORDINATOR_NOT_AVAILABLE)
        break
      case 'topic':
        this.changeTopic(TOPICS[action.which]!, action.partitions)
        break
      case 'classic':
        this.actOfClassic(CLASSIC_NAMES[action.whom]!, action.does)
        break
      default:
        this.actOf(NAMES[action.who]!, action)
    }
  }

  private changeTopic(name: string, partitions: number): void {
    const known = this.image.topics.get(name)?.partitions.length ?? 0
    if (partitions === 0 && known > 0) this.deleteTopic(name)
    else if (known === 0 && partitions > 0) this.createTopic(name, partitions)
    else if (partitions > known) this.addPartitions(name, partitions)
  }

  private actOf(name: string, action: Extract<Action, { who: number }>): void {
    const consumer = this.consumers.get(name)
    if (action.kind === 'join') {
      if (consumer === undefined) this.come(name, SUBSCRIPTIONS[action.what]!, action.range)
      return
    }
    if (consumer === undefined) return
    if (action.kind === 'leave') {
      const isStatic = consumer.subscription.instance !== undefined
      this.leave(name, isStatic && consumer.epoch > 0 ? -2 : -1)
      this.consumers.delete(name)
    } else if (action.kind === 'crash') {
      this.crash(name)
    } else if (action.kind === 'pause') {
      // A long pause of its process: it neither sends heartbeats nor knows that time has passed.
      this.paused.add(name)
    } else if (action.kind === 'subscribe') {
      const { instance, assignor } = consumer.subscription
      consumer.subscription = {
        topics: [],
        regex: '',
        ...SUBSCRIPTIONS[action.what]!,
        ...(instance === undefined ? {} : { instance }),
        ...(assignor === undefined ? {} : { assignor }),
      }
      this.unsure.add(name)
      this.beatOf(name, 'heard')
    } else if (action.kind === 'beat') {
      this.beatOf(name, action.fate)
    }
  }

  private actOfClassic(name: string, does: 'enter' | 'beat' | 'leave' | 'crash'): void {
    const isThere = this.classics.has(name)
    if (does === 'enter' && !isThere) {
      const { isCooperative } = this
      const instance = name.startsWith('ks') ? { instance: `instance-${name.slice(1)}` } : {}
      this.enter(name, { topics: ['t', 'u'], isCooperative, ...instance })
    } else if (does === 'beat' && isThere) this.beatClassic(name)
    else if (does === 'leave' && isThere) this.leaveClassic(name)
    else if (does === 'crash') this.classics.delete(name)
  }

  private come(name: string, subscription: Subscription, range: boolean): void {
    this.join(name, {
      ...subscription,
      assignor: range ? 'range' : 'uniform',
      ...(name.startsWith('s') ? { instance: `instance-${name}` } : {}),
    })
    if (this.consumer(name).epoch === 0) this.consumers.delete(name)
  }

  /** One heartbeat of a consumer, or its coming back after it was put out. */
  private beatOf(name: string, fate: 'heard' | 'lost' | 'twice' | 'slow'): void {
    const consumer = this.consumer(name)
    this.paused.delete(name)
    if (consumer.epoch === 0) {
      this.join(name)
      return
    }
    if (fate !== 'slow') this.comply(consumer)
    const request = this.unsure.has(name)
      ? this.fullRequest(consumer)
      : { topicPartitions: consumer.hasTold ? null : this.listed(consumer.owned) }
    // Sent again, as clients do that have heard nothing: then with everything.
    if (fate === 'twice') this.send(consumer, request)
    const call = this.send(consumer, fate === 'twice' ? this.fullRequest(consumer) : request)
    if (fate === 'lost') {
      this.unsure.add(name)
      return
    }
    const said = this.hear(consumer, call)
    if (said.startsWith('epoch')) this.unsure.delete(name)
    else this.unsure.add(name)
  }

  protected override liveOn(name: string): void {
    this.beatOf(name, 'heard')
  }

  check(): void {
    if (this.shard.records.length === 0) return
    this.assertSameAfterReload()
    assertKafkaCouldLoad(
      this.shard.log.map(({ record, bytes }) => ({ record, key: bytes!.key.toString('latin1') })),
    )
  }

  /** Every member has the timers that can end it, and nobody else has any. */
  checkTimers(): void {
    const known = this.shard.machine.groups.get(GROUP)
    const group = known instanceof ConsumerGroup ? known : undefined
    // Those of classic members that a failed step has removed fire, and do nothing.
    const timers = [...this.shard.timers.keys()].filter((key) => key.startsWith('consumer-'))
    const wanted = new Set<string>()
    const allowed = new Set<string>()
    for (const { memberId, memberEpoch, state, classic } of group?.members() ?? []) {
      wanted.add(memberTimerKey('session', GROUP, memberId))
      const gives = state === memberStates.UNREVOKED_PARTITIONS && memberEpoch >= 0 && classic === null
      if (gives) wanted.add(memberTimerKey('revocation', GROUP, memberId))
      if (group!.awaitedJoins.has(memberId)) wanted.add(memberTimerKey('join', GROUP, memberId))
      if (classic !== null) allowed.add(memberTimerKey('sync', GROUP, memberId))
    }
    allowed.add(groupTimerKey('target', GROUP))
    const hasClassic = group !== undefined && group.classicMemberCount > 0
    if (hasClassic && group.assignmentEpoch < group.groupEpoch) wanted.add(groupTimerKey('target', GROUP))
    assert.deepEqual(
      [...wanted].filter((key) => !timers.includes(key)),
      [],
      'timers that are not set',
    )
    assert.deepEqual(
      timers.filter((key) => !wanted.has(key) && !allowed.has(key)),
      [],
      'timers left over',
    )
  }

  /** Everybody lives on without further trouble. */
  calm(): void {
    for (let round = 0; round < 40; round++) {
      this.advance(3000)
      for (const name of this.consumers.keys()) this.liveOn(name)
      for (const name of this.classics.keys()) this.beatClassic(name)
    }
    const classic = this.shard.machine.groups.get(GROUP)
    if (classic instanceof ClassicGroup) {
      assert.equal(this.consumers.size, 0)
      assert.equal(classic.state, this.classics.size === 0 ? 'Empty' : 'Stable')
      // Whether topics change is something that classic leaders look for.
      const owned = [...this.classics.values()].flatMap((consumer) => [...consumer.owned])
      assert.equal(new Set(owned).size, owned.length)
      return
    }
    const wrong = [...this.consumers.values()].filter((consumer) => !this.isAtTarget(consumer))
    assert.deepEqual(
      wrong.map(({ name }) => name),
      [],
      `not at their targets: ${this.text()}`,
    )
    if (this.consumers.size + this.classics.size > 0 && this.shard.machine.groups.size > 0) {
      assert.match(this.shape, /^Stable /)
      this.assertAllAssigned()
    }
  }

  private text(): string {
    return this.shard.machine.groups.size === 0 ? 'no group' : this.shape
  }

  private isAtTarget(consumer: Consumer): boolean {
    const target = this.group.targetOf(consumer.memberId)
    const names = [...target].flatMap(([id, partitions]) =>
      partitions.map((partition) => this.nameOf(id, partition)),
    )
    return names.sort().join(' ') === [...consumer.owned].sort().join(' ')
  }

  private assertAllAssigned(): void {
    const owned = new Set([...this.owners()].flatMap((consumer) => [...consumer.owned]))
    for (const topic of this.image.topics.values()) {
      const isWanted =
        [...this.classics.values()].some(({ options }) => options.topics.includes(topic.name)) ||
        [...this.consumers.values()].some(
          ({ subscription: { topics = [], regex = '' } }) =>
            topics.includes(topic.name) || (regex !== '' && new RegExp(`^(?:${regex})$`).test(topic.name)),
        )
      for (const { index } of topic.partitions) {
        assert.equal(owned.has(`${topic.name}-${index}`), isWanted, `${topic.name}-${index}`)
      }
    }
  }
}

const settings = {
  'group.consumer.session.timeout.ms': String(SESSION_MS),
  'group.consumer.assignment.interval.ms': '1000',
}

test('partitions never have two owners, epochs never go back, and members that live on reach their target', () => {
  fc.assert(
    fc.property(fc.array(action, { minLength: 1, maxLength: 120, size: 'max' }), (actions) => {
      const history = new History({ topics: { t: 4, u: 2 }, settings })
      for (const [position, action] of actions.entries()) {
        history.act(action)
        history.checkTimers()
        if (position % 8 === 7) history.check()
      }
      history.calm()
      history.check()
    }),
    { numRuns: 100, seed: 848, includeErrorInReport: true },
  )
})

for (const isCooperative of [false, true]) {
  const way = isCooperative ? 'cooperative' : 'eager'
  test(`the same with ${way} members of the classic protocol, as the group goes from one protocol to the other`, () => {
    const mixed = fc.oneof({ weight: 1, arbitrary: action }, { weight: 1, arbitrary: classicAction })
    fc.assert(
      fc.property(fc.array(mixed, { minLength: 1, maxLength: 120, size: 'max' }), (actions) => {
        const history = new History({ topics: { t: 4, u: 2 }, settings })
        history.isCooperative = isCooperative
        for (const [position, action] of actions.entries()) {
          history.act(action)
          history.checkTimers()
          if (position % 8 === 7) history.check()
        }
        history.calm()
        history.check()
      }),
      { numRuns: 100, seed: 848, includeErrorInReport: true },
    )
  })
}
