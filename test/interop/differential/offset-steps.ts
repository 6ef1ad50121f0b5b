// The interesting requests about committed offsets, the groups that have them, and the settings of groups.
// Promises group ids of its own, and no members: what those do has tables of its own. Leaves settings that only Kafka knows
// (share groups, streams groups) out.
import { deleteGroups } from '../../../src/wire/apis/delete-groups.ts'
import { describeGroups } from '../../../src/wire/apis/describe-groups.ts'
import { findCoordinator } from '../../../src/wire/apis/find-coordinator.ts'
import { listConfigResources } from '../../../src/wire/apis/list-config-resources.ts'
import { listGroups } from '../../../src/wire/apis/list-groups.ts'
import { offsetCommit } from '../../../src/wire/apis/offset-commit.ts'
import { offsetDelete } from '../../../src/wire/apis/offset-delete.ts'
import { offsetFetch } from '../../../src/wire/apis/offset-fetch.ts'
import { alterStep, changeStep, describeStep, settling } from './admin-requests.ts'
import { idOf, type Side, type Step, step, UNKNOWN_ID } from './sides.ts'

const range = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, i) => first + i)

type Partition = readonly [index: number, offset: number, metadata?: string | null, epoch?: number]
type Topics = Readonly<Record<string, readonly Partition[]>>

const NOWHERE = 'nowhere'
const topicId = (side: Side, topic: string) => (topic === NOWHERE ? UNKNOWN_ID : idOf(side, topic))

function commitStep(
  name: string,
  version: number,
  groupId: string,
  topics: Topics | readonly (readonly [string, readonly Partition[]])[],
  client: object = {},
): Step {
  const entries = (Array.isArray(topics) ? topics : Object.entries(topics)) as [string, Partition[]][]
  return step(name, offsetCommit, version, (side) => ({
    groupId,
    ...client,
    topics: entries.map(([topic, partitions]) => ({
      name: topic,
      topicId: topicId(side, topic),
      partitions: partitions.map(([partitionIndex, committedOffset, committedMetadata = '', epoch = -1]) => ({
        partitionIndex,
        committedOffset,
        committedMetadata,
        committedLeaderEpoch: epoch,
      })),
    })),
  }))
}

type Asked = Readonly<Record<string, readonly number[]>> | null

function fetchStep(
  name: string,
  version: number,
  groupIds: readonly string[],
  asked: Asked,
  rest: object = {},
): Step {
  return step(name, offsetFetch, version, (side) => {
    const topics =
      asked === null
        ? null
        : Object.entries(asked).map(([topic, partitionIndexes]) => ({
            name: topic,
            topicId: topicId(side, topic),
            partitionIndexes: [...partitionIndexes],
          }))
    const groups = groupIds.map((groupId) => ({ groupId, topics, ...rest }))
    return { groupId: groupIds[0]!, topics: topics as never, groups, ...rest }
  })
}

function deleteOffsetsStep(
  name: string,
  groupId: string,
  topics: Readonly<Record<string, readonly number[]>>,
): Step {
  return step(name, offsetDelete, 0, {
    groupId,
    topics: Object.entries(topics).map(([topic, indexes]) => ({
      name: topic,
      partitions: indexes.map((partitionIndex) => ({ partitionIndex })),
    })),
  })
}

const large = 'x'.repeat(4097)
const odd: Topics = {
  plain: [
    [0, 5, 'here', 3],
    [1, 7, null],
    [2, 9, large],
    [3, 0, 'x'.repeat(4096)],
    [99, 1],
    [-1, 1],
  ],
  [NOWHERE]: [[0, 1]],
  read: [[0, 2]],
}
const some: Asked = { plain: [0, 1, 2, 3, 99], [NOWHERE]: [0], read: [0, 1] }

function commits(): Step[] {
  return range(2, 10).flatMap((version) => {
    const group = `simple-${version}`
    const member = { memberId: 'someone' }
    return [
      commitStep('all kinds of partitions', version, group, odd),
      fetchStep('all of them', 9, [group], null),
      commitStep('again, other offsets', version, group, {
        plain: [
          [0, 6],
          [4, 1],
        ],
      }),
      commitStep('offsets below 0', version, group, {
        plain: [
          [4, -1],
          [3, -7],
        ],
      }),
      commitStep('nothing', version, group, {}),
      commitStep('a topic without partitions', version, group, { plain: [] }),
      commitStep('nothing that is there', version, group, { [NOWHERE]: [[0, 1]] }),
      commitStep('a partition twice', version, group, {
        read: [
          [1, 1],
          [1, 2],
        ],
      }),
      commitStep('a topic twice', version, group, [
        ['read', [[2, 1]]],
        [
          'read',
          [
            [2, 4],
            [3, 3],
          ],
        ],
      ]),
      commitStep('a member id, no generation', version, group, { plain: [[4, 11]] }, member),
      commitStep(
        'a generation of an empty group',
        version,
        group,
        { plain: [[4, 12]] },
        {
          ...member,
          generationIdOrMemberEpoch: 3,
        },
      ),
      commitStep('an instance id', version, group, { plain: [[4, 13]] }, { groupInstanceId: 'here' }),
      commitStep(
        'a generation of a group that is not there',
        version,
        `absent-${version}`,
        { plain: [[0, 1]] },
        {
          ...member,
          generationIdOrMemberEpoch: 0,
        },
      ),
      commitStep('no name', version, '', { plain: [[0, version]] }),
      ...(version <= 4
        ? [
            commitStep(
              'an hour',
              version,
              `kept-${version}`,
              { plain: [[0, 5, 'kept']] },
              { retentionTimeMs: 3_600_000 },
            ),
            fetchStep('an hour', 9, [`kept-${version}`], null),
          ]
        : []),
      fetchStep('in the end', 9, [group], null),
    ]
  })
}

function fetches(): Step[] {
  const group = 'simple-6'
  return range(1, 10).flatMap((version) => [
    fetchStep('some', version, [group], some),
    fetchStep('no topics', version, [group], {}),
    fetchStep('no partitions', version, [group], { plain: [] }),
    fetchStep('of a group that is not there', version, ['nobody'], some),
    fetchStep('of the group without a name', version, [''], { plain: [0] }),
    ...(version >= 2
      ? [fetchStep('all', version, [group], null), fetchStep('all of nobody', version, ['nobody'], null)]
      : []),
    ...(version >= 7 ? [fetchStep('stable', version, [group], some, { requireStable: true })] : []),
    ...(version >= 8
      ? [
          fetchStep('many groups', version, [group, 'nobody', '', 'simple-2'], { plain: [0, 4] }),
          fetchStep('no groups', version, [], null),
        ]
      : []),
    ...(version >= 9
      ? [
          fetchStep('a member of a classic group', version, [group], some, { memberId: 'm', memberEpoch: 3 }),
          fetchStep('a member of nobody', version, ['nobody'], some, { memberId: 'm', memberEpoch: 3 }),
          fetchStep('an epoch without a member', version, [group], some, { memberEpoch: 3 }),
        ]
      : []),
  ])
}

function deletions(): Step[] {
  return [
    deleteOffsetsStep('some', 'simple-5', { plain: [0, 1, 4], read: [0] }),
    deleteOffsetsStep('what is not there', 'simple-5', { plain: [99], [NOWHERE]: [0] }),
    deleteOffsetsStep('nothing', 'simple-5', {}),
    deleteOffsetsStep('of nobody', 'nobody', { plain: [0] }),
    deleteOffsetsStep('of nobody, what is not there', 'nobody', { [NOWHERE]: [0] }),
    deleteOffsetsStep('no name', '', { plain: [0] }),
    fetchStep('after that', 9, ['simple-5'], null),
  ]
}

function groups(): Step[] {
  const describe = (name: string, version: number, ids: readonly string[]) =>
    step(name, describeGroups, version, { groups: [...ids], includeAuthorizedOperations: true })
  const remove = (name: string, version: number, ids: readonly string[]) =>
    step(name, deleteGroups, version, { groupsNames: [...ids] })
  const list = (name: string, version: number, filters: object = {}) =>
    step(name, listGroups, version, filters)
  return [
    ...range(0, 6).flatMap((version) => [
      describe('some', version, ['simple-6', 'nobody', '']),
      describe('none', version, []),
      describe('one twice', version, ['simple-6', 'simple-6']),
    ]),
    ...range(0, 5).map((version) => list('all', version)),
    ...[['Empty'], ['eMPTY', 'Stable'], [' empty '], ['Stable'], ['Nonsense'], ['']].map((statesFilter) =>
      list(`states ${JSON.stringify(statesFilter)}`, 5, { statesFilter }),
    ),
    ...[['Classic'], ['consumer'], ['CLASSIC', 'share'], ['nonsense'], ['']].map((typesFilter) =>
      list(`types ${JSON.stringify(typesFilter)}`, 5, { typesFilter }),
    ),
    ...range(0, 2).flatMap((version) => [
      remove('some', version, [`simple-${version + 2}`, 'nobody']),
      remove('gone', version, [`simple-${version + 2}`]),
      remove('one twice', version, [`simple-${version + 6}`, `simple-${version + 6}`]),
      remove('none', version, []),
    ]),
    remove('no name', 2, ['']),
    list('in the end', 5),
    fetchStep('of a group that was deleted', 9, ['simple-2'], null),
  ]
}

const GROUP = 32

function settings(): Step[] {
  const keys = ['session.timeout.ms', 'heartbeat.interval.ms', 'assignment.interval.ms'].map(
    (name) => `consumer.${name}`,
  )
  const change = (name: string, key: string, operation: number, value: string | null, group = 'set') =>
    changeStep(name, [{ type: GROUP, name: group, operations: [[key, operation, value]] }])
  const see = (name: string, group = 'set') => describeStep(name, [{ type: GROUP, name: group, keys }])
  const list = (name: string, version: number, resourceTypes: number[]) =>
    step(name, listConfigResources, version, { resourceTypes }, settling)
  return [
    see('of a group without settings'),
    describeStep('of a group without a name', [{ type: GROUP, name: '', keys }]),
    change('group, session', 'consumer.session.timeout.ms', 0, '50000'),
    change('group, heartbeat', 'consumer.heartbeat.interval.ms', 0, '6000'),
    change('group, assignment', 'consumer.assignment.interval.ms', 0, '0'),
    see('of a group with settings'),
    change('group, below', 'consumer.session.timeout.ms', 0, '44999'),
    change('group, above', 'consumer.session.timeout.ms', 0, '60001'),
    change('group, heartbeat below', 'consumer.heartbeat.interval.ms', 0, '4999'),
    change('group, heartbeat above', 'consumer.heartbeat.interval.ms', 0, '15001'),
    change('group, assignment above', 'consumer.assignment.interval.ms', 0, '15001'),
    change('group, no number', 'consumer.session.timeout.ms', 0, 'x'),
    change('group, unknown key', 'consumer.no.such.key', 0, '1'),
    change('group, null', 'consumer.session.timeout.ms', 0, null),
    change('group, appended', 'consumer.session.timeout.ms', 2, '1'),
    change('group without a name', 'consumer.session.timeout.ms', 0, '50000', ''),
    list('groups', 1, [GROUP]),
    list('client metrics', 0, []),
    list('client metrics', 1, [16]),
    list('a type that is not', 1, [99]),
    change('group, reset', 'consumer.session.timeout.ms', 1, null),
    see('of a group after a reset'),
    alterStep('group, replaced', [
      { type: GROUP, name: 'set', configs: { 'consumer.session.timeout.ms': '48000' } },
    ]),
    see('of a group that was replaced'),
    alterStep('group, replaced by nothing', [{ type: GROUP, name: 'set', configs: {} }]),
    see('of a group after all'),
    list('groups after all', 1, [GROUP]),
  ]
}

export function offsetSteps(): Step[] {
  return [
    step('the coordinator', findCoordinator, 4, { keyType: 0, coordinatorKeys: ['simple-6'] }, settling),
    ...commits(),
    ...fetches(),
    ...deletions(),
    ...groups(),
    ...settings(),
  ]
}
