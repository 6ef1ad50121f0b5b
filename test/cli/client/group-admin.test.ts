// What is asked about groups, of brokers old and new, and of ones that keep no timelines.
import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { Cluster } from '../../../src/cli/client/cluster.ts'
import { NoSuchGroupError } from '../../../src/cli/client/failure.ts'
import * as groups from '../../../src/cli/client/group-admin.ts'
import { describeGroup, memberCounts } from '../../../src/cli/client/group-describe.ts'
import { keepAlive } from '../../../src/cli/io.ts'
import { systemClock } from '../../../src/lib/clock.ts'
import * as all from '../../../src/wire/apis/index.ts'
import { describeGroupTimeline } from '../../../src/wire/apis/own/describe-group-timeline.ts'
import { encodeAssignment, encodeSubscription } from '../../../src/wire/consumer-protocol.ts'
import { errors, KafkaError } from '../../../src/wire/errors.ts'
import { ScriptedBroker } from './scripted-broker.ts'

let broker: ScriptedBroker
let cluster: Cluster
let release = () => {}
beforeEach(async () => {
  release = keepAlive()
  broker = await ScriptedBroker.start()
  cluster = new Cluster({
    bootstrap: [{ host: '127.0.0.1', port: broker.port }],
    clientId: 'test',
    connectTimeoutMs: 1000,
    requestTimeoutMs: 1000,
    callTimeoutMs: 1000,
    clock: systemClock,
  })
  const here = { nodeId: 1, host: '127.0.0.1', port: broker.port }
  broker.on(all.metadata, () => ({ brokers: [here], controllerId: 1, topics: [] }))
  broker.on(all.findCoordinator, ({ coordinatorKeys }) => ({
    ...here,
    coordinators: coordinatorKeys.map((key) => ({ key, ...here })),
  }))
})
afterEach(async () => {
  cluster.close()
  await broker.stop()
  release()
})

const notFound = { errorCode: errors.GROUP_ID_NOT_FOUND.code }

describe('describeGroup', () => {
  const members = [
    {
      memberId: 'm',
      clientId: 'c',
      clientHost: '/10.0.0.1',
      memberMetadata: encodeSubscription({ topics: ['u', 't'] }),
      memberAssignment: encodeAssignment({
        assignedPartitions: [
          { topic: 'u', partitions: [1] },
          { topic: 't', partitions: [2, 0] },
        ],
      }),
    },
  ]
  const classic = {
    groupId: 'g',
    groupState: 'Stable',
    protocolType: 'consumer',
    protocolData: 'range',
    members,
  }

  test('a classic group is found behind ConsumerGroupDescribe, its bytes are opened', async () => {
    broker.on(all.consumerGroupDescribe, () => ({ groups: [{ groupId: 'g', ...notFound }] }))
    broker.on(all.describeGroups, () => ({ groups: [classic] }))
    const group = await describeGroup(cluster, 'g')
    assert.deepEqual(
      [group.type, group.state, group.assignor, group.epoch],
      ['classic', 'Stable', 'range', null],
    )
    const [member] = group.members
    assert.deepEqual([member!.clientHost, member!.topics], ['10.0.0.1', ['t', 'u']])
    assert.deepEqual(member!.assignment.map(groups.partitionName), ['t-0', 't-2', 'u-1'])
  })

  test('members of other kinds keep their bytes to themselves, and damaged ones do no harm', async () => {
    const connect = { ...classic, protocolType: 'connect' }
    const damaged = {
      ...members[0]!,
      memberMetadata: Buffer.from('x'),
      memberAssignment: Buffer.from([0, 0, 9]),
    }
    for (const group of [connect, { ...classic, members: [damaged] }]) {
      broker.on(all.describeGroups, () => ({ groups: [group] }))
      const [member] = (await describeGroup(cluster, 'g')).members
      assert.deepEqual([member!.topics, member!.assignment], [null, []])
    }
  })

  test('no such group: by its code, and as brokers of old say it', async () => {
    broker.on(all.describeGroups, () => ({ groups: [{ groupId: 'g', groupState: 'Dead', ...notFound }] }))
    await assert.rejects(describeGroup(cluster, 'g'), NoSuchGroupError)
    broker.on(all.describeGroups, () => ({ groups: [{ groupId: 'g', groupState: 'Dead' }] }), [0, 5])
    await assert.rejects(describeGroup(cluster, 'g'), NoSuchGroupError)
  })

  test('a refusal keeps the words of the broker', async () => {
    const refusal = { errorCode: errors.GROUP_AUTHORIZATION_FAILED.code, errorMessage: 'not you' }
    broker.on(all.consumerGroupDescribe, () => ({ groups: [{ groupId: 'g', ...refusal }] }))
    await assert.rejects(describeGroup(cluster, 'g'), /group g: not you/)
  })

  test('members are counted per broker; of groups that cannot be described nothing is said', async () => {
    broker.on(all.listGroups, () => ({
      groups: [
        { groupId: 's', groupType: 'Share' },
        { groupId: 'b', groupType: 'Consumer', groupState: 'Stable' },
        { groupId: 'a', groupType: 'Classic', groupState: 'Empty' },
      ],
    }))
    broker.on(all.consumerGroupDescribe, ({ groupIds }) => ({
      groups: groupIds.map((groupId) => ({ groupId, members: [{}, {}] })),
    }))
    broker.on(all.describeGroups, ({ groups: ids }) => ({ groups: ids.map((groupId) => ({ groupId })) }))
    const listings = await groups.listGroups(cluster)
    assert.deepEqual(
      listings.map(({ groupId, type }) => `${groupId} ${type}`),
      ['a classic', 'b consumer', 's share'],
    )
    assert.deepEqual(
      await memberCounts(cluster, listings),
      new Map([
        ['b', 2],
        ['a', 0],
      ]),
    )
  })
})

describe('offsets', () => {
  const partitions = [
    { partitionIndex: 1, committedOffset: 7 },
    { partitionIndex: 0, committedOffset: -1 },
  ]

  for (const [name, versions, answer] of [
    ['of one group', [1, 7], { topics: [{ name: 't', partitions }] }],
    ['of many groups', [1, 10], { groups: [{ groupId: 'g', topics: [{ name: 't', partitions }] }] }],
  ] as const) {
    test(`${name}: those that are there`, async () => {
      broker.on(all.offsetFetch, () => answer, versions)
      assert.deepEqual(await groups.committedOffsets(cluster, 'g'), [{ topic: 't', partition: 1, offset: 7 }])
    })
  }

  test('a coordinator that moves is found again', async () => {
    const codes = [errors.NOT_COORDINATOR, errors.COORDINATOR_LOAD_IN_PROGRESS, errors.NONE]
    broker.on(all.offsetFetch, () => ({ groups: [{ groupId: 'g', errorCode: codes.shift()!.code }] }))
    assert.deepEqual(await groups.committedOffsets(cluster, 'g'), [])
    assert.equal(broker.asked.filter(({ name }) => name === 'FindCoordinator').length, 3)
  })

  test('setting them under the feet of members is refused by the broker, and known as that', async () => {
    const row = { partitionIndex: 0, errorCode: errors.UNKNOWN_MEMBER_ID.code }
    broker.on(all.offsetCommit, () => ({ topics: [{ name: 't', partitions: [row] }] }))
    await assert.rejects(
      groups.setOffsets(cluster, 'g', [{ topic: 't', partition: 0, offset: 1 }]),
      groups.isOccupied,
    )
  })

  test('deleting answers for each partition that was refused', async () => {
    const rows = [
      { partitionIndex: 0, errorCode: 0 },
      { partitionIndex: 1, errorCode: errors.GROUP_SUBSCRIBED_TO_TOPIC.code },
    ]
    broker.on(all.offsetDelete, () => ({ topics: [{ name: 't', partitions: rows }] }))
    const chosen = [0, 1].map((partition) => ({ topic: 't', partition }))
    const refused = await groups.deleteOffsets(cluster, 'g', chosen)
    assert.deepEqual([...refused.keys()], ['t-1'])
    broker.on(all.offsetDelete, () => ({ ...notFound, topics: [] }))
    await assert.rejects(groups.deleteOffsets(cluster, 'g', chosen), NoSuchGroupError)
  })

  test('a group is deleted, is not there, or has members', async () => {
    const outcomes = [errors.NONE, errors.GROUP_ID_NOT_FOUND, errors.NON_EMPTY_GROUP]
    broker.on(all.deleteGroups, () => ({ results: [{ groupId: 'g', errorCode: outcomes.shift()!.code }] }))
    await groups.deleteGroup(cluster, 'g')
    await assert.rejects(groups.deleteGroup(cluster, 'g'), NoSuchGroupError)
    await assert.rejects(groups.deleteGroup(cluster, 'g'), groups.isOccupied)
  })
})

describe('timelines', () => {
  test('are asked for although nobody advertises them', async () => {
    broker.onUnadvertised(describeGroupTimeline, ({ groupIds }) => ({
      groups: groupIds.map((groupId) => ({ groupId, events: [{ atMs: 5, kind: 'created', reason: 'why' }] })),
    }))
    const [event] = await groups.timeline(cluster, 'g')
    assert.deepEqual([event!.atMs, event!.kind, event!.generation, event!.reason], [5, 'created', -1, 'why'])
  })

  test('a broker that closes the connection and takes the next one keeps none', async () => {
    await assert.rejects(groups.timeline(cluster, 'g'), groups.NoTimelinesError)
  })

  test('a broker that is gone is not taken for one that keeps none', async () => {
    await cluster.coordinator('g')
    await broker.stop()
    await assert.rejects(
      groups.timeline(cluster, 'g'),
      (error) => !(error instanceof groups.NoTimelinesError),
    )
  })

  test('a refusal is an error with its words', async () => {
    broker.onUnadvertised(describeGroupTimeline, () => ({
      groups: [{ errorCode: errors.INVALID_GROUP_ID.code, errorMessage: 'no name' }],
    }))
    await assert.rejects(
      groups.timeline(cluster, ''),
      (error) => error instanceof KafkaError && /no name/.test(error.message),
    )
  })
})
