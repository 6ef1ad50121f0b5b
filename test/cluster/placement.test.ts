// Which brokers hold which partition: for all sizes and racks.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { elect, newPartition } from '../../src/cluster/election.ts'
import { placeReplicas } from '../../src/cluster/placement.ts'
import { SeededRandom } from '../../src/lib/random.ts'

const clusters = fc
  .array(fc.constantFrom(null, 'a', 'b', 'c'), { minLength: 1, maxLength: 9 })
  .map((racks) => racks.map((rack, index) => ({ id: index * 3 + 1, rack })))

const cases = fc
  .record({ brokers: clusters, partitions: fc.integer({ min: 1, max: 40 }), seed: fc.nat(), wish: fc.nat() })
  .map(({ brokers, partitions, seed, wish }) => ({
    brokers,
    partitions,
    replicationFactor: (wish % brokers.length) + 1,
    random: new SeededRandom(seed),
  }))

describe('replicas are placed', () => {
  test('on different, known brokers, as many as asked for', () => {
    fc.assert(
      fc.property(cases, ({ brokers, partitions, replicationFactor, random }) => {
        const placed = placeReplicas(brokers, partitions, replicationFactor, random)
        assert.equal(placed.length, partitions)
        const known = new Set(brokers.map(({ id }) => id))
        for (const replicas of placed) {
          assert.equal(replicas.length, replicationFactor)
          assert.equal(new Set(replicas).size, replicationFactor)
          for (const id of replicas) assert.ok(known.has(id))
        }
      }),
    )
  })

  test('with leaders that differ by at most one from broker to broker', () => {
    fc.assert(
      fc.property(cases, ({ brokers, partitions, replicationFactor, random }) => {
        const leaders = placeReplicas(brokers, partitions, replicationFactor, random).map(
          ([leader]) => leader,
        )
        const counts = brokers.map(({ id }) => leaders.filter((leader) => leader === id).length)
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1)
      }),
    )
  })

  test('on different racks, as long as there are unused ones', () => {
    fc.assert(
      fc.property(cases, ({ brokers, partitions, replicationFactor, random }) => {
        const rackOf = new Map(brokers.map(({ id, rack }) => [id, rack ?? `none-${id}`]))
        const racks = new Set(rackOf.values()).size
        for (const replicas of placeReplicas(brokers, partitions, replicationFactor, random)) {
          const used = new Set(replicas.map((id) => rackOf.get(id)))
          assert.equal(used.size, Math.min(racks, replicationFactor))
        }
      }),
    )
  })

  test('with the followers of one leader spread over the others', () => {
    const brokers = Array.from({ length: 5 }, (_, id) => ({ id, rack: null }))
    const placed = placeReplicas(brokers, 100, 2, new SeededRandom(1))
    for (const { id } of brokers) {
      const followers = new Set(placed.filter(([leader]) => leader === id).map(([, follower]) => follower))
      assert.equal(followers.size, 4)
    }
  })

  test('with topics of one partition spread over the brokers', () => {
    const brokers = Array.from({ length: 4 }, (_, id) => ({ id, rack: null }))
    const random = new SeededRandom(1)
    const leaders = new Set(Array.from({ length: 60 }, () => placeReplicas(brokers, 1, 1, random)[0]![0]))
    assert.equal(leaders.size, 4)
  })
})

describe('an election', () => {
  const partition = { ...newPartition(0, [1, 2, 3], 4), isr: [3, 2], leader: 3 }
  const alive =
    (...ids: number[]) =>
    (id: number) =>
      ids.includes(id)

  test('leaves a leader that is alive and in sync where it is', () => {
    assert.equal(elect(partition, alive(1, 2, 3), false), null)
  })
  test('takes the first replica in order of preference that is in sync and alive', () => {
    const elected = elect(partition, alive(1, 2), false)
    assert.deepEqual([elected?.leader, elected?.leaderEpoch, elected?.partitionEpoch], [2, 5, 1])
  })
  test('never takes one that is not in sync: nobody leads then', () => {
    const elected = elect(partition, alive(1), false)
    assert.deepEqual([elected?.leader, elected?.leaderEpoch], [-1, 5])
    assert.equal(elect(elected!, alive(1), false), null)
    assert.equal(elect(elected!, alive(1), true), null)
  })
  test('gives a leader that stays a new epoch when asked to', () => {
    const renewed = elect(partition, alive(1, 2, 3), true)
    assert.deepEqual([renewed?.leader, renewed?.leaderEpoch], [3, 5])
  })
})
