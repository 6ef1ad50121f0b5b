// How many members of a group support each protocol, and which one they choose.
// Promises that only a protocol that all members know is chosen. Leaves what protocols mean to the clients.
import type { ClassicMember, Protocol } from './member.ts'

export class ProtocolSupport {
  private readonly members = new Map<string, number>()

  add(protocols: readonly Protocol[]): void {
    for (const { name } of protocols) this.members.set(name, this.supporters(name) + 1)
  }

  remove(protocols: readonly Protocol[]): void {
    for (const { name } of protocols) {
      const left = this.supporters(name) - 1
      if (left > 0) this.members.set(name, left)
      else this.members.delete(name)
    }
  }

  /** How many members know the protocol. */
  supporters(name: string): number {
    return this.members.get(name) ?? 0
  }

  /**
   * Every member votes for the first of its protocols that all know; most votes win, and among equals the one that was
   * voted for first. Null when there is no protocol that all know.
   */
  choose(voters: readonly ClassicMember[]): string | null {
    const votes = new Map<string, number>()
    for (const { protocols } of voters) {
      const choice = protocols.find(({ name }) => this.supporters(name) === voters.length)
      if (choice !== undefined) votes.set(choice.name, (votes.get(choice.name) ?? 0) + 1)
    }
    let winner: string | null = null
    for (const [name, count] of votes) {
      if (winner === null || count > votes.get(winner)!) winner = name
    }
    return winner
  }
}
