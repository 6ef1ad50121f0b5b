// Ids for idempotent producers, taken from blocks that the controller sets aside for this broker (KIP-98, KIP-730).
// Promises that no id is given out twice, restarts included. Leaves making blocks durable to the controller.
import type { Controller, ProducerIdBlock } from './controller.ts'

export class ProducerIds {
  private readonly controller: Pick<Controller, 'allocateProducerIds'>
  private next = 0
  private end = 0
  /** Everybody who comes while a block is being fetched waits for the same one. */
  private fetching: Promise<ProducerIdBlock> | undefined

  constructor(controller: Pick<Controller, 'allocateProducerIds'>) {
    this.controller = controller
  }

  async take(): Promise<number> {
    while (this.next === this.end) await this.refill()
    return this.next++
  }

  private async refill(): Promise<void> {
    if (this.fetching !== undefined) {
      await this.fetching
      return
    }
    this.fetching = this.controller.allocateProducerIds()
    try {
      const { first, count } = await this.fetching
      this.next = first
      this.end = first + count
    } finally {
      this.fetching = undefined
    }
  }
}
