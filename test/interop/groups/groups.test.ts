// Groups of each client but Java's: members join, leave, crash and come back while records flow.
// Three groups at a time on one broker: most of their time goes by in waiting for sessions to end.
import { after, before, describe, test } from 'node:test'
import { joinLeaveCrashReturn, startGroupBroker } from '../programs/group-scenarios.ts'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { allVariants } from './members.ts'

describe('groups', { concurrency: 3 }, () => {
  let broker: BrokerUnderTest

  before(async () => {
    // One after the other: each installs or builds its client the first time.
    for (const { skip, program } of allVariants) if (!skip) await program()
    broker = await startGroupBroker()
  })
  after(() => broker?.stop())

  for (const { name, skip, program, args } of allVariants) {
    test(`${name}: members join, leave, crash and come back`, { skip }, async () =>
      joinLeaveCrashReturn(broker, await program(), { args }),
    )
  }
})
