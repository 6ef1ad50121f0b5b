// Answers in three shapes: a drawn table for a person, tab-separated lines for a pipe, JSON for a program.
// Promises that a pipe never gets colours, borders or cut-off cells. Leaves what the columns are to the commands.
import Table from 'cli-table3'
import type { Io } from './io.ts'

export type Cell = string | number | null

const BORDERLESS = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const

/** Blanks at the end of a line of bold headings: as long as the longest cell, they would break the line on a narrow terminal. */
const PADDED_END = new RegExp(` +(${String.fromCharCode(27)}\\[\\d+m)$`)

/** Rows under headings. Numbers are aligned to the right when drawn. */
export function table(
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
  drawn: boolean,
): string {
  const text = (cell: Cell) => (cell === null ? '-' : String(cell))
  if (!drawn) {
    return [headings, ...rows].map((row) => `${row.map((cell) => plain(text(cell))).join('\t')}\n`).join('')
  }
  const isNumeric = headings.map(
    (_, column) => rows.length > 0 && rows.every((row) => isNumber(row[column]!)),
  )
  const grid = new Table({
    head: [...headings],
    chars: BORDERLESS,
    style: { head: ['bold'], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: isNumeric.map((numeric) => (numeric ? 'right' : 'left')),
  })
  for (const row of rows) grid.push(row.map((cell) => visible(text(cell))))
  return `${grid
    .toString()
    .split('\n')
    .map((line) => line.replace(PADDED_END, '$1').trimEnd())
    .join('\n')}\n`
}

/** Names come from anywhere: what would move the cursor or change colours is shown by its number. */
function visible(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`)
}

function isNumber(cell: Cell): boolean {
  return typeof cell === 'number' || cell === null
}

/** A cell may not break the line or the columns of tab-separated text. */
function plain(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\t', '\\t').replaceAll('\n', '\\n').replaceAll('\r', '\\r')
}

export function printTable(
  io: Io,
  headings: readonly string[],
  rows: readonly (readonly Cell[])[],
): Promise<void> | undefined {
  return io.print(table(headings, rows, io.outputIsTerminal))
}

/** One JSON document, indented for a person. */
export function printJson(io: Io, value: unknown): Promise<void> | undefined {
  return io.print(`${JSON.stringify(value, null, io.outputIsTerminal ? 2 : undefined)}\n`)
}

/** `12,345,678` */
export function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

/** `1.5 MiB` */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let value = bytes
  let unit = 0
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`
}

/** `1 record`, `2 records` */
export function counted(count: number, what: string): string {
  return `${grouped(count)} ${what}${count === 1 ? '' : 's'}`
}
