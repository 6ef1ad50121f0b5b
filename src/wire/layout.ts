// What both compilers need to know of a schema in one version: sizes, defaults as source text, names for
// errors. Promises pure functions of (type, version); leaves the code itself to compile-read.ts and compile-
// write.ts.
import { EMPTY_BYTES, type Fields, isNullable, isPresent, type Type } from './schema.ts'

/** The version a codec is made for. */
export interface Shape {
  readonly version: number
  /** Compact lengths and tagged fields (KIP-482). */
  readonly flexible: boolean
}

const FIXED_BYTES: { readonly [kind: string]: number } = {
  bool: 1,
  int8: 1,
  int16: 2,
  uint16: 2,
  int32: 4,
  uint32: 4,
  int64: 8,
  float64: 8,
  uuid: 16,
}

/** The size of a primitive that always has the same one; 0 for all else. */
export function fixedBytes(type: Type): number {
  return FIXED_BYTES[type.kind] ?? 0
}

/** The fewest bytes a value can take: what a claimed number of elements is checked against. */
export function leastBytes(type: Type, shape: Shape): number {
  const fixed = fixedBytes(type)
  if (fixed > 0) return fixed
  if (type.kind === 'struct') {
    if (isNullable(type, shape.version)) return 1
    let total = shape.flexible ? 1 : 0
    for (const field of ordinaryFields(type.fields!, shape)) total += leastBytes(field.type, shape)
    return total
  }
  if (shape.flexible) return 1
  return type.kind === 'string' ? 2 : 4
}

/**
 * The size of a value when every value has the same: primitives, and structs of such without tagged fields.
 * Else 0.
 */
export function constantBytes(type: Type, shape: Shape): number {
  if (type.kind !== 'struct') return fixedBytes(type)
  if (isNullable(type, shape.version) || taggedFields(type.fields!, shape).length > 0) return 0
  let total = shape.flexible ? 1 : 0
  for (const field of ordinaryFields(type.fields!, shape)) {
    const size = constantBytes(field.type, shape)
    if (size === 0) return 0
    total += size
  }
  return total
}

export interface NamedField {
  readonly name: string
  readonly type: Type
}

/** The fields of the version that stand in order. */
export function ordinaryFields(fields: Fields, shape: Shape): NamedField[] {
  return named(fields).filter(({ type }) => type.tag < 0 && isPresent(type, shape.version))
}

/** The fields of the version that stand in the tagged section, by tag. */
export function taggedFields(fields: Fields, shape: Shape): NamedField[] {
  if (!shape.flexible) return []
  return named(fields)
    .filter(({ type }) => type.tag >= 0 && isPresent(type, shape.version))
    .sort((left, right) => left.type.tag - right.type.tag)
}

function named(fields: Fields): NamedField[] {
  return Object.entries(fields).map(([name, type]) => ({ name, type }))
}

/** Source text of the default; `EMPTY_BYTES` is a name the compiled function knows. */
export function defaultSource(type: Type): string {
  if (type.kind === 'struct' && type.fallback === undefined) {
    const parts = named(type.fields!).map(({ name, type: field }) => `${name}: ${defaultSource(field)}`)
    return `{ ${parts.join(', ')} }`
  }
  if (type.fallback === EMPTY_BYTES) return 'EMPTY_BYTES'
  return JSON.stringify(type.fallback)
}

/** The default as a value, made anew on each call. */
export function defaultValue(type: Type): unknown {
  if (type.kind === 'struct' && type.fallback === undefined) {
    return Object.fromEntries(named(type.fields!).map(({ name, type: field }) => [name, defaultValue(field)]))
  }
  return Array.isArray(type.fallback) ? [] : type.fallback
}

/** Source text being put together, with names that are given out once. */
export class Source {
  private readonly lines: string[] = []
  private names = 0

  line(...lines: string[]): void {
    this.lines.push(...lines)
  }

  /** A variable name nothing else in this source has. */
  name(prefix: string): string {
    return `${prefix}${this.names++}`
  }

  toString(): string {
    return this.lines.join('\n')
  }
}
