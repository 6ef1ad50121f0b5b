// ListGroups, DescribeGroups and DeleteGroups as clients of every version see them, over a coordinator that says what the test
// wants it to say. What groups say themselves: test/coordinator.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { handleDeleteGroups } from '../../src/api/delete-groups.ts'
import { handleDescribeGroups } from '../../src/api/describe-groups.ts'
import { handleListGroups } from '../../src/api/list-groups.ts'
import { deleteGroups } from '../../src/wire/apis/delete-groups.ts'
import { describeGroups } from '../../src/wire/apis/describe-groups.ts'
import { listGroups } from '../../src/wire/apis/list-groups.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'
import { type AdminFixture, ask, versionsOf } from './admin-context.ts'
import { refusing, withCoordinator } from './group-context.ts'

const { COORDINATOR_LOAD_IN_PROGRESS, GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP, NOT_COORDINATOR } = errors

describe('ListGroups', () => {
  const groups = [
    { groupId: 'a', protocolType: 'consumer', groupState: 'PreparingRebalance', groupType: 'classic' },
    { groupId: 'b', protocolType: 'consumer', groupState: 'Stable', groupType: 'consumer' },
    { groupId: 'c', protocolType: '', groupState: 'Empty', groupType: 'classic' },
  ]
  const listing = { listGroups: async () => groups }
  const list = async (version: number, filters: object, fixture: AdminFixture) => {
    const answer = await ask(listGroups, handleListGroups, version, filters, fixture)
    assert.equal(answer.errorCode, 0)
    return answer.groups
  }

  for (const version of versionsOf(listGroups)) {
    test(`version ${version} lists every group`, () =>
      withCoordinator(listing, async (fixture) => {
        assert.deepEqual(
          await list(version, {}, fixture),
          groups.map((group) => ({
            ...group,
            groupState: version >= 4 ? group.groupState : '',
            groupType: version >= 5 ? group.groupType : '',
          })),
        )
      }))
  }

  const filters: [object, string][] = [
    [{ statesFilter: ['Stable'] }, 'b'],
    [{ statesFilter: ['preparingrebalance', ' EMPTY '] }, 'ac'],
    [{ statesFilter: ['NoSuchState'] }, ''],
    [{ typesFilter: ['CLASSIC'] }, 'ac'],
    [{ typesFilter: ['consumer', 'share'] }, 'b'],
    [{ typesFilter: ['share'] }, ''],
    [{ statesFilter: ['Empty', 'Stable'], typesFilter: ['classic'] }, 'c'],
  ]
  for (const [filter, expected] of filters) {
    test(`version 5 with ${JSON.stringify(filter)}: '${expected}'`, () =>
      withCoordinator(listing, async (fixture) => {
        const found = await list(5, filter, fixture)
        assert.equal(found.map(({ groupId }) => groupId).join(''), expected)
      }))
  }

  test('lists nothing while some of it is still being loaded', () =>
    withCoordinator({ listGroups: refusing(COORDINATOR_LOAD_IN_PROGRESS) }, async (fixture) => {
      const answer = await ask(listGroups, handleListGroups, 5, {}, fixture)
      assert.deepEqual([answer.errorCode, answer.groups], [COORDINATOR_LOAD_IN_PROGRESS.code, []])
    }))
})

describe('DescribeGroups', () => {
  test('of one group many times is refused: the answer could be gigabytes', () =>
    withCoordinator({ describeClassicGroup: async () => undefined }, async (fixture) => {
      const groups = Array.from({ length: 12 }, () => 'g')
      const answer = await ask(describeGroups, handleDescribeGroups, 5, { groups }, fixture)
      const { code } = errors.INVALID_REQUEST
      assert.deepEqual(
        answer.groups.map(({ errorCode }) => errorCode),
        [...Array.from({ length: 10 }, () => 0), code, code],
      )
    }))

  const describing = {
    describeClassicGroup: async (groupId: string) => {
      if (groupId === 'elsewhere') throw new KafkaError(NOT_COORDINATOR)
      if (groupId === 'absent') return undefined
      return {
        errorCode: 0,
        groupId,
        groupState: 'Stable',
        protocolType: 'consumer',
        protocolData: 'range',
        members: [
          {
            memberId: 'm',
            groupInstanceId: 'i',
            clientId: 'c',
            clientHost: '/1.2.3.4',
            memberMetadata: Buffer.from('topics'),
            memberAssignment: Buffer.from('partitions'),
          },
        ],
      }
    },
  }

  for (const version of versionsOf(describeGroups)) {
    test(`version ${version} describes each group by itself`, () =>
      withCoordinator(describing, async (fixture) => {
        const request = { groups: ['g', 'absent', 'elsewhere'], includeAuthorizedOperations: true }
        const { groups } = await ask(describeGroups, handleDescribeGroups, version, request, fixture)
        const operations = version >= 3 ? 0b1101_0100_1000 : -0x80000000
        const notFound = version >= 6 ? GROUP_ID_NOT_FOUND.code : 0
        assert.deepEqual(
          groups.map(({ groupId, errorCode, groupState, authorizedOperations }) => [
            groupId,
            errorCode,
            groupState,
            authorizedOperations,
          ]),
          [
            ['g', 0, 'Stable', operations],
            ['absent', notFound, 'Dead', notFound === 0 ? operations : -0x80000000],
            ['elsewhere', NOT_COORDINATOR.code, '', -0x80000000],
          ],
        )
        assert.equal(/absent/.test(groups[1]!.errorMessage ?? ''), version >= 6)
        const { members, protocolData } = groups[0]!
        assert.equal(protocolData, 'range')
        assert.deepEqual(
          members.map((member) => [member.memberId, member.groupInstanceId, `${member.memberAssignment}`]),
          [['m', version >= 4 ? 'i' : null, 'partitions']],
        )
      }))
  }

  test('tells operations only to those who ask', () =>
    withCoordinator(describing, async (fixture) => {
      const { groups } = await ask(describeGroups, handleDescribeGroups, 6, { groups: ['g'] }, fixture)
      assert.equal(groups[0]!.authorizedOperations, -0x80000000)
    }))
})

describe('DeleteGroups', () => {
  const deleting = {
    deleteGroup: async (groupId: string) => {
      if (groupId === 'elsewhere') throw new KafkaError(NOT_COORDINATOR)
      return { groupId, errorCode: groupId === 'busy' ? NON_EMPTY_GROUP.code : 0 }
    },
  }
  for (const version of versionsOf(deleteGroups)) {
    test(`version ${version} answers once for each group`, () =>
      withCoordinator(deleting, async (fixture) => {
        const request = { groupsNames: ['g', 'busy', 'g', 'elsewhere'] }
        const { results } = await ask(deleteGroups, handleDeleteGroups, version, request, fixture)
        assert.deepEqual(
          results.map(({ groupId, errorCode }) => [groupId, errorCode]),
          [
            ['g', 0],
            ['busy', NON_EMPTY_GROUP.code],
            ['elsewhere', NOT_COORDINATOR.code],
          ],
        )
      }))
  }
})
