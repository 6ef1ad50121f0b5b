// Patterns that consumers subscribe with (KIP-848): RE2 syntax, matched against whole topic names.
// Promises time that grows with the name's length and the pattern's size alone, steps that say how much it was, and refuses
// patterns that would become large; what is wrong with a pattern is said in the error. Leaves to topic-patterns.ts which
// names are looked at, and when.
import { RE2JS, RE2JSException } from 're2js'
import { errors, KafkaError } from '../../wire/errors.ts'

/** Characters of a pattern: enough to name some hundred topics one by one. Apache Kafka has no bound. */
export const MAX_PATTERN_LENGTH = 4096

/**
 * What a pattern may grow to when its repetitions are written out: `(ab){10}` counts as about 40. A step on a name may
 * have to look at all places of the pattern: 20 ms for the worst pattern and the longest name, microseconds as a rule.
 */
export const MAX_PATTERN_SIZE = 4096

/**
 * Larger programs run without the table of states that makes the others fast: where every character of a name leads to a
 * new state, a name costs five times as much as without.
 */
const MAX_TABLE_SIZE = 256

/** A pattern whose table has become larger than that will not be done with filling it: it goes on without. */
const MAX_TABLE_BYTES = 128 * 1024

/** Steps to begin with a name. */
const STEPS_PER_NAME = 32

/** Steps to compile what becomes one place of the program. */
const COMPILING_STEPS = 40

/** A pattern that is ready to be matched. What it grows over many names is bounded, but a few hundred KB: keep it for the moment. */
export class TopicPattern {
  /**
   * What it has cost up to now, compiling included: a step is to look at one place of the program for one character of a
   * name, or as long as that takes: 10 to 20 ns. The same on every machine, so that simulations can count on it.
   */
  steps: number
  private readonly compiled: RE2JS
  private readonly size: number
  private usesTable: boolean
  private tableBytes = 0

  /** For `compilePattern`. */
  constructor(compiled: RE2JS) {
    this.compiled = compiled
    this.size = compiled.programSize()
    this.usesTable = this.size <= MAX_TABLE_SIZE
    this.steps = this.size * COMPILING_STEPS
  }

  /** What `matches` will cost; more if it has to add to its table. */
  stepsFor(topic: string): number {
    return STEPS_PER_NAME + topic.length * (this.usesTable ? 1 : this.size)
  }

  /** Whether the pattern matches the whole name. */
  matches(topic: string): boolean {
    this.steps += this.stepsFor(topic)
    if (!this.usesTable) return this.compiled.matcher(topic).matches()
    const doesMatch = this.compiled.matches(topic)
    this.countTable()
    return doesMatch
  }

  /** A byte more took about as long as a step. Patterns of the simplest kinds have no table. */
  private countTable(): void {
    const table: { maxMem: number; memBudget: number } | null = this.compiled.re2().lazyDFA
    const bytes = table === null ? 0 : table.maxMem - table.memBudget
    this.steps += Math.abs(bytes - this.tableBytes)
    this.tableBytes = bytes
    this.usesTable = bytes <= MAX_TABLE_BYTES
  }
}

/**
 * Compiles a subscription's pattern.
 * @throws KafkaError INVALID_REGULAR_EXPRESSION: it is not RE2 syntax, or too long or too large.
 */
export function compilePattern(pattern: string): TopicPattern {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw invalid(pattern, `it has ${pattern.length} characters; at most ${MAX_PATTERN_LENGTH} are allowed`)
  }
  if (expandedSize(pattern) > MAX_PATTERN_SIZE) {
    throw invalid(pattern, `its repetitions make it too large; at most ${MAX_PATTERN_SIZE} steps are allowed`)
  }
  return new TopicPattern(compile(pattern))
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof RE2JSException) throw invalid(pattern, problem(error))
    throw error
  }
}

const SHOWN_LENGTH = 120

function invalid(pattern: string, why: string): KafkaError {
  const shown = pattern.length > SHOWN_LENGTH ? `${pattern.slice(0, SHOWN_LENGTH)}…` : pattern
  return new KafkaError(
    errors.INVALID_REGULAR_EXPRESSION,
    `the subscription's pattern \`${shown}\` is not a valid regular expression (RE2): ${why}`,
  )
}

/** The library's text without its opening words. */
function problem(error: RE2JSException): string {
  return error.message.replace(/^error parsing regexp: /, '').slice(0, 2 * SHOWN_LENGTH)
}

/** What a pattern is made of: quotations, escapes, character classes, repetitions, and single characters. */
const tokens = new RegExp(
  [
    String.raw`\\Q.*?(?:\\E|$)`,
    String.raw`\\(?:[pPx]\{[^}]*\}|[pP].|.)?`,
    String.raw`\[\^?\]?(?:\[:\^?\w+:\]|\\.|[^\]\\])*\]?`,
    String.raw`\{\d+(?:,\d*)?\}`,
    '.',
  ].join('|'),
  'gs',
)

/** Roughly the size of the compiled program: reads the pattern's shape, right or wrong, and multiplies repetitions out. */
function expandedSize(pattern: string): number {
  const groups: number[] = []
  let size = 0
  let atom = 0
  for (const [token] of pattern.matchAll(tokens)) {
    if (token === '(') {
      groups.push(size)
      size = 0
    } else if (token === ')' && groups.length > 0) {
      atom = size + 2
      size = groups.pop()! + atom
    } else if (token.startsWith('{') && token.length > 1) {
      const repeated = (atom + 1) * Math.max(1, ...token.match(/\d+/g)!.map(Number))
      size += repeated - atom
      atom = repeated
    } else {
      atom = token.startsWith('\\Q') ? token.length : 1
      size += atom
    }
  }
  return groups.reduce((sum, outer) => sum + outer, size)
}
