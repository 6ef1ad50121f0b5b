// A binary heap of members by load: the least loaded one on top, or the most loaded one.
// Promises ties in the order of the members' positions. Leaves the loads to its owner, who says when the top's changed.
export class LoadHeap {
  private readonly order: 1 | -1
  private readonly loads: Int32Array
  private readonly members: number[]

  /** `members` becomes the heap's own. */
  constructor(top: 'least' | 'most', members: number[], loads: Int32Array) {
    this.order = top === 'least' ? 1 : -1
    this.loads = loads
    this.members = members
    for (let i = (members.length >> 1) - 1; i >= 0; i--) this.sink(i)
  }

  get top(): number | undefined {
    return this.members[0]
  }

  /** The load of the top has grown (`least`) or shrunk (`most`). */
  topChanged(): void {
    this.sink(0)
  }

  pop(): void {
    const last = this.members.pop()
    if (last === undefined || this.members.length === 0) return
    this.members[0] = last
    this.sink(0)
  }

  private sink(start: number): void {
    const { members } = this
    for (let at = start; ; ) {
      let first = at
      const left = 2 * at + 1
      if (left < members.length && this.isBefore(members[left]!, members[first]!)) first = left
      if (left + 1 < members.length && this.isBefore(members[left + 1]!, members[first]!)) first = left + 1
      if (first === at) return
      const member = members[at]!
      members[at] = members[first]!
      members[first] = member
      at = first
    }
  }

  private isBefore(a: number, b: number): boolean {
    const difference = (this.loads[a]! - this.loads[b]!) * this.order
    return difference < 0 || (difference === 0 && a < b)
  }
}
