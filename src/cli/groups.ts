// `odradek groups`: list, describe, explain, reset-offsets, delete-offsets, delete.
// Promises nothing but the list of them; each has a file of its own in groups/.
import { Command } from 'commander'
import { makeDelete, makeDeleteOffsets } from './groups/delete.ts'
import { makeDescribe } from './groups/describe.ts'
import { makeExplain } from './groups/explain.ts'
import { makeList } from './groups/list.ts'
import { makeResetOffsets } from './groups/reset-offsets.ts'
import type { Io } from './io.ts'

export function makeCommand(io: Io): Command {
  const command = new Command('groups').description(
    'List, describe and explain consumer groups, reset and delete their offsets',
  )
  const children = [makeList, makeDescribe, makeExplain, makeResetOffsets, makeDeleteOffsets, makeDelete]
  for (const make of children) command.addCommand(make(io))
  return command.addHelpText(
    'after',
    `
Examples:
  $ odradek groups list
  $ odradek groups describe billing
  $ odradek groups explain billing
  $ odradek groups reset-offsets billing --topic orders --to-earliest
  $ odradek groups delete billing`,
  )
}
