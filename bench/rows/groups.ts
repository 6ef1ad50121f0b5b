// Rows of groups: 1,000 members in one group of either protocol, and 1,000 groups on one broker. What a rebalance, a heartbeat
// and a commit cost the broker. Members are as light as they can be (../group-members.ts), each on a connection of its own.
// Each round has a broker of its own. Targets are the issue's: no worse than Apache Kafka.
import { setTimeout as sleep } from 'node:timers/promises'
import type { RawClient } from '../../test/support/raw-client.ts'
import { createTopic, untilServed } from '../admin.ts'
import { type RunningBroker, residentMegabytes, withCpu } from '../broker-process.ts'
import { ClassicMember, ConsumerMember, openClients, untilCoordinated } from '../group-members.ts'
import { atMost, metric, type Row, type Sample, type StartBroker } from '../row.ts'

const MEMBERS = 1000
const GROUPS = 1000
const REBALANCES = 5
const BEATS = 10
const COMMITS = 20
/** Members of the new protocol that leave at once in a rebalance. */
const LEAVERS = 100
/** How often a member of the new protocol is heard while its group settles: the same on both sides. */
const ROUND_MS = 250
const LIMIT_MS = 120_000

const rebalanceMetric = metric('rebalance', 'ms', 'lower', [atMost(1)])
const formingMetric = metric('forming', 's', 'lower')
const memoryMetric = metric('RSS', 'MB', 'lower', [atMost(1)])
const cpuMetric = (name: string) => metric(name, 's', 'lower', [atMost(1)])

const formingMetrics = [formingMetric, cpuMetric('CPU of forming')]

/** Of a group of many members, whichever protocol they speak. */
const memberMetrics = [
  rebalanceMetric,
  cpuMetric('CPU of a rebalance'),
  cpuMetric('CPU of 10,000 heartbeats'),
  ...formingMetrics,
  memoryMetric,
]

const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}

/** The forming of a group: how long it takes, and what it costs the broker. */
async function measured(broker: RunningBroker, work: () => Promise<unknown>): Promise<Sample> {
  const { cpu, result } = await withCpu(broker, () => timed(work))
  return { forming: result / 1e3, 'CPU of forming': cpu }
}

/** What the members' rebalances took, and what their heartbeats cost from now on. */
async function settledSample(
  broker: RunningBroker,
  members: readonly { heartbeat(): Promise<unknown> }[],
  rebalancesMs: number[],
  rebalancesCpu: number,
): Promise<Sample> {
  const beating = await withCpu(broker, async () => {
    for (let beat = 0; beat < BEATS; beat += 1) await Promise.all(members.map((member) => member.heartbeat()))
  })
  return {
    rebalance: median(rebalancesMs),
    'CPU of a rebalance': rebalancesCpu / REBALANCES,
    'CPU of 10,000 heartbeats': (beating.cpu * 10_000) / (BEATS * MEMBERS),
    RSS: residentMegabytes(broker.pid).now,
  }
}

/** Opens connections, works, and closes them whatever happens. */
async function withClients(
  broker: RunningBroker,
  count: number,
  work: (clients: RawClient[]) => Promise<Sample>,
): Promise<Sample> {
  const clients = await openClients(broker.port, count)
  try {
    return await work(clients)
  } finally {
    for (const client of clients) client.close()
    await broker.stop()
  }
}

/** Every member is told by a heartbeat that the group is rebalancing, and joins. */
const rejoin = async (member: ClassicMember): Promise<void> => {
  while (await member.heartbeat()) await sleep(1)
  await member.join()
}

async function untilOfOneGeneration(members: readonly ClassicMember[]): Promise<void> {
  const deadline = performance.now() + LIMIT_MS
  for (;;) {
    const inOne = members.every(({ generation }) => generation === members[0]!.generation)
    const beats = await Promise.all(members.map((member) => member.heartbeat()))
    if (inOne && !beats.includes(false)) return
    if (performance.now() > deadline) throw new Error('the classic group did not become stable')
    await Promise.all(members.map((member, index) => (beats[index] ? undefined : member.join())))
  }
}

const classicMembers: Row = {
  kind: 'alone',
  id: `groups/classic/${MEMBERS}-members`,
  metrics: memberMetrics,
  maxRounds: 3,
  measure: async (start: StartBroker) => {
    // Kafka would wait for three seconds by default, and we not at all: both wait for one, so that all join at once.
    const broker = await start({ properties: { 'group.initial.rebalance.delay.ms': '1000' } })
    return withClients(broker, MEMBERS, async (clients) => {
      await createTopic(broker.port, 'bench', 1)
      await untilCoordinated(clients[0]!, ['bench'])
      const members = clients.map((client) => new ClassicMember(client, 'bench', 'bench'))
      const forming = await measured(broker, async () => {
        await Promise.all(members.map((member) => member.join()))
        await untilOfOneGeneration(members)
      })
      const { cpu, result: rebalancesMs } = await withCpu(broker, async () => {
        const times: number[] = []
        for (let round = 0; round < REBALANCES; round += 1) {
          const leader = members.find(({ isLeader }) => isLeader)!
          const work = (member: ClassicMember) => (member === leader ? member.join() : rejoin(member))
          times.push(await timed(() => Promise.all(members.map(work))))
        }
        return times
      })
      return { ...forming, ...(await settledSample(broker, members, rebalancesMs, cpu)) }
    })
  },
}

/** Heartbeats of all members, a round each quarter of a second, until each owns its share, all in one epoch. */
async function untilSettled(members: readonly ConsumerMember[], partitions: number): Promise<void> {
  const share = Math.floor(partitions / members.length)
  const deadline = performance.now() + LIMIT_MS
  for (;;) {
    const began = performance.now()
    await Promise.all(members.map((member) => member.heartbeat()))
    const owned = members.reduce((sum, member) => sum + member.owned, 0)
    const hasShare = ({ epoch, owned: own }: ConsumerMember) => epoch === members[0]!.epoch && own >= share
    if (owned === partitions && members.every(hasShare)) return
    if (began > deadline) {
      throw new Error(`the group did not settle: ${owned} of ${partitions} partitions are owned`)
    }
    await sleep(Math.max(0, ROUND_MS - (performance.now() - began)))
  }
}

const consumerMembers: Row = {
  kind: 'alone',
  id: `groups/consumer/${MEMBERS}-members`,
  metrics: memberMetrics,
  maxRounds: 3,
  measure: async (start: StartBroker) => {
    // Sessions long enough for members that are slow to be heard; and no pause between assignments, which both would make
    // by default, and which would be all that one sees.
    const broker = await start({
      properties: {
        'group.consumer.session.timeout.ms': '60000',
        'group.consumer.max.session.timeout.ms': '60000',
        'group.consumer.assignment.interval.ms': '0',
      },
    })
    return withClients(broker, MEMBERS, async (clients) => {
      await createTopic(broker.port, 'bench', MEMBERS)
      await untilServed(broker.port, 'bench', MEMBERS)
      await untilCoordinated(clients[0]!, ['bench'])
      const members = clients.map(
        (client, index) => new ConsumerMember(client, 'bench', `member-${index}`, 'bench'),
      )
      const forming = await measured(broker, () => untilSettled(members, MEMBERS))
      const rebalancesMs: number[] = []
      let cpu = 0
      for (let round = 0; round < REBALANCES; round += 1) {
        const leaving = await withCpu(broker, () =>
          timed(async () => {
            await Promise.all(members.slice(0, LEAVERS).map((member) => member.leave()))
            await untilSettled(members.slice(LEAVERS), MEMBERS)
          }),
        )
        cpu += leaving.cpu
        rebalancesMs.push(leaving.result)
        await untilSettled(members, MEMBERS)
      }
      return { ...forming, ...(await settledSample(broker, members, rebalancesMs, cpu)) }
    })
  },
}

const manyGroups: Row = {
  kind: 'alone',
  id: `groups/${GROUPS}-groups`,
  metrics: [
    metric('commits', '/s', 'higher', [{ of: 'ratio', atLeast: 1 }]),
    cpuMetric('CPU of 10,000 commits'),
    ...formingMetrics,
    memoryMetric,
  ],
  maxRounds: 3,
  measure: async (start: StartBroker) => {
    const broker = await start({ properties: { 'group.initial.rebalance.delay.ms': '0' } })
    return withClients(broker, GROUPS, async (clients) => {
      await createTopic(broker.port, 'bench', 1)
      const groupIds = clients.map((_, index) => `bench-${index}`)
      await untilCoordinated(clients[0]!, groupIds)
      const members = clients.map((client, index) => new ClassicMember(client, groupIds[index]!, 'bench'))
      const forming = await measured(broker, () => Promise.all(members.map((member) => member.join())))
      const { cpu, result: commitsMs } = await withCpu(broker, () =>
        timed(() =>
          Promise.all(
            members.map(async (member) => {
              for (let offset = 1; offset <= COMMITS; offset += 1) await member.commit('bench', offset)
            }),
          ),
        ),
      )
      return {
        commits: (GROUPS * COMMITS * 1e3) / commitsMs,
        'CPU of 10,000 commits': (cpu * 10_000) / (GROUPS * COMMITS),
        ...forming,
        RSS: residentMegabytes(broker.pid).now,
      }
    })
  },
}

export const groupRows: readonly Row[] = [classicMembers, consumerMembers, manyGroups]
