// Random histories of groups in virtual time: see history.ts for what happens in them and what must hold. These are the
// first 50 seeds of each kind; the interop stage runs 2,500 of each. A failure names its history, which runs alone, and
// tells everything that happens in it, with
//   GROUP_HISTORY=mixed:4711 npm test -- simulation/groups
import { test } from 'node:test'
import { KINDS, type Kind, runHistories, runHistory } from './history.ts'

const single = process.env.GROUP_HISTORY

if (single === undefined) {
  for (const kind of KINDS) {
    test(`${kind} groups keep one owner for each partition, keep offsets, and become stable`, () => {
      runHistories(kind, 0, 50)
    })
  }
} else {
  test(single, () => {
    const [kind, seed] = single.split(':')
    const lines: string[] = []
    try {
      runHistory(kind as Kind, Number(seed), lines)
    } finally {
      console.log(lines.join('\n'))
    }
  })
}
