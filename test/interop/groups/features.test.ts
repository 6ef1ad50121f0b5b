// What some clients can do in a group beside joining and leaving: static membership and its fencing, subscriptions by pattern,
// moving from one protocol to the other, and being in one group with other clients.
import { after, before, describe, test } from 'node:test'
import { startGroupBroker, staticMembersComeBack, withGroup } from '../programs/group-scenarios.ts'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { allVariants, type Variant } from './members.ts'

const named = (name: string): Variant => allVariants.find((variant) => variant.name === name)!

// Cooperative members would do as well, but they seem to share all partitions before they have finished moving them.
const staticVariants = [
  'librdkafka, eager',
  'librdkafka, consumer',
  'kafka-python, eager',
  'franz-go, eager',
].map(named)

const patternVariants = ['librdkafka, cooperative', 'librdkafka, consumer', 'franz-go, consumer'].map(named)

const movingVariants: readonly { readonly classic: Variant; readonly consumer: Variant }[] = [
  { classic: named('librdkafka, eager'), consumer: named('librdkafka, consumer') },
  { classic: named('franz-go, cooperative'), consumer: named('franz-go, consumer') },
]

/** Clients that call an assignor by the same name, and mean the same by it. */
const rangeClients = [
  'librdkafka, eager',
  'kafka-python, eager',
  'aiokafka',
  'franz-go, eager',
  'sarama, eager',
].map(named)
const consumerClients = ['librdkafka, consumer', 'franz-go, consumer', '@platformatic/kafka, consumer'].map(
  named,
)

const skipOf = (variants: readonly Variant[]): string | false =>
  variants.map(({ skip }) => skip).find((skip) => skip !== false) ?? false

describe('groups with more than the usual', { concurrency: 3 }, () => {
  let broker: BrokerUnderTest

  before(async () => {
    for (const { skip, program } of allVariants) if (!skip) await program()
    broker = await startGroupBroker()
  })
  after(() => broker?.stop())

  for (const { name, skip, program, args } of staticVariants) {
    test(`${name}: a static member that comes back has what it had, and nobody notices`, { skip }, async () =>
      staticMembersComeBack(broker, await program(), { args }),
    )
  }

  test('librdkafka, eager: a process that takes the place of a static member fences it', async () => {
    const { program, args } = named('librdkafka, eager')
    await withGroup(broker, await program(), { args }, async (scenario) => {
      const first = scenario.join('first', { instance: 'one' })
      const other = scenario.join('other', { instance: 'two' })
      await scenario.balanced(first, other)
      const second = scenario.join('second', { instance: 'one' })
      await scenario.fails(first, /fenced/i)
      await scenario.balanced(second, other)
      await scenario.finish()
    })
  })

  test('librdkafka, consumer: a process cannot take the place of a static member that is there', async () => {
    const { program, args } = named('librdkafka, consumer')
    await withGroup(broker, await program(), { args }, async (scenario) => {
      const first = scenario.join('first', { instance: 'one' })
      await scenario.balanced(first)
      const second = scenario.join('second', { instance: 'one' })
      await scenario.fails(second, /instance ID is still used/)
      await scenario.balanced(first)
      await scenario.finish()
    })
  })

  for (const { name, skip, program, args } of patternVariants) {
    test(`${name}: a pattern finds topics, also one that is made later`, { skip }, async () => {
      const prefix = `pattern-${name.replaceAll(/\W/g, '')}-${process.pid}-`
      const options = { args, topics: { [`${prefix}one`]: 3, [`${prefix}two`]: 2 } }
      const regex = `^${prefix}(one|two|later)`
      await withGroup(broker, await program(), { ...options, regex }, async (scenario) => {
        const first = scenario.join('first')
        const second = scenario.join('second')
        await scenario.balanced(first, second)
        await scenario.addTopic(`${prefix}later`, 4)
        await scenario.balanced(first, second)
        await scenario.reading(first, second)
        await scenario.finish()
      })
    })
  }

  for (const { classic, consumer } of movingVariants) {
    const title = `${classic.name}: members move to the consumer protocol one by one, and back`
    test(title, { skip: classic.skip }, async () => {
      const options = { hasGenerations: false }
      const as = ({ args }: Variant) => ({ args })
      await withGroup(broker, await classic.program(), options, async (scenario) => {
        const classics = ['classic-1', 'classic-2'].map((name) => scenario.join(name, as(classic)))
        await scenario.balanced(...classics)
        const moved = scenario.join('moved-1', as(consumer))
        await scenario.balanced(...classics, moved)
        await scenario.leave(classics[0]!)
        const other = scenario.join('moved-2', as(consumer))
        await scenario.balanced(classics[1]!, moved, other)
        await scenario.leave(classics[1]!)
        await scenario.balanced(moved, other)
        await scenario.reading(moved, other)
        const back = scenario.join('back', as(classic))
        await scenario.balanced(moved, other, back)
        await scenario.leave(moved, other)
        await scenario.balanced(back)
        await scenario.reading(back)
        await scenario.finish()
      })
    })
  }

  for (const [protocol, variants, more] of [
    ['classic', rangeClients, ['--strategy', 'range']],
    ['consumer', consumerClients, []],
  ] as const) {
    test(`one group of ${variants.length} clients, ${protocol} protocol`, { skip: skipOf(variants) }, () =>
      differentClients(broker, variants, more),
    )
  }
})

/** Members of different clients share partitions, and leave one after the other, so that each kind is the leader at some time. */
async function differentClients(
  broker: BrokerUnderTest,
  variants: readonly Variant[],
  more: readonly string[],
): Promise<void> {
  const programs = await Promise.all(variants.map(({ program }) => program()))
  const topics = { [`different-${variants.length}-${process.pid}`]: 10 }
  await withGroup(broker, programs[0]!, { topics, hasGenerations: false }, async (scenario) => {
    const members = variants.map(({ name, args }, index) => {
      const program = programs[index]!
      return scenario.join(name.replaceAll(/\W/g, ''), { args: [...args, ...more], program })
    })
    while (members.length > 1) {
      await scenario.balanced(...members)
      await scenario.reading(...members)
      await scenario.leave(members.shift()!)
    }
    await scenario.balanced(...members)
    await scenario.reading(...members)
    await scenario.finish()
  })
}
