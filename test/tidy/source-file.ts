// The files of the repository as the tidy rules read them: raw, without comments, and without comments and texts.
// Promises that line numbers agree in all three. Leaves what is allowed to rules of one file each.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

export interface SourceFile {
  /** From the root of the repository, with slashes. */
  readonly path: string
  readonly lines: readonly string[]
  /** Comments blanked out. */
  readonly uncommented: readonly string[]
  /** Comments and the insides of strings, templates and regular expressions blanked out. */
  readonly code: readonly string[]
}

export interface Violation {
  readonly path: string
  /** Counted from 1. */
  readonly line: number
  readonly message: string
}

export type Rule = (file: SourceFile) => Violation[]

export function sourceFile(path: string, text: string): SourceFile {
  const { uncommented, code } = blank(text)
  return { path, lines: text.split('\n'), uncommented: uncommented.split('\n'), code: code.split('\n') }
}

/** One violation for each line of `lines` that `find` has something to say about. */
export function eachLine(
  file: SourceFile,
  lines: readonly string[],
  find: (line: string) => string | undefined,
): Violation[] {
  return lines.flatMap((line, at) => {
    const message = find(line)
    return message === undefined ? [] : [{ path: file.path, line: at + 1, message }]
  })
}

const unread = new Set(['node_modules', 'dist', 'build', 'data', '.git', '.cache', 'results', 'fixtures'])

/** The files under `directories` (or single files) whose names match, as they lie on the disk. */
export function sourceFiles(directories: readonly string[], name: RegExp): SourceFile[] {
  return directories
    .flatMap((directory) => paths(directory))
    .filter((path) => name.test(path))
    .sort()
    .map((path) => sourceFile(path, readFileSync(path, 'utf8')))
}

function paths(path: string): string[] {
  const status = statSync(path, { throwIfNoEntry: false })
  if (status === undefined) return []
  if (!status.isDirectory()) return [path]
  return readdirSync(path)
    .filter((name) => !unread.has(name))
    .flatMap((name) => paths(join(path, name).replaceAll('\\', '/')))
}

/** What a place in the text belongs to. */
type Part = 'code' | 'comment' | 'text'

/** Blanks comments, and comments with texts, by spaces; line ends stay. */
function blank(text: string): { uncommented: string; code: string } {
  const parts = partsOf(text)
  const keep = (kept: (part: Part) => boolean) =>
    [...parts].map((part, at) => (kept(part) || text[at] === '\n' ? text[at] : ' ')).join('')
  return { uncommented: keep((part) => part !== 'comment'), code: keep((part) => part === 'code') }
}

function partsOf(text: string): Part[] {
  const parts: Part[] = new Array(text.length).fill('code')
  const mark = (from: number, to: number, part: Part) => parts.fill(part, from, to)
  /** Depth of braces inside of each `${` that is open. */
  const substitutions: number[] = []
  let at = 0
  while (at < text.length) {
    const rest = text.slice(at, at + 2)
    if (rest === '//' || rest === '/*') {
      const end = rest === '//' ? endOfLine(text, at) : endAfter(text, at + 2, '*/')
      mark(at, end, 'comment')
      at = end
    } else if (text[at] === "'" || text[at] === '"') {
      const end = endOfQuoted(text, at)
      mark(at + 1, end - 1, 'text')
      at = end
    } else if (text[at] === '`' || (text[at] === '}' && substitutions.at(-1) === 0)) {
      if (text[at] === '}') substitutions.pop()
      const end = endOfTemplate(text, at + 1)
      mark(at + 1, end - 1, 'text')
      if (text[end - 1] === '{') substitutions.push(0)
      at = end
    } else if (text[at] === '/' && beginsRegExp(text, at)) {
      const end = endOfRegExp(text, at)
      mark(at + 1, end - 1, 'text')
      at = end
    } else {
      const depth = text[at] === '{' ? 1 : text[at] === '}' ? -1 : 0
      if (substitutions.length > 0) substitutions[substitutions.length - 1]! += depth
      at++
    }
  }
  return parts
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from)
  return end < 0 ? text.length : end
}

function endAfter(text: string, from: number, mark: string): number {
  const end = text.indexOf(mark, from)
  return end < 0 ? text.length : end + mark.length
}

function endOfQuoted(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === text[from] || text[at] === '\n') return at + 1
  }
  return text.length
}

/** Just past the closing backtick, or past the `{` of a `${`. */
function endOfTemplate(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '`') return at + 1
    else if (text[at] === '$' && text[at + 1] === '{') return at + 2
  }
  return text.length
}

function endOfRegExp(text: string, from: number): number {
  let inClass = false
  for (let at = from + 1; at < text.length && text[at] !== '\n'; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '[') inClass = true
    else if (text[at] === ']') inClass = false
    else if (text[at] === '/' && !inClass) return at + 1
  }
  return from + 1
}

/** A slash divides after a value and begins a regular expression after anything else. */
function beginsRegExp(text: string, at: number): boolean {
  const before = text.slice(Math.max(0, at - 20), at).trimEnd()
  return (
    before === '' || /[(,=:[!&|?{};+<>~*%^-]$/.test(before) || /\b(return|typeof|case|in|of)$/.test(before)
  )
}
