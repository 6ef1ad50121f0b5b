// Producer ids, one at a time, out of blocks that the controller gives.
// Promises that no id is given twice, and one request to the controller at a time. A broker that stops loses the rest of
// its block. Leaves making blocks durable to the controller.
import type { Controller, ProducerIdBlock } from './controller.ts'

export class ProducerIds {
  private readonly controller: Pick<Controller, 'allocateProducerIds'>
  private next = 0
  private end = 0
  private pending: Promise<void> | null = null

  constructor(controller: Pick<Controller, 'allocateProducerIds'>) {
    this.controller = controller
  }

  /** Throws what the controller throws when it cannot give a block; the next call asks it again. */
  async take(): Promise<number> {
    while (this.next === this.end) {
      this.pending ??= this.controller
        .allocateProducerIds()
        .then((block) => this.use(block))
        .finally(() => {
          this.pending = null
        })
      await this.pending
    }
    return this.next++
  }

  private use({ first, count }: ProducerIdBlock): void {
    this.next = first
    this.end = first + count
  }
}
