// The text format of Java's .properties files, in which Kafka keeps server.properties and meta.properties.
// Promises the rules of java.util.Properties: # and ! comments, lines continued by a backslash, `=`, `:` or blanks
// between key and value, and the escapes \t \n \r \f \uXXXX. Leaves what the keys mean to the readers of the result.

export interface Property {
  readonly key: string
  readonly value: string
  /** The line of the text where it begins, counted from 1. */
  readonly line: number
}

/** A text that is no .properties file; the message names the line. */
export class PropertiesError extends Error {
  override readonly name = 'PropertiesError'
}

/** Every entry in order, repeated keys included. Throws PropertiesError for a broken \u escape. */
export function parseProperties(text: string): Property[] {
  const properties: Property[] = []
  for (const { line, content } of logicalLines(text)) {
    const end = endOfKey(content)
    // Blanks, then at most one = or :, then blanks again.
    const rest = content.slice(end).replace(/^[ \t\f]*[=:]?[ \t\f]*/, '')
    properties.push({ key: unescaped(content.slice(0, end), line), value: unescaped(rest, line), line })
  }
  return properties
}

/** One `key=value` line for each entry, with everything escaped that `parseProperties` would read differently. */
export function formatProperties(entries: Iterable<readonly [string, string]>): string {
  let text = ''
  for (const [key, value] of entries) text += `${escapeKey(key)}=${escapeValue(value)}\n`
  return text
}

function* logicalLines(text: string): Generator<{ line: number; content: string }> {
  const lines = text.split(/\r\n|\n|\r/)
  for (let at = 0; at < lines.length; at++) {
    const line = at + 1
    let content = withoutIndent(lines[at]!)
    if (content === '' || content.startsWith('#') || content.startsWith('!')) continue
    while (endsWithLoneBackslash(content)) {
      content = content.slice(0, -1)
      if (at + 1 >= lines.length) break
      content += withoutIndent(lines[++at]!)
    }
    if (content !== '') yield { line, content }
  }
}

function withoutIndent(line: string): string {
  return line.replace(/^[ \t\f]+/, '')
}

function endsWithLoneBackslash(content: string): boolean {
  const backslashes = /\\*$/.exec(content)![0].length
  return backslashes % 2 === 1
}

function endOfKey(content: string): number {
  for (let at = 0; at < content.length; at++) {
    if (content[at] === '\\') at++
    else if (/[ \t\f=:]/.test(content[at]!)) return at
  }
  return content.length
}

const named: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescaped(text: string, line: number): string {
  return text.replace(/\\(u[\dA-Fa-f]{4}|[\s\S]|$)/g, (_, code: string) => {
    if (code.length === 5) return String.fromCharCode(Number.parseInt(code.slice(1), 16))
    if (code === 'u')
      throw new PropertiesError(`line ${line}: \\u must be followed by four hexadecimal digits`)
    return named[code] ?? code
  })
}

function escapeKey(key: string): string {
  return escaped(key).replace(/[ =:#!]/g, (character) => `\\${character}`)
}

function escapeValue(value: string): string {
  return escaped(value).replace(/^ /, '\\ ')
}

function escaped(text: string): string {
  return text.replace(/\\|[^\x20-\x7e]/g, (character) => {
    if (character === '\\') return '\\\\'
    const letter = Object.keys(named).find((name) => named[name] === character)
    return `\\${letter ?? `u${character.charCodeAt(0).toString(16).padStart(4, '0')}`}`
  })
}
