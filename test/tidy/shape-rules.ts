// The shape of files: how long they and their functions are, how they begin, what they are called.
// Promises limits as in CONTRIBUTING.md; reads functions by the indentation that Biome's formatter gives them.
import type { Rule, Violation } from './source-file.ts'

const LONGEST_FILE = 400
const LONGEST_FUNCTION = 70

/** At most 400 lines. */
export const shortFiles: Rule = (file) => {
  const lines = file.lines.length - (file.lines.at(-1) === '' ? 1 : 0)
  if (lines <= LONGEST_FILE) return []
  return [{ path: file.path, line: lines, message: `${lines} lines; at most ${LONGEST_FILE}` }]
}

/** At most 70 lines, from the name to the closing brace. */
export const shortFunctions: Rule = (file) => {
  const violations: Violation[] = []
  file.code.forEach((line, at) => {
    if (!line.trimEnd().endsWith('{')) return
    const first = firstLine(file.code, at)
    if (!opensFunction(file.code[first]!.trim(), line.trim())) return
    const length = lastLine(file.code, at) - first + 1
    if (length <= LONGEST_FUNCTION) return
    const name = file.code[first]!.trim().slice(0, 60)
    violations.push({
      path: file.path,
      line: first + 1,
      message: `${length} lines; at most ${LONGEST_FUNCTION}: ${name}`,
    })
  })
  return violations
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length
}

/** The line on which a signature begins that ends, over several lines, with the one at `at`. */
function firstLine(code: readonly string[], at: number): number {
  if (!code[at]!.trim().startsWith(')')) return at
  const indent = indentOf(code[at]!)
  for (let first = at - 1; first >= 0; first--) {
    if (code[first]!.trim() !== '' && indentOf(code[first]!) <= indent) return first
  }
  return at
}

function lastLine(code: readonly string[], at: number): number {
  const indent = indentOf(code[at]!)
  for (let last = at + 1; last < code.length; last++) {
    if (code[last]!.trimStart().startsWith('}') && indentOf(code[last]!) <= indent) return last
  }
  return code.length - 1
}

const control = /^(\}\s*)?(if|for|while|switch|catch|else|do|try|finally|with)\b/

function opensFunction(first: string, last: string): boolean {
  if (control.test(first)) return false
  if (/=>\s*\{$/.test(last) || /\bfunction\b/.test(first)) return true
  // A method: name(...) { or name(...): Type {
  const isMethod =
    /^((public|private|protected|static|async|override|readonly|get|set)\s+)*[*#]?\[?[\w.$]+\]?(<.*>)?\(/
  return isMethod.test(first) && /\)(:\s*.+)?\s*\{$/.test(last)
}

/** The first thing in a file is a comment that says what it is. */
export const headerComment: Rule = (file) => {
  const first = file.lines[0]?.startsWith('#!') === true ? 1 : 0
  if (/^(\/\/|\/\*\*?) \S/.test(file.lines[first] ?? '')) return []
  const message = 'has to open with a comment: what it is, what it promises, what it leaves to others'
  return [{ path: file.path, line: first + 1, message }]
}

/** Words in small letters, parted by hyphens. */
export const kebabCase: Rule = (file) => {
  const name = file.path.split('/').at(-1)!
  if (/^[a-z\d]+(-[a-z\d]+)*(\.(test|d))?\.[a-z]+$/.test(name)) return []
  return [{ path: file.path, line: 1, message: `'${name}' is not kebab-case` }]
}
