// How leaders of classic groups share out partitions in the simulation: evenly and sticky, as the coordinator's own uniform
// assignor does. Cooperative leaders (KIP-429) hold back what another member still has, until it has given it up.
// Promises each partition to one member at most. Leaves protocol and errors to classic-client.ts.
import type { ClusterImage } from '../../../src/cluster/image.ts'
import { type AssignmentMember, assignors } from '../../../src/coordinator/group/assignors/assignor.ts'
import type { JoinGroupAnswer } from '../../../src/coordinator/group/classic/member.ts'
import { decodeSubscription } from '../../../src/wire/consumer-protocol.ts'

export type Style = 'eager' | 'cooperative'

interface TopicList {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** `topic-partition`, topic by topic. */
export function byTopic(keys: Iterable<string>): { topic: string; partitions: number[] }[] {
  const partitions = new Map<string, number[]>()
  for (const key of keys) {
    const dash = key.lastIndexOf('-')
    const list = partitions.get(key.slice(0, dash))
    if (list === undefined) partitions.set(key.slice(0, dash), [Number(key.slice(dash + 1))])
    else list.push(Number(key.slice(dash + 1)))
  }
  return [...partitions].map(([topic, list]) => ({ topic, partitions: list }))
}

export function keysOf(lists: readonly TopicList[]): string[] {
  return lists.flatMap(({ topic, partitions }) => partitions.map((partition) => `${topic}-${partition}`))
}

export interface Share {
  readonly memberId: string
  readonly keys: readonly string[]
}

export function shareOut(
  members: NonNullable<JoinGroupAnswer['members']>,
  image: ClusterImage,
  style: Style,
): Share[] {
  const subscriptions = new Map(
    members.map(({ memberId, metadata }) => [memberId!, decodeSubscription(Buffer.from(metadata!))]),
  )
  const owners = style === 'eager' ? new Map<string, string>() : ownersOf(subscriptions)
  const spec = new Map<string, AssignmentMember>()
  for (const [memberId, { topics, ownedPartitions }] of subscriptions) {
    const kept = keysOf(ownedPartitions).filter((key) => owners.get(key) === memberId)
    spec.set(memberId, {
      rackId: null,
      instanceId: null,
      subscribedTopicIds: new Set(topics.filter((topic) => image.topics.has(topic))),
      assigned: new Map(byTopic(kept).map(({ topic, partitions }) => [topic, partitions])),
    })
  }
  const topics = new Map(
    [...image.topics.values()].map(({ name, partitions }) => [name, { name, partitions: partitions.length }]),
  )
  const targets = assignors
    .get('uniform')!
    .assign({ members: spec, topics, subscriptionType: 'heterogeneous' })
  return [...targets].map(([memberId, target]) => ({
    memberId,
    keys: keysOf([...target].map(([topic, partitions]) => ({ topic, partitions }))).filter((key) => {
      const owner = owners.get(key)
      return owner === undefined || owner === memberId
    }),
  }))
}

/** Whoever says so for the newest generation; with two of them, neither is believed (KIP-792). */
function ownersOf(
  subscriptions: ReadonlyMap<string, ReturnType<typeof decodeSubscription>>,
): Map<string, string> {
  const claims = new Map<string, { memberId: string; generationId: number }>()
  for (const [memberId, { ownedPartitions, generationId }] of subscriptions) {
    for (const key of keysOf(ownedPartitions)) {
      const claim = claims.get(key)
      if (claim === undefined || generationId > claim.generationId)
        claims.set(key, { memberId, generationId })
      else if (generationId === claim.generationId) claims.set(key, { memberId: '', generationId })
    }
  }
  return new Map(
    [...claims].filter(([, { memberId }]) => memberId !== '').map(([key, { memberId }]) => [key, memberId]),
  )
}
