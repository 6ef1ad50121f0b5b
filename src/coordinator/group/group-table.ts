// The groups of one shard, by id.
// Promises nothing but that. Leaves when groups come and go to the protocols and to replay.
import type { Group, Groups } from './group.ts'

export class GroupTable implements Groups {
  private readonly byId = new Map<string, Group>()

  get size(): number {
    return this.byId.size
  }

  get(groupId: string): Group | undefined {
    return this.byId.get(groupId)
  }

  set(group: Group): void {
    this.byId.set(group.groupId, group)
  }

  delete(groupId: string): void {
    this.byId.delete(groupId)
  }

  all(): Iterable<Group> {
    return this.byId.values()
  }
}
