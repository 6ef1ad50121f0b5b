// Apache Kafka's metadata log on disk, read once: the newest snapshot, and the log from there on.
// Promises to read only, and that records of a transaction which was aborted or never ended (KIP-868) do not count.
// Leaves the meaning of records to kraft-records.ts.
//
//   __cluster_metadata-0/<20 digits: offset>-<10 digits: epoch>.checkpoint    snapshot of everything before that offset
//   __cluster_metadata-0/<20 digits: base offset>.log                         batches v2, as in any log
import type { Files } from '../lib/files/files.ts'
import * as batch from '../wire/records/batch.ts'
import { records } from '../wire/records/record.ts'
import { type KraftRecord, KraftState, readFrame, recordType } from './kraft-records.ts'
import { CLUSTER_METADATA_TOPIC } from './topic-names.ts'

const snapshotName = /^(\d{20})-\d{10}\.checkpoint$/
const segmentName = /^(\d{20})\.log$/

/** What a Kafka that ran on one of these directories knew; null when none of them has a metadata log. */
export function readKraftLog(files: Files, logDirectories: readonly string[]): KraftState | null {
  for (const logDirectory of logDirectories) {
    const directory = `${logDirectory}/${CLUSTER_METADATA_TOPIC}-0`
    if (files.existsSync(directory)) return readDirectory(files, directory)
  }
  return null
}

function readDirectory(files: Files, directory: string): KraftState {
  const names = files.listSync(directory).map(({ name }) => name)
  const snapshot = names
    .filter((name) => snapshotName.test(name))
    .sort()
    .at(-1)
  const start = snapshot === undefined ? 0 : Number(snapshotName.exec(snapshot)![1])
  const replay = new Replay()
  if (snapshot !== undefined) replay.file(files.readFileSync(`${directory}/${snapshot}`), 0)
  for (const segment of names.filter((name) => segmentName.test(name)).sort()) {
    replay.file(files.readFileSync(`${directory}/${segment}`), start)
  }
  return replay.state
}

class Replay {
  readonly state = new KraftState()
  /** Records of a transaction that has begun; null outside of one. */
  private open: KraftRecord[] | null = null

  /** Replays the records from offset `start` on, up to the first torn batch. */
  file(bytes: Buffer, start: number): void {
    for (let position = 0; position + batch.HEADER_BYTES <= bytes.length; ) {
      const end = position + batch.sizeInBytes(bytes, position)
      if (end < position + batch.HEADER_BYTES || end > bytes.length || !batch.hasValidCrc(bytes, position))
        return
      const isRead = batch.lastOffset(bytes, position) >= start && !batch.isControl(bytes, position)
      if (isRead) this.batch(bytes.subarray(position, end), start)
      position = end
    }
  }

  private batch(bytes: Buffer, start: number): void {
    for (const { offset, value } of records(bytes)) {
      if (offset >= start && value !== null) this.record(readFrame(value))
    }
  }

  private record(record: KraftRecord): void {
    switch (record.type) {
      case recordType.beginTransaction:
        this.open = []
        return
      case recordType.endTransaction:
        for (const pending of this.open ?? []) this.state.replay(pending)
        this.open = null
        return
      case recordType.abortTransaction:
        this.open = null
        return
      default:
        if (this.open === null) this.state.replay(record)
        else this.open.push(record)
    }
  }
}
