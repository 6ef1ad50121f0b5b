// Groups go with a log directory from Apache Kafka to the broker under test and back: offsets are there at once, and members that
// join go on where others had stopped. Groups of both protocols; written by Kafka 4.3 and 3.9, handed over after clean ends and
// SIGKILL, the last members still in the groups.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { GroupScenario } from '../../programs/group-scenario.ts'
import { groupBrokerProperties } from '../../programs/group-scenarios.ts'
import { type BrokerUnderTest, interopTarget, startBrokerUnderTest } from '../../support/broker-under-test.ts'
import { javaSkipReason } from '../../support/java-programs.ts'
import { javaMember } from './java-member.ts'

const handovers = [
  { version: '4.3.0', how: 'halt', goesBack: true },
  { version: '4.3.0', how: 'kill9', goesBack: false },
  // Not back: 3.9 does not know the versions of records that 4.3 writes.
  { version: '3.9.2', how: 'halt', goesBack: false },
] as const

/** Kafka 4.3 on a directory of 3.9 leaves the new protocol off until its feature is raised (KIP-584). */
const protocolsFrom = (version: string) =>
  version === '3.9.2' && interopTarget === 'apache' ? ['classic'] : ['classic', 'consumer']

const properties = {
  'node.id': '1',
  'group.coordinator.rebalance.protocols': 'classic,consumer',
  ...groupBrokerProperties,
}

describe('a log directory of Apache Kafka with groups', { skip: javaSkipReason() }, () => {
  for (const { version, how, goesBack } of handovers) {
    const ending = how === 'halt' ? 'a clean end' : 'SIGKILL'
    const there = { target: 'apache', version } as const
    const places = goesBack ? [there, {}, there] : [there, {}]
    test(`of Kafka ${version} after ${ending}: groups go on${goesBack ? ', and go back' : ''}`, async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'interop-groups-handed-over-'))
      const brokers: BrokerUnderTest[] = []
      const scenarios: GroupScenario[] = []
      try {
        const member = await javaMember()
        let known = new Map<string, Map<string, number>>()
        for (const [turn, where] of places.entries()) {
          const broker = await startBrokerUnderTest({ ...where, dataDir, properties })
          brokers.push(broker)
          for (const protocol of turn === 0 ? protocolsFrom(version) : []) {
            const options = { group: `brought-${protocol}`, args: ['--protocol', protocol] }
            scenarios.push(await GroupScenario.start(broker, member, options))
          }
          if (turn > 0) {
            for (const scenario of scenarios) {
              await scenario.brokerIsBack(broker)
              const committed = await scenario.topics.committed(scenario.group)
              assert.deepEqual(committed, known.get(scenario.group), `${scenario.group} on broker ${turn}`)
            }
          }
          const members = await Promise.all(
            scenarios.map(async (scenario) => {
              const both = ['one', 'two'].map((name) => scenario.join(`${name}-${turn}`))
              await scenario.balanced(...both)
              await scenario.reading(...both)
              await scenario.quiet()
              return both
            }),
          )
          if (turn === places.length - 1) break
          known = new Map()
          for (const { group, topics } of scenarios) known.set(group, await topics.committed(group))
          for (const scenario of scenarios) await scenario.withoutBroker()
          await broker[how]()
          for (const [index, scenario] of scenarios.entries()) await scenario.crash(...members[index]!)
        }
        for (const scenario of scenarios) await scenario.finish()
      } finally {
        for (const scenario of scenarios) await scenario.stop()
        for (const broker of brokers) await broker.stop()
        await rm(dataDir, { recursive: true, force: true })
      }
    })
  }
})
