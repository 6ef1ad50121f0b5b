// 10,000 random histories of groups in virtual time: see test/simulation/groups/history.ts. `npm test` runs the first of
// them; here are all, which takes some minutes.
import { test } from 'node:test'
import { KINDS, runHistories } from '../../simulation/groups/history.ts'

const HISTORIES = 10_000

for (const kind of KINDS) {
  test(`${kind} groups keep one owner for each partition, keep offsets, and become stable`, () => {
    runHistories(kind, 0, HISTORIES / KINDS.length)
  })
}
