// Tombstones of offsets and of groups, as many at a time as one batch of __consumer_offsets takes.
// Promises that a group or a topic with any number of offsets can be deleted: whoever runs out of room goes on in a later
// step. Leaves what is deleted, and why, to delete.ts and expire.ts.
import type { BrokerConfig } from '../../../config/broker-config.ts'
import { appending } from '../classic/persisting-step.ts'
import type { Group, GroupStep } from '../group.ts'
import { encodeRecord } from '../records.ts'

/** Bytes of a tombstone besides its names: the record's own fields, the key's type, lengths and partition. */
const FRAME_BYTES = 40
/** Larger batches would only hold up whoever waits for the log. */
const MOST_BYTES = 512 * 1024

export class Tombstones {
  private readonly step: GroupStep
  private room: number
  private appended = 0

  constructor(step: GroupStep, config: BrokerConfig) {
    this.step = step
    // Half of what is allowed: groups have records of their own to bring in.
    this.room = Math.min(config.messageMaxBytes / 2, MOST_BYTES)
  }

  get count(): number {
    return this.appended
  }

  get isFull(): boolean {
    return this.appended > 0 && this.room <= 0
  }

  /** Appends all that ends a group but its offsets; false when there is no room for it. There always is for the first. */
  addGroup(group: Group): boolean {
    if (this.isFull) return false
    const { step } = this
    const counted = appending(step, (record) => {
      step.append(record)
      this.room -= FRAME_BYTES + encodeRecord(record).key.length
    })
    group.appendTombstones(counted)
    this.appended++
    return true
  }

  /** Appends a tombstone; false when there is no room for it. There always is for the first. */
  add(group: string, topic: string, partition: number): boolean {
    if (this.isFull) return false
    this.step.append({ type: 'OffsetCommit', key: { group, topic, partition }, value: null })
    this.appended++
    this.room -= FRAME_BYTES + Buffer.byteLength(group) + Buffer.byteLength(topic)
    return true
  }
}
