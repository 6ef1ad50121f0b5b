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

/** Long enough for a process to start again while the machine is busy. */
const STATIC_SESSION_MS = '30000'

/**
 * Static members (KIP-345): one that ends and one that crashes, and come back within their sessions, get what they had, and
 * nobody else notices. In the consumer protocol one that crashed keeps its place from others until its session is over, so there
 * it ends as well. The programs have to know `--session`.
 */
export function staticMembersComeBack(
  broker: BrokerUnderTest,
  program: MemberProgram,
  options: GroupOptions = {},
): Promise<void> {
  const isClassic = !options.args?.includes('consumer')
  const args = [...(options.args ?? []), ...(isClassic ? ['--session', STATIC_SESSION_MS] : [])]
  return withGroup(broker, program, { ...options, args }, async (scenario) => {
    if (!isClassic)
      await scenario.topics.configure(scenario.group, { 'consumer.session.timeout.ms': STATIC_SESSION_MS })
    const [first, second, third] = ['first', 'second', 'third'].map((name) =>
      scenario.join(name, { instance: `instance-${name}` }),
    )
    await scenario.balanced(first!, second!, third!)
    // While members come, shares can make up the whole before they are what they shall be.
    await scenario.topics.stable(scenario.group)
    await scenario.balanced(first!, second!, third!)
    await scenario.reading(first!, second!, third!)
    const assignments = scenario.count('assigned', first!)
    const [secondHad, thirdHad] = [second!, third!].map(({ name }) => scenario.history.ownedBy(name))
    await scenario.leave(second!)
    await (isClassic ? scenario.crash(third!) : scenario.leave(third!))
    const secondBack = scenario.join('second-back', { instance: 'instance-second' })
    const thirdBack = scenario.join('third-back', { instance: 'instance-third' })
    await scenario.balanced(first!, secondBack, thirdBack)
    await scenario.reading(first!, secondBack, thirdBack)
    assert.deepEqual(scenario.history.ownedBy('second-back'), secondHad, `the first\n${scenario.history}`)
    assert.deepEqual(scenario.history.ownedBy('third-back'), thirdHad, `the other\n${scenario.history}`)
    assert.equal(scenario.count('assigned', first!), assignments, `another notices\n${scenario.history}`)
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
