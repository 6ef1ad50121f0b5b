// Random histories of groups in virtual time: see history.ts for what happens in them and what must hold.
// `npm test` runs some hundred, others each night of the same seeds; all of them run with
//   GROUP_HISTORIES=10000 npm test -- simulation/groups
// and a single one, with everything that happened in it, with
//   GROUP_HISTORY=mixed:4711 npm test -- simulation/groups
import { test } from 'node:test'
import { type Kind, runHistory } from './history.ts'

const KINDS: readonly Kind[] = ['eager', 'cooperative', 'consumer', 'mixed']

const count = Number(process.env.GROUP_HISTORIES ?? 200)
const single = process.env.GROUP_HISTORY

/** Runs it again for its story when it fails. */
function run(kind: Kind, seed: number): void {
  try {
    runHistory(seed, kind)
  } catch {
    console.log(`GROUP_HISTORY=${kind}:${seed}`)
    runHistory(seed, kind, true)
  }
}

if (single === undefined) {
  for (const kind of KINDS) {
    test(`${kind} groups keep one owner for each partition, keep offsets, and become stable`, () => {
      for (let seed = 0; seed < count / KINDS.length; seed++) run(kind, seed)
    })
  }
} else {
  test(single, () => {
    runHistory(Number(single.split(':')[1]), single.split(':')[0] as Kind, true)
  })
}
