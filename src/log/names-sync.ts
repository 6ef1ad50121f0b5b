// Makes the names in one directory durable, once for all who ask.
// Promises that a sync covers every change noted before it was asked for, and that nothing is synced when nothing has
// changed. Leaves what changes the names to their owner.

export class NamesSync {
  private readonly force: () => Promise<void>
  /** What a process before this one has left is one change. */
  private changes = 1
  private synced = 0
  private running: Promise<void> | undefined

  /** `force` makes the names durable as they are when it is called. */
  constructor(force: () => Promise<void>) {
    this.force = force
  }

  /** A name was added, removed or changed. */
  changed(): void {
    this.changes++
  }

  /** Resolves when the changes so far are durable; rejects with the system's error when that fails. */
  async sync(): Promise<void> {
    const wanted = this.changes
    while (this.synced < wanted) {
      this.running ??= this.run()
      await this.running
    }
  }

  private async run(): Promise<void> {
    const covered = this.changes
    try {
      await this.force()
      this.synced = covered
    } finally {
      this.running = undefined
    }
  }
}
