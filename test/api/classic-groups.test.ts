// JoinGroup, SyncGroup, Heartbeat and LeaveGroup as clients of every version see them, over a coordinator that says what
// the test wants it to say.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RequestContext } from '../../src/api/context.ts'
import { handleHeartbeat } from '../../src/api/heartbeat.ts'
import { handleJoinGroup } from '../../src/api/join-group.ts'
import { handleLeaveGroup } from '../../src/api/leave-group.ts'
import { handleSyncGroup } from '../../src/api/sync-group.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { heartbeat } from '../../src/wire/apis/heartbeat.ts'
import { joinGroup } from '../../src/wire/apis/join-group.ts'
import { leaveGroup } from '../../src/wire/apis/leave-group.ts'
import { syncGroup } from '../../src/wire/apis/sync-group.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'
import { ask, versionsOf } from './admin-context.ts'

interface Heard {
  readonly request: Record<string, unknown>
}

/** A context whose coordinator answers everything with `say`, and what it was asked. */
function coordinator(
  say: () => unknown,
  remoteAddress = '::ffff:10.0.0.3',
): { context: RequestContext; heard: Heard[] } {
  const heard: Heard[] = []
  const answer = async (request: Record<string, unknown>) => {
    heard.push({ request })
    return say()
  }
  const groupCoordinator = { joinGroup: answer, syncGroup: answer, heartbeat: answer, leaveGroup: answer }
  const context = {
    clientId: 'app-7',
    remoteAddress,
    broker: { groupCoordinator, logger: silentLogger },
  } as unknown as RequestContext
  return { context, heard }
}

const failing = (error: keyof typeof errors) => () => {
  throw new KafkaError(errors[error])
}

describe('JoinGroup', () => {
  const request = {
    groupId: 'g',
    sessionTimeoutMs: 10_000,
    memberId: 'm',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: Buffer.from('topics') }],
  }

  test('tells the coordinator who joins, from where and in which version', async () => {
    for (const version of versionsOf(joinGroup)) {
      const { context, heard } = coordinator(() => ({ errorCode: 0 }))
      await ask(joinGroup, handleJoinGroup, version, request, { context })
      const { clientId, clientHost, apiVersion, rebalanceTimeoutMs } = heard[0]!.request
      assert.deepEqual(
        [clientId, clientHost, apiVersion, rebalanceTimeoutMs],
        ['app-7', '/10.0.0.3', version, -1],
      )
    }
  })

  test('tells addresses as Java prints them', async () => {
    const addresses = {
      '::1': '/0:0:0:0:0:0:0:1',
      'fe80::1c:2%eth0': '/fe80:0:0:0:0:0:1c:2%eth0',
      '2001:db8:1:2:3:4:5:6': '/2001:db8:1:2:3:4:5:6',
      '2001:db8::': '/2001:db8:0:0:0:0:0:0',
      '192.0.2.1': '/192.0.2.1',
    }
    for (const [address, expected] of Object.entries(addresses)) {
      const { context, heard } = coordinator(() => ({ errorCode: 0 }), address)
      await ask(joinGroup, handleJoinGroup, 9, request, { context })
      assert.equal(heard[0]!.request.clientHost, expected)
    }
  })

  test('answers the leader with all members, in every version', async () => {
    const members = [{ memberId: 'm', groupInstanceId: null, metadata: Buffer.from('topics') }]
    const answer = {
      errorCode: 0,
      generationId: 4,
      protocolType: 'consumer',
      protocolName: 'range',
      leader: 'm',
      memberId: 'm',
      skipAssignment: true,
      members,
    }
    for (const version of versionsOf(joinGroup)) {
      const { context } = coordinator(() => answer)
      const got = await ask(joinGroup, handleJoinGroup, version, request, { context })
      assert.deepEqual(
        [got.generationId, got.protocolName, got.leader, got.memberId, String(got.members[0]?.metadata)],
        [4, 'range', 'm', 'm', 'topics'],
      )
      assert.equal(got.protocolType, version >= 7 ? 'consumer' : null)
      assert.equal(got.skipAssignment, version >= 9)
    }
  })

  test('answers a failure with the code and the id that was asked with', async () => {
    for (const version of versionsOf(joinGroup)) {
      const { context } = coordinator(failing('INVALID_SESSION_TIMEOUT'))
      const got = await ask(joinGroup, handleJoinGroup, version, request, { context })
      assert.deepEqual([got.errorCode, got.memberId, got.generationId], [26, 'm', -1])
    }
  })

  test('has no protocol to name where there is an error: null, or empty before version 7', async () => {
    for (const version of versionsOf(joinGroup)) {
      const failed = coordinator(failing('NOT_COORDINATOR'))
      const answers = [
        { errorCode: 82, memberId: 'm', protocolName: null },
        { errorCode: 79, memberId: 'm' },
      ]
      const contexts = [failed, ...answers.map((answer) => coordinator(() => answer))]
      for (const { context } of contexts) {
        const got = await ask(joinGroup, handleJoinGroup, version, request, { context })
        assert.equal(got.protocolName, version >= 7 ? null : '')
      }
    }
  })
})

describe('SyncGroup', () => {
  const request = {
    groupId: 'g',
    generationId: 3,
    memberId: 'm',
    protocolType: 'consumer',
    protocolName: 'range',
  }

  test('of members that do not name the protocol, from version 5 on: INCONSISTENT_GROUP_PROTOCOL', async () => {
    const { context, heard } = coordinator(() => ({ errorCode: 0 }))
    for (const missing of [{ protocolType: null }, { protocolName: null }]) {
      const got = await ask(syncGroup, handleSyncGroup, 5, { ...request, ...missing }, { context })
      assert.equal(got.errorCode, 23)
      await ask(syncGroup, handleSyncGroup, 4, { groupId: 'g', generationId: 3, memberId: 'm' }, { context })
    }
    assert.equal(heard.length, 2)
  })

  test('answers with the assignment, or with the code', async () => {
    for (const version of versionsOf(syncGroup)) {
      const assigned = coordinator(() => ({
        errorCode: 0,
        protocolName: 'range',
        assignment: Buffer.from('p'),
      }))
      const got = await ask(syncGroup, handleSyncGroup, version, request, assigned)
      assert.deepEqual([got.errorCode, String(got.assignment)], [0, 'p'])
      const refused = coordinator(failing('ILLEGAL_GENERATION'))
      const error = await ask(syncGroup, handleSyncGroup, version, request, refused)
      assert.deepEqual([error.errorCode, error.assignment.length], [22, 0])
    }
  })

  test('while groups are loaded has the member join again: consumers know no other error for that', async () => {
    const { context } = coordinator(failing('COORDINATOR_LOAD_IN_PROGRESS'))
    const got = await ask(syncGroup, handleSyncGroup, 5, request, { context })
    assert.equal(got.errorCode, 27)
  })
})

describe('Heartbeat', () => {
  const request = { groupId: 'g', generationId: 3, memberId: 'm' }

  test('answers with the code', async () => {
    for (const version of versionsOf(heartbeat)) {
      const { context } = coordinator(failing('REBALANCE_IN_PROGRESS'))
      const got = await ask(heartbeat, handleHeartbeat, version, request, { context })
      assert.equal(got.errorCode, 27)
    }
  })

  test('is fine while groups are loaded: nobody has to join again for that', async () => {
    const { context } = coordinator(failing('COORDINATOR_LOAD_IN_PROGRESS'))
    const got = await ask(heartbeat, handleHeartbeat, 4, request, { context })
    assert.equal(got.errorCode, 0)
  })
})

describe('LeaveGroup', () => {
  const single = { groupId: 'g', memberId: 'm' }
  const batch = {
    groupId: 'g',
    members: [
      { memberId: 'm', groupInstanceId: null },
      { memberId: '', groupInstanceId: 'i' },
    ],
  }

  test('is about one member before version 3, whose outcome is that of the request', async () => {
    for (const version of [0, 1, 2]) {
      const { context, heard } = coordinator(() => ({
        errorCode: 0,
        members: [{ memberId: 'm', groupInstanceId: null, errorCode: 25 }],
      }))
      const got = await ask(leaveGroup, handleLeaveGroup, version, single, { context })
      assert.equal(got.errorCode, 25)
      assert.deepEqual(heard[0]!.request.members, [{ memberId: 'm', groupInstanceId: null, reason: null }])
      const unknown = coordinator(failing('UNKNOWN_MEMBER_ID'))
      assert.equal((await ask(leaveGroup, handleLeaveGroup, version, single, unknown)).errorCode, 25)
    }
  })

  test('is about several members from version 3 on, each with its outcome', async () => {
    for (const version of [3, 4, 5]) {
      const members = [
        { memberId: 'm', groupInstanceId: null, errorCode: 0 },
        { memberId: '', groupInstanceId: 'i', errorCode: 25 },
      ]
      const { context } = coordinator(() => ({ errorCode: 0, members }))
      const got = await ask(leaveGroup, handleLeaveGroup, version, batch, { context })
      assert.deepEqual([got.errorCode, got.members], [0, members])
    }
  })

  test('from a group that is not there: nobody named is in it', async () => {
    const { context } = coordinator(failing('UNKNOWN_MEMBER_ID'))
    const got = await ask(leaveGroup, handleLeaveGroup, 5, batch, { context })
    assert.equal(got.errorCode, 0)
    assert.deepEqual(
      got.members.map(({ memberId, groupInstanceId, errorCode }) => [memberId, groupInstanceId, errorCode]),
      [
        ['m', null, 25],
        ['', 'i', 25],
      ],
    )
  })

  test('that nobody here can do fails as a whole', async () => {
    for (const version of versionsOf(leaveGroup)) {
      const { context } = coordinator(failing('NOT_COORDINATOR'))
      const request = version < 3 ? single : batch
      assert.equal((await ask(leaveGroup, handleLeaveGroup, version, request, { context })).errorCode, 16)
    }
  })
})
