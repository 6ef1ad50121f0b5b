// The text of a setting turned into its value and back, by the rules of its row.
// Promises what Apache Kafka 4.3 accepts (blanks around a value, TRUE, +5, .5d), the same canonical text back, and a
// problem that names what is allowed instead. Leaves which settings exist to the tables.
import { INT_MAX, type KeyDefinition, LONG_MAX, type SettingValue, SHORT_MAX } from './definition.ts'

export type Parsed = { readonly value: SettingValue } | { readonly problem: string }

const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)
/** Longer than any number that a setting can hold: not worth converting. */
const LONGEST_NUMBER = 400

const wholeNumber = /^[+-]?\d+$/
const decimalNumber = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?[dDfF]?$/

/** Reads `text` as a value of `row`; the problem says what is wrong and what is allowed. */
export function parseValue(row: KeyDefinition, text: string): Parsed {
  const trimmed = text.trim()
  switch (row.type) {
    case 'boolean':
      return parseBoolean(trimmed)
    case 'short':
    case 'int':
    case 'long':
    case 'double':
      return parseNumber(row, trimmed)
    case 'list':
      return parseList(row, trimmed)
    case 'string':
    case 'password':
      return parseText(row, trimmed)
  }
}

function parseBoolean(text: string): Parsed {
  const lower = text.toLowerCase()
  if (lower === 'true' || lower === 'false') return { value: lower === 'true' }
  return { problem: `${quote(text)} is neither true nor false` }
}

function parseNumber(row: KeyDefinition, text: string): Parsed {
  const value = row.type === 'double' ? readDouble(text) : readWhole(text, largest[row.type])
  if (value === undefined) {
    const kind = row.type === 'double' ? 'a number' : 'a whole number'
    return { problem: `${quote(text)} is not ${kind} of type ${row.type}; allowed: ${allowedText(row)}` }
  }
  const isInside = value >= (row.min ?? Number.NEGATIVE_INFINITY) && value <= (row.max ?? LONG_MAX)
  if (isInside || row.special?.includes(value) === true) return { value }
  return { problem: `${quote(text)} is out of range; allowed: ${allowedText(row)}` }
}

/** The largest number of types that are exact here; the smallest is one further from 0. */
const largest: Partial<Record<KeyDefinition['type'], number>> = { short: SHORT_MAX, int: INT_MAX }

function readWhole(text: string, max: number | undefined): number | undefined {
  if (text.length > LONGEST_NUMBER || !wholeNumber.test(text)) return undefined
  const exact = BigInt(text.replace(/^\+/, ''))
  if (max !== undefined) return exact < BigInt(-max - 1) || exact > BigInt(max) ? undefined : Number(exact)
  if (exact < INT64_MIN || exact > INT64_MAX) return undefined
  return Math.max(-LONG_MAX, Math.min(LONG_MAX, Number(exact)))
}

function readDouble(text: string): number | undefined {
  if (text.length > LONGEST_NUMBER || !decimalNumber.test(text)) return undefined
  return Number.parseFloat(text)
}

function parseList(row: KeyDefinition, text: string): Parsed {
  if (text === '') return { value: [] }
  const elements = text.split(',').map((element) => element.trim())
  if (elements.includes(''))
    return { problem: `${quote(text)} has an empty element; allowed: ${allowedText(row)}` }
  const stranger = elements.find((element) => row.allowed?.includes(element) === false)
  if (stranger !== undefined) {
    return { problem: `${quote(stranger)} is not allowed; allowed: ${allowedText(row)}` }
  }
  if (row.form?.matches(elements) === false) {
    return { problem: `${quote(text)} is not ${row.form.text}` }
  }
  return { value: row.allowed === undefined ? elements : [...new Set(elements)] }
}

function parseText(row: KeyDefinition, text: string): Parsed {
  const shown = row.type === 'password' ? 'the value' : quote(text)
  if (row.ignoresCase === true) {
    const meant = row.allowed?.find((allowed) => allowed.toLowerCase() === text.toLowerCase())
    if (meant !== undefined) return { value: meant }
  }
  if (row.allowed?.includes(text) === false) {
    return { problem: `${shown} is not allowed; allowed: ${allowedText(row)}` }
  }
  if (row.form?.matches([text]) === false) return { problem: `${shown} is not ${row.form.text}` }
  return { value: text }
}

/** What may be said for a row, for errors and documentation; empty when there is no bound but the type's own. */
export function allowedText(row: KeyDefinition): string {
  if (row.allowed !== undefined) {
    return row.type === 'list' ? `any of ${row.allowed.join(', ')}` : row.allowed.join(', ')
  }
  if (row.form !== undefined) return row.form.text
  switch (row.type) {
    case 'boolean':
      return 'true, false'
    case 'short':
      return withSpecial(row, `${row.min ?? -SHORT_MAX - 1} to ${row.max ?? SHORT_MAX}`)
    case 'int':
      return withSpecial(row, `${row.min ?? -INT_MAX - 1} to ${row.max ?? INT_MAX}`)
    case 'long':
      return withSpecial(row, `${row.min ?? INT64_MIN} to ${longText(row.max ?? LONG_MAX)}`)
    case 'double':
      return row.max === undefined ? `from ${row.min ?? 'any'}` : `${row.min} to ${row.max}`
    default:
      return 'any text'
  }
}

function withSpecial(row: KeyDefinition, range: string): string {
  return row.special === undefined ? range : `${range}, or ${row.special.join(', ')}`
}

/** A value in the text that Kafka shows for it; null stays null. */
export function formatValue(row: KeyDefinition, value: SettingValue): string | null {
  if (value === null) return null
  if (Array.isArray(value)) return value.join(',')
  if (typeof value === 'number') return row.type === 'double' ? doubleText(value) : longText(value)
  return String(value)
}

/** The text that Kafka shows for what somebody set: trimmed, in one spelling, and exact for every long. */
export function canonicalText(row: KeyDefinition, text: string): string {
  const parsed = parseValue(row, text)
  if ('problem' in parsed) return text
  if (row.type === 'long') return BigInt(text.trim().replace(/^\+/, '')).toString()
  return formatValue(row, parsed.value) ?? text
}

function longText(value: number): string {
  return value >= LONG_MAX ? INT64_MAX.toString() : String(value)
}

/** As Java's Double.toString: 1.0, 0.25, 1.0E-4, 1.5E7. */
function doubleText(value: number): string {
  const size = Math.abs(value)
  const isPlain = size === 0 || (size >= 1e-3 && size < 1e7)
  const [digits = '', exponent] = (isPlain ? String(value) : value.toExponential()).split('e')
  const mantissa = digits.includes('.') ? digits : `${digits}.0`
  return exponent === undefined ? mantissa : `${mantissa}E${Number(exponent)}`
}

function quote(text: string): string {
  const shown = text.length > 200 ? `${text.slice(0, 200)}...` : text
  return `'${shown}'`
}
