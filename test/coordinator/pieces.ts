// What state machines of groups for tests have in common: the table of groups, what surrounds them, and bytes of records.
// Leaves which records are taken up, and how, to the protocols' own pieces.
import assert from 'node:assert/strict'
import type { GroupSurroundings } from '../../src/coordinator/group/group.ts'
import { GroupTable } from '../../src/coordinator/group/group-table.ts'
import { decodeRecord, encodeRecord, type GroupRecord } from '../../src/coordinator/group/records.ts'

/** For stories without members that subscribe to patterns. */
export const noPatterns: GroupSurroundings['patterns'] = {
  resolve: () => assert.fail('nobody has a pattern'),
  resolveNew: () => assert.fail('nobody has a pattern'),
}

export class GroupPieces {
  readonly groups = new GroupTable()
  protected readonly surroundings: GroupSurroundings

  constructor(surroundings: GroupSurroundings) {
    this.surroundings = surroundings
  }

  encode(record: GroupRecord) {
    return encodeRecord(record)
  }

  decode(key: Buffer, value: Buffer | null): GroupRecord | undefined {
    return decodeRecord(key, value)
  }
}
