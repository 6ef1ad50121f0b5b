// What a log remembers of one producer: its epoch, its last five batches, its open transaction (KIP-98).
// Promises values that never change: every step makes a new one, so that a failed write can go back to the old.
// Leaves the rules of what may follow on what to producer-state.ts.
import { NO_SEQUENCE } from '../wire/records/batch.ts'

/** How many batches are remembered, and so how many requests an idempotent producer may have in flight. */
const REMEMBERED_BATCHES = 5

/** A batch as far as recognising it again takes. */
export interface BatchIdentity {
  readonly lastSequence: number
  readonly lastOffset: number
  /** Offset of the last record minus that of the first. */
  readonly offsetDelta: number
  /** Largest timestamp in the batch. */
  readonly timestamp: number
}

export class ProducerEntry {
  readonly producerId: number
  readonly epoch: number
  readonly coordinatorEpoch: number
  readonly lastTimestamp: number
  /** Offset of the first record of the open transaction; -1 when none is open. */
  readonly transactionStart: number
  /** Oldest first. */
  readonly batches: readonly BatchIdentity[]

  constructor(
    producerId: number,
    epoch: number,
    coordinatorEpoch: number,
    lastTimestamp: number,
    transactionStart: number,
    batches: readonly BatchIdentity[],
  ) {
    this.producerId = producerId
    this.epoch = epoch
    this.coordinatorEpoch = coordinatorEpoch
    this.lastTimestamp = lastTimestamp
    this.transactionStart = transactionStart
    this.batches = batches
  }

  /** A producer that nothing is known of. */
  static none(producerId: number): ProducerEntry {
    return new ProducerEntry(producerId, -1, -1, -1, -1, [])
  }

  /** -1 when no batch is known under this epoch. */
  get lastSequence(): number {
    return this.batches.at(-1)?.lastSequence ?? NO_SEQUENCE
  }

  /** The batch with these sequences, when it is one of the last five. */
  find(epoch: number, firstSequence: number, lastSequence: number): BatchIdentity | undefined {
    if (epoch !== this.epoch) return undefined
    for (let i = this.batches.length - 1; i >= 0; i--) {
      const batch = this.batches[i]!
      if (batch.lastSequence !== lastSequence) continue
      if ((firstSequence + batch.offsetDelta) % 2 ** 31 === lastSequence) return batch
    }
    return undefined
  }

  withBatch(epoch: number, batch: BatchIdentity, transactionStart: number): ProducerEntry {
    const kept = epoch === this.epoch ? this.batches.slice(1 - REMEMBERED_BATCHES) : []
    kept.push(batch)
    return new ProducerEntry(
      this.producerId,
      epoch,
      this.coordinatorEpoch,
      batch.timestamp,
      transactionStart,
      kept,
    )
  }

  /** After an end-of-transaction marker. */
  withMarker(epoch: number, coordinatorEpoch: number, timestamp: number): ProducerEntry {
    const kept = epoch === this.epoch ? this.batches : []
    return new ProducerEntry(this.producerId, epoch, coordinatorEpoch, timestamp, -1, kept)
  }
}

/** A producer as DescribeProducers shows it (KIP-664). */
export interface ActiveProducer {
  readonly producerId: number
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: number
  readonly coordinatorEpoch: number
  /** -1 when no transaction is open. */
  readonly currentTransactionStartOffset: number
}

export function activeProducer(entry: ProducerEntry): ActiveProducer {
  return {
    producerId: entry.producerId,
    producerEpoch: entry.epoch,
    lastSequence: entry.lastSequence,
    lastTimestamp: entry.lastTimestamp,
    coordinatorEpoch: entry.coordinatorEpoch,
    currentTransactionStartOffset: entry.transactionStart,
  }
}
