// Groups of the Java client 4.3 and 3.9: every assignor of both protocols, static members and their fencing, subscriptions by
// pattern, moving from one protocol to the other, and brokers that restart. Members join, leave, crash and come back while
// records flow; what they printed is judged line by line (test/interop/programs/README-groups.md).
import { after, before, describe, test } from 'node:test'
import {
  brokerComesBack,
  type GroupOptions,
  joinLeaveCrashReturn,
  type MemberProgram,
  startGroupBroker,
  staticMembersComeBack,
  withGroup,
} from '../../programs/group-scenarios.ts'
import type { BrokerUnderTest } from '../../support/broker-under-test.ts'
import { javaSkipReason } from '../../support/java-programs.ts'
import { javaMember } from './java-member.ts'

const classic = (strategy: string): GroupOptions => ({ args: ['--strategy', strategy] })
const consumer = (...args: string[]): GroupOptions => ({ args: ['--protocol', 'consumer', ...args] })

describe('groups of the Java client', { skip: javaSkipReason(), concurrency: 2 }, () => {
  let broker: BrokerUnderTest
  let member: MemberProgram
  let older: MemberProgram

  before(async () => {
    member = await javaMember()
    older = await javaMember('3.9.2')
    broker = await startGroupBroker()
  })
  after(() => broker?.stop())

  describe('classic protocol', () => {
    for (const strategy of ['range', 'roundrobin', 'sticky', 'cooperative-sticky']) {
      test(`${strategy}: members join, leave, crash and come back`, () =>
        joinLeaveCrashReturn(broker, member, classic(strategy)))
    }

    for (const strategy of ['range', 'cooperative-sticky']) {
      test(`Java client 3.9, ${strategy}: members join, leave, crash and come back`, () =>
        joinLeaveCrashReturn(broker, older, classic(strategy)))
    }

    test('a static member that comes back has what it had, and nobody notices', () =>
      staticMembersComeBack(broker, member, classic('range')))

    test('a process that takes the place of a static member fences it', () =>
      withGroup(broker, member, classic('range'), async (scenario) => {
        const first = scenario.join('first', { instance: 'one' })
        const other = scenario.join('other', { instance: 'two' })
        await scenario.balanced(first, other)
        const second = scenario.join('second', { instance: 'one' })
        await scenario.fails(first, /FencedInstanceIdException/)
        await scenario.balanced(second, other)
        await scenario.finish()
      }))
  })

  describe('consumer protocol', () => {
    for (const strategy of ['uniform', 'range']) {
      test(`${strategy}: members join, leave, crash and come back`, () =>
        joinLeaveCrashReturn(broker, member, consumer('--strategy', strategy)))
    }

    // Not the preview of this protocol in the client 3.9: it begins at the first record where another has committed later ones,
    // with Apache Kafka too.
    test('a static member that comes back has what it had, and nobody notices', () =>
      staticMembersComeBack(broker, member, consumer()))

    test('a process cannot take the place of a static member that is there', () =>
      withGroup(broker, member, consumer(), async (scenario) => {
        const first = scenario.join('first', { instance: 'one' })
        await scenario.balanced(first)
        const second = scenario.join('second', { instance: 'one' })
        await scenario.fails(second, /UnreleasedInstanceIdException/)
        await scenario.balanced(first)
        await scenario.finish()
      }))

    test('a pattern finds topics, also one that is made later', () => {
      const prefix = `pattern-${process.pid}-`
      const topics = { [`${prefix}one`]: 3, [`${prefix}two`]: 2 }
      const options = { topics, regex: `${prefix}(one|two|later)`, ...consumer() }
      return withGroup(broker, member, options, async (scenario) => {
        const first = scenario.join('first')
        await scenario.balanced(first)
        const second = scenario.join('second')
        await scenario.balanced(first, second)
        await scenario.addTopic(`${prefix}later`, 4)
        await scenario.balanced(first, second)
        await scenario.finish()
      })
    })

    test('members move from the classic protocol one by one, and back', () =>
      withGroup(broker, member, { hasGenerations: false }, async (scenario) => {
        const toConsumer = { args: ['--protocol', 'consumer'] }
        const classics = [scenario.join('classic-1'), scenario.join('classic-2')]
        await scenario.balanced(...classics)
        const moved = scenario.join('moved-1', toConsumer)
        await scenario.balanced(...classics, moved)
        await scenario.leave(classics[0]!)
        const other = scenario.join('moved-2', toConsumer)
        await scenario.balanced(classics[1]!, moved, other)
        await scenario.leave(classics[1]!)
        await scenario.balanced(moved, other)
        await scenario.reading(moved, other)
        const back = scenario.join('back')
        await scenario.balanced(moved, other, back)
        await scenario.leave(moved, other)
        await scenario.balanced(back)
        await scenario.reading(back)
        await scenario.finish()
      }))
  })
})

describe('groups of the Java client whose broker restarts', { skip: javaSkipReason() }, () => {
  for (const [how, options] of [
    ['halt', classic('cooperative-sticky')],
    ['kill9', classic('range')],
    ['halt', consumer()],
    ['kill9', consumer()],
  ] as const) {
    const protocol = options.args?.includes('consumer') ? 'consumer' : 'classic'
    const ending = how === 'halt' ? 'a clean end' : 'SIGKILL'
    test(`${protocol}: members and positions outlive ${ending}`, async () => {
      const broker = await startGroupBroker()
      try {
        await brokerComesBack(broker, await javaMember(), how, options)
      } finally {
        await broker.stop()
      }
    })
  }
})
