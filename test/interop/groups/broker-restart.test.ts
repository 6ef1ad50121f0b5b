// A broker with a group of each client dies of SIGKILL and comes back: so do members and positions, and nothing is missing.
// All groups at once, so that one restart serves them all.
import { after, before, describe, test } from 'node:test'
import { GroupScenario } from '../programs/group-scenario.ts'
import { startGroupBroker } from '../programs/group-scenarios.ts'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { allVariants } from './members.ts'

/** Some twenty programs start at the same time, and clients wait for different times before they look for a broker again. */
const TIMEOUT_MS = 90_000

const variants = allVariants.filter(({ skip }) => !skip)

describe('a broker that is killed and comes back', () => {
  let broker: BrokerUnderTest
  const scenarios: GroupScenario[] = []

  before(async () => {
    for (const { program } of variants) await program()
    broker = await startGroupBroker()
  })
  after(async () => {
    await Promise.all(scenarios.map((scenario) => scenario.stop()))
    await broker?.stop()
  })

  test('groups of every client go on where they were', async () => {
    const groups = await Promise.all(
      variants.map(async ({ program, args }) => {
        const scenario = await GroupScenario.start(broker, await program(), { args, timeoutMs: TIMEOUT_MS })
        scenarios.push(scenario)
        return { scenario, members: [scenario.join('first'), scenario.join('second')] }
      }),
    )
    await Promise.all(
      groups.map(async ({ scenario, members }) => {
        await scenario.balanced(...members)
        await scenario.reading(...members)
      }),
    )
    await Promise.all(scenarios.map((scenario) => scenario.withoutBroker()))
    await broker.kill9()
    await broker.restart()
    await Promise.all(scenarios.map((scenario) => scenario.brokerIsBack()))
    await Promise.all(
      groups.map(async ({ scenario, members }) => {
        await scenario.reading(...members)
        await scenario.balanced(...members)
      }),
    )
    await Promise.all(scenarios.map((scenario) => scenario.finish()))
  })
})
