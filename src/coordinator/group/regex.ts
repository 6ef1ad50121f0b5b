// Patterns that consumers subscribe with (KIP-848): RE2 syntax, matched against whole topic names.
// Promises time that grows with the name's length and the pattern's size alone, and refuses patterns that would become
// large; what is wrong with a pattern is said in the error. Leaves to consumer/ when patterns are resolved again.
import { RE2JS, RE2JSException } from 're2js'
import type { ClusterImage } from '../../cluster/image.ts'
import { errors, KafkaError } from '../../wire/errors.ts'

/** Characters of a pattern: enough to name some hundred topics one by one. Apache Kafka has no bound. */
export const MAX_PATTERN_LENGTH = 4096

/**
 * What a pattern may grow to when its repetitions are written out: `(ab){10}` counts as about 40. A step on a name may
 * have to look at all places of the pattern: 20 ms for the worst pattern and the longest name, microseconds as a rule.
 */
export const MAX_PATTERN_SIZE = 4096

/**
 * Larger programs run without the table of states that makes the others fast: in the worst case filling it costs twenty
 * times as much as doing without, and comes again with each name.
 */
const MAX_TABLE_SIZE = 64

export class TopicPattern {
  readonly source: string
  private compiled: RE2JS | undefined
  private last: { readonly topics: ClusterImage['topics']; readonly matching: readonly string[] } | undefined

  /** For `compilePattern`. */
  constructor(source: string, compiled: RE2JS) {
    this.source = source
    this.compiled = compiled
  }

  /** Whether the pattern matches the whole name. */
  matches(topic: string): boolean {
    this.compiled ??= compile(this.source)
    const isLarge = this.compiled.programSize() > MAX_TABLE_SIZE
    return isLarge ? this.compiled.matcher(topic).matches() : this.compiled.matches(topic)
  }

  /** The names of the topics that it matches, in order. Names of the image before are not looked at again. */
  matching(topics: ClusterImage['topics']): readonly string[] {
    const { last } = this
    if (last?.topics === topics) return last.matching
    const matching = last?.matching.filter((name) => topics.has(name)) ?? []
    for (const name of topics.keys()) if (!last?.topics.has(name) && this.matches(name)) matching.push(name)
    this.last = { topics, matching: matching.sort() }
    // Some patterns grow tables of megabytes over many names, and there may be hundreds of patterns.
    this.compiled = undefined
    return matching
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
  return new TopicPattern(pattern, compile(pattern))
}

function compile(pattern: string): RE2JS {
  try {
    return RE2JS.compile(pattern)
  } catch (error) {
    if (error instanceof RE2JSException) throw invalid(pattern, problem(error))
    throw error
  }
}

/**
 * The names of all topics that the pattern matches, in order. As with Apache Kafka 4.3 that includes internal topics:
 * a pattern that begins with `__` or `.*` asks for them. `isVisible` says which topics the consumer may describe.
 */
export function matchingTopics(
  pattern: TopicPattern,
  image: ClusterImage,
  isVisible: (topic: string) => boolean = () => true,
): ReadonlySet<string> {
  return new Set(pattern.matching(image.topics).filter(isVisible))
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
