// How far a run of the bench is: a bar on a terminal, a line per finished row elsewhere. Standard error, always.
import { SingleBar } from 'cli-progress'
import type { Progress } from './run.ts'
import { rowLine } from './table.ts'

export function createProgress(rowCount: number): Progress {
  if (!process.stderr.isTTY) {
    return { rowStarts: () => {}, rowEnds: (result) => console.error(rowLine(result)) }
  }
  const format = '{bar} {value}/{total} rows, {duration_formatted} gone, about {eta_formatted} left, {row}'
  const bar = new SingleBar({ format, stream: process.stderr, etaBuffer: 20, hideCursor: true })
  bar.start(rowCount, 0, { row: '' })
  let ended = 0
  return {
    rowStarts: (id) => bar.update(ended, { row: id }),
    rowEnds: () => {
      bar.update(++ended)
      if (ended === rowCount) bar.stop()
    },
  }
}
