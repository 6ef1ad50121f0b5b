// What happens to groups of real clients: members join, leave, crash and come back, static ones too, and brokers restart.
// Promises the same histories for every client. Leaves carrying them out and judging them to group-scenario.ts, and the programs
// to their clients' folders.
import assert from 'node:assert/strict'
import { type BrokerUnderTest, startBrokerUnderTest } from '../support/broker-under-test.ts'
import { type GroupOptions, GroupScenario, type MemberProgram } from './group-scenario.ts'

export type { GroupOptions, GroupScenario, Member, MemberProgram } from './group-scenario.ts'

/** Short times for groups of the new protocol; those of classic groups come from the members. */
export const groupBrokerProperties = {
  'group.consumer.session.timeout.ms': '6000',
  'group.consumer.min.session.timeout.ms': '6000',
  'group.consumer.heartbeat.interval.ms': '1000',
  'group.consumer.min.heartbeat.interval.ms': '1000',
}

/** A broker for group scenarios: one is enough for many groups. */
export const startGroupBroker = (): Promise<BrokerUnderTest> =>
  startBrokerUnderTest({ properties: groupBrokerProperties })

/** Runs steps with a scenario and ends it whatever happens. */
export async function withGroup(
  broker: BrokerUnderTest,
  program: MemberProgram,
  options: GroupOptions,
  steps: (scenario: GroupScenario) => Promise<void>,
): Promise<void> {
  const scenario = await GroupScenario.start(broker, program, options)
  try {
    await steps(scenario)
  } finally {
    await scenario.stop()
  }
}

/**
 * What every client must get right: three members join while records flow, one leaves, one crashes, one comes back. About 15
 * seconds, of which the crashed member's session takes six.
 */
export function joinLeaveCrashReturn(
  broker: BrokerUnderTest,
  program: MemberProgram,
  options: GroupOptions = {},
): Promise<void> {
  return withGroup(broker, program, options, async (scenario) => {
    const first = scenario.join('first')
    await scenario.balanced(first)
    await scenario.reading(first)
    const second = scenario.join('second')
    const third = scenario.join('third')
    await scenario.balanced(first, second, third)
    await scenario.reading(first, second, third)
    await scenario.leave(second)
    await scenario.balanced(first, third)
    await scenario.crash(third)
    await scenario.balanced(first)
    const again = scenario.join('second-again')
    await scenario.balanced(first, again)
    await scenario.reading(first, again)
    await scenario.finish()
  })
}

/**
 * Static members (KIP-345): one that goes and comes back within its session gets what it had, and nobody else notices; one that
 * crashes and stays away gives its partitions up when its session ends.
 */
export function staticMembersComeBack(
  broker: BrokerUnderTest,
  program: MemberProgram,
  options: GroupOptions = {},
): Promise<void> {
  return withGroup(broker, program, options, async (scenario) => {
    const names = ['first', 'second', 'third']
    const [first, second, third] = names.map((name) => scenario.join(name, { instance: `instance-${name}` }))
    await scenario.balanced(first!, second!, third!)
    await scenario.reading(first!, second!, third!)
    const before = scenario.count('assigned', first!, third!)
    const had = scenario.history.ownedBy('second')
    await scenario.leave(second!)
    const back = scenario.join('second-back', { instance: 'instance-second' })
    await scenario.balanced(first!, back, third!)
    await scenario.reading(first!, back, third!)
    assert.deepEqual(scenario.history.ownedBy('second-back'), had, 'it gets what it had')
    assert.equal(
      scenario.count('assigned', first!, third!),
      before,
      `the others do not notice\n${scenario.history}`,
    )
    await scenario.crash(third!)
    await scenario.balanced(first!, back)
    await scenario.finish()
  })
}

/** A group outlives its broker: it comes back, cleanly or not, and so do the members and their positions. */
export function brokerComesBack(
  broker: BrokerUnderTest,
  program: MemberProgram,
  how: 'halt' | 'kill9',
  options: GroupOptions = {},
): Promise<void> {
  return withGroup(broker, program, options, async (scenario) => {
    const members = [scenario.join('first'), scenario.join('second')]
    await scenario.balanced(...members)
    await scenario.reading(...members)
    await scenario.restartBroker(how)
    await scenario.reading(...members)
    await scenario.balanced(...members)
    const third = scenario.join('third')
    await scenario.balanced(...members, third)
    await scenario.finish()
  })
}
