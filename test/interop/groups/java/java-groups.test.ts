// Groups of the Java client 4.3 and 3.9: every assignor of both protocols, static members, subscriptions by pattern.
// Each scenario has members join, leave, crash and come back while records flow; what they printed is judged line by line
// (test/interop/programs/README-groups.md).
import { after, before, describe, test } from 'node:test'
import {
  joinLeaveCrashReturn,
  type MemberProgram,
  startGroupBroker,
  staticMembersComeBack,
  withGroup,
} from '../../programs/group-scenarios.ts'
import type { BrokerUnderTest } from '../../support/broker-under-test.ts'
import { javaSkipReason } from '../../support/java-programs.ts'
import { javaMember } from './java-member.ts'

describe('groups of the Java client', { skip: javaSkipReason() }, () => {
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
        joinLeaveCrashReturn(broker, member, { args: ['--strategy', strategy] }))
    }

    for (const strategy of ['range', 'cooperative-sticky']) {
      test(`Java client 3.9, ${strategy}: members join, leave, crash and come back`, () =>
        joinLeaveCrashReturn(broker, older, { args: ['--strategy', strategy] }))
    }

    test('a static member that comes back has what it had, and nobody notices', () =>
      staticMembersComeBack(broker, member, { args: ['--strategy', 'range'] }))
  })

  describe('consumer protocol', () => {
    for (const strategy of ['uniform', 'range']) {
      test(`${strategy}: members join, leave, crash and come back`, () =>
        joinLeaveCrashReturn(broker, member, { args: ['--protocol', 'consumer', '--strategy', strategy] }))
    }

    test('a static member that comes back has what it had, and nobody notices', () =>
      staticMembersComeBack(broker, member, { args: ['--protocol', 'consumer'] }))

    test('a pattern finds topics, also one that is made later', async () => {
      const prefix = `pattern-${process.pid}-`
      const topics = { [`${prefix}one`]: 3, [`${prefix}two`]: 2 }
      const options = { topics, regex: `${prefix}(one|two|later)`, args: ['--protocol', 'consumer'] }
      await withGroup(broker, member, options, async (scenario) => {
        const first = scenario.join('first')
        await scenario.balanced(first)
        const second = scenario.join('second')
        await scenario.balanced(first, second)
        await scenario.addTopic(`${prefix}later`, 4)
        await scenario.balanced(first, second)
        await scenario.finish()
      })
    })
  })
})
