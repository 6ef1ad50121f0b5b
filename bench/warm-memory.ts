// Memory that the machine has touched a moment ago, for the page cache of a broker under load.
// Promises that what a broker writes during a run lands in such memory, whichever side it is. Leaves the load to the rows.
//
// Many virtual machines give memory back to their host seconds after it became free (free page reporting). Whoever uses it
// next pays for getting it again: up to 2.4 CPU-seconds a GB where it has been measured, ten times the write itself. On a
// server the page cache is full and its pages are used again, so that nobody pays; a bench that deletes its topics after
// each run would measure little else. So a file without contents is read first, whose pages then are in the page cache,
// and cut shorter as the broker's writes advance: its pages are the next that the system hands out.
import { closeSync, ftruncateSync, openSync, readFileSync, readSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { RunningBroker } from './broker-process.ts'

const MEBIBYTE = 1024 * 1024
/** This much is free before the broker asks for it. */
const LEAD_BYTES = 64 * MEBIBYTE
const STEP_BYTES = 16 * MEBIBYTE
const TICK_MS = 10

/** Bytes that a process has put into the page cache so far. */
function bytesWritten(pid: number): number {
  return Number(/^write_bytes: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1] ?? 0)
}

/** Runs `work`, which makes `broker` write about `bytes`, with warm memory for as much. */
export async function withWarmMemory<T>(
  broker: RunningBroker,
  bytes: number,
  work: () => Promise<T>,
): Promise<T> {
  const path = join(dirname(broker.dataDir), `warm-${process.pid}`)
  const file = openSync(path, 'w+')
  let size = Math.ceil((bytes * 1.2 + LEAD_BYTES) / STEP_BYTES) * STEP_BYTES
  const before = bytesWritten(broker.pid)
  const end = size
  const handOut = (): void => {
    const wanted = Math.max(0, end - LEAD_BYTES - (bytesWritten(broker.pid) - before))
    while (size > wanted) {
      size = Math.max(0, size - STEP_BYTES)
      ftruncateSync(file, size)
    }
  }
  try {
    ftruncateSync(file, size)
    const target = Buffer.allocUnsafe(4 * MEBIBYTE)
    for (let at = 0; at < size; at += target.length) readSync(file, target, 0, target.length, at)
    handOut()
    const timer = setInterval(handOut, TICK_MS)
    try {
      return await work()
    } finally {
      clearInterval(timer)
    }
  } finally {
    closeSync(file)
    rmSync(path, { force: true })
  }
}
