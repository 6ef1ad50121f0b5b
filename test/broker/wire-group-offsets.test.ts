// Committed offsets at a whole broker: every version, over restarts and crashes, with the tools' requests.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import { deleteGroups } from '../../src/wire/apis/delete-groups.ts'
import { deleteTopics } from '../../src/wire/apis/delete-topics.ts'
import { describeConfigs } from '../../src/wire/apis/describe-configs.ts'
import { describeGroups } from '../../src/wire/apis/describe-groups.ts'
import { findCoordinator } from '../../src/wire/apis/find-coordinator.ts'
import { incrementalAlterConfigs } from '../../src/wire/apis/incremental-alter-configs.ts'
import { listGroups } from '../../src/wire/apis/list-groups.ts'
import { offsetCommit } from '../../src/wire/apis/offset-commit.ts'
import { offsetDelete } from '../../src/wire/apis/offset-delete.ts'
import { offsetFetch } from '../../src/wire/apis/offset-fetch.ts'
import { errors } from '../../src/wire/errors.ts'
import { makeTopic } from '../support/calls.ts'
import { startLocalBroker } from '../support/local-broker.ts'
import type { Asker } from '../support/raw-client.ts'
import { SimulatedBroker } from '../support/simulated-broker.ts'

const SETTINGS = { 'offsets.topic.num.partitions': '4' }

/** Asks where the group is, as every client does first: that is when __consumer_offsets comes into being. */
async function find(client: Asker, groupId: string): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const { coordinators } = await client.ask(findCoordinator, 4, { keyType: 0, coordinatorKeys: [groupId] })
    if (coordinators[0]!.errorCode === 0) return
    assert.equal(coordinators[0]!.errorCode, errors.COORDINATOR_NOT_AVAILABLE.code)
  }
  assert.fail('the group has no coordinator')
}

async function commit(
  client: Asker,
  groupId: string,
  topic: { name: string; topicId: string },
  offset: number,
  version = 9,
): Promise<number> {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, committedMetadata: `at ${offset}` }]
  const request = { groupId, topics: [{ ...topic, partitions }] }
  const answer = await client.ask(offsetCommit, version, request)
  return answer.topics[0]!.partitions[0]!.errorCode
}

async function committed(
  client: Asker,
  groupId: string,
  topic: { name: string; topicId: string },
  version = 9,
): Promise<number> {
  const topics = [{ ...topic, partitionIndexes: [0] }]
  const request =
    version >= 8
      ? { groups: [{ groupId, topics }] }
      : { groupId, topics: [{ name: topic.name, partitionIndexes: [0] }] }
  const answer = await client.ask(offsetFetch, version, request)
  const found = version >= 8 ? answer.groups[0]!.topics : answer.topics
  const [partition] = found[0]!.partitions
  assert.equal(partition!.errorCode, 0)
  return partition!.committedOffset
}

describe('every version', () => {
  test('of OffsetCommit is read by every version of OffsetFetch', async (context) => {
    const { connect } = await startLocalBroker(context, SETTINGS)
    const client = await connect()
    const topic = { name: 't', topicId: await makeTopic(client, 't') }
    await find(client, 'g')
    let offset = 0
    for (let version = offsetCommit.versions[0]; version <= offsetCommit.versions[1]; version++) {
      offset += 10
      assert.equal(await commit(client, 'g', topic, offset, version), 0, `OffsetCommit ${version}`)
      for (let reading = offsetFetch.versions[0]; reading <= offsetFetch.versions[1]; reading++) {
        assert.equal(await committed(client, 'g', topic, reading), offset, `${version} read by ${reading}`)
      }
    }
  })

  test('of the tools sees a group that only has offsets, until it is deleted', async (context) => {
    const { connect } = await startLocalBroker(context, SETTINGS)
    const client = await connect()
    const topic = { name: 't', topicId: await makeTopic(client, 't') }
    await find(client, 'g')
    assert.deepEqual((await client.ask(listGroups, 5, {})).groups, [])
    await commit(client, 'g', topic, 5)
    const listed = await client.ask(listGroups, 5, { statesFilter: ['empty'], typesFilter: ['Classic'] })
    assert.deepEqual(listed.groups, [
      { groupId: 'g', protocolType: '', groupState: 'Empty', groupType: 'classic' },
    ])
    const described = await client.ask(describeGroups, 6, { groups: ['g'] })
    assert.deepEqual(
      described.groups.map(({ errorCode, groupState, members }) => [errorCode, groupState, members]),
      [[0, 'Empty', []]],
    )
    const deletion = { groupId: 'g', topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }] }
    assert.equal((await client.ask(offsetDelete, 0, deletion)).topics[0]!.partitions[0]!.errorCode, 0)
    assert.equal(await committed(client, 'g', topic), -1)
    await commit(client, 'g', topic, 6)
    const deleteIt = async () =>
      (await client.ask(deleteGroups, 2, { groupsNames: ['g'] })).results[0]!.errorCode
    assert.equal(await deleteIt(), 0)
    assert.equal(await deleteIt(), errors.GROUP_ID_NOT_FOUND.code)
    assert.equal(await committed(client, 'g', topic), -1)
    assert.deepEqual((await client.ask(listGroups, 5, {})).groups, [])
  })
})

test('a topic takes its offsets along, and a new one of its name begins without', async (context) => {
  const { connect } = await startLocalBroker(context, SETTINGS)
  const client = await connect()
  const old = { name: 't', topicId: await makeTopic(client, 't') }
  await find(client, 'g')
  await commit(client, 'g', old, 5)
  await client.ask(deleteTopics, 6, { topics: [{ name: 't', topicId: undefined }], timeoutMs: 5000 })
  const anew = { name: 't', topicId: await makeTopic(client, 't') }
  assert.notEqual(anew.topicId, old.topicId)
  for (const version of [1, 9, 10]) assert.equal(await committed(client, 'g', anew, version), -1)
})

describe('what was acknowledged', () => {
  for (const how of ['stop', 'process', 'power'] as const) {
    test(`is there after the end of the broker: ${how}`, async () => {
      const random = new SeededRandom(7)
      const settings = how === 'power' ? { ...SETTINGS, 'log.flush.interval.messages': '1' } : SETTINGS
      const simulated = new SimulatedBroker(new SimulatedFiles({ crashes: true }), random, settings)
      await simulated.start()
      const client = simulated.connect()
      const asker: Asker = {
        ask: (api, version, request) => simulated.until(client.ask(api, version, request)),
      }
      const topic = { name: 't', topicId: await makeTopic(asker, 't') }
      const groups = Array.from({ length: 8 }, (_, i) => `group-${i}`)
      await find(asker, groups[0]!)
      for (const [i, group] of groups.entries()) {
        assert.equal(await commit(asker, group, topic, i), 0)
        assert.equal(await commit(asker, group, topic, 100 + i), 0)
      }
      const session = { name: 'consumer.session.timeout.ms', configOperation: 0, value: '50000' }
      await asker.ask(incrementalAlterConfigs, 1, {
        resources: [{ resourceType: 32, resourceName: 'group-1', configs: [session] }],
      })
      if (how === 'stop') await simulated.stop()
      else simulated.crash(how)

      await simulated.start()
      const again = simulated.connect()
      const askAgain: Asker = {
        ask: (api, version, request) => simulated.until(again.ask(api, version, request)),
      }
      await find(askAgain, groups[0]!)
      for (const [i, group] of groups.entries()) {
        assert.equal(await committed(askAgain, group, topic), 100 + i)
      }
      const asked = { resourceType: 32, resourceName: 'group-1', configurationKeys: [session.name] }
      const { results } = await askAgain.ask(describeConfigs, 4, { resources: [asked] })
      assert.deepEqual(
        results[0]!.configs.map(({ value, configSource }) => [value, configSource]),
        [['50000', 8]],
      )
      await simulated.stop()
    })
  }
})
