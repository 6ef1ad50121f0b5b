// Makes the decoder of one message in one version: straight-line source text, compiled once with `new
// Function`. Promises that no byte at or beyond `end` is used, that work and memory grow with the bytes given
// and never with a number claimed in them, and DecodeError with the field and the offset for all that does
// not fit. Unknown tagged fields are passed over. Bytes left over after the message are ignored, as Apache
// Kafka does. Only names from our own schemas enter the source.
import {
  defaultSource,
  fixedBytes,
  leastBytes,
  ordinaryFields,
  type Shape,
  Source,
  taggedFields,
} from './layout.ts'
import { DecodeError, joinInt64, longUvarint, MAX_STRING_BYTES, text } from './reader.ts'
import { EMPTY_BYTES, type Fields, isNullable, type Type } from './schema.ts'

/** Decodes the message in `bytes[offset, end)`. Byte fields are views of `bytes`. */
export type Decode = (bytes: Buffer, offset: number, end: number) => unknown

interface FixedField {
  readonly field: string
  readonly size: number
}

/**
 * Compiles the decoder of `fields` for one version.
 * @param name begins the field names in errors
 * @param maxElements how many elements all arrays of one message may have together
 */
export function compileRead(name: string, fields: Fields, shape: Shape, maxElements: number): Decode {
  const compiler = new ReadCompiler(shape)
  const result = compiler.struct(fields, name)
  const make = new Function(
    'runtime',
    `'use strict'
const { text, joinInt64, longUvarint, EMPTY_BYTES } = runtime
const { short, long, tooMany, overBudget, notNull, notVarint, wrongSize } = runtime
return function read(b, o, end) {
let p = o, budget = ${maxElements}
${compiler.source}
return ${result}
}`,
  ) as (runtime: object) => Decode
  return make({
    text,
    joinInt64,
    longUvarint,
    EMPTY_BYTES,
    ...failures(compiler.fields, compiler.runs, maxElements),
  })
}

/** The ways in which compiled code gives up, by index into what the compiler noted. */
function failures(fields: readonly string[], runs: readonly (readonly FixedField[])[], maxElements: number) {
  return {
    /** A run of fixed fields does not fit: names the first field that does not. */
    short(run: number, at: number, left: number): never {
      let passed = 0
      for (const { field, size } of runs[run]!) {
        if (passed + size > left) {
          throw new DecodeError(field, at + passed, `needs ${size} bytes, ${left - passed} left`)
        }
        passed += size
      }
      throw new DecodeError('message', at, 'too short')
    },
    long(field: number, at: number, size: number, left: number): never {
      const problem =
        size > left
          ? `needs ${size} bytes, ${left} left`
          : `a text of ${size} bytes, at most ${MAX_STRING_BYTES} allowed`
      throw new DecodeError(fields[field]!, at, problem)
    },
    tooMany(field: number, at: number, count: number, left: number): never {
      throw new DecodeError(fields[field]!, at, `${count} elements cannot be in ${left} bytes`)
    },
    overBudget(field: number, at: number): never {
      throw new DecodeError(fields[field]!, at, `more than ${maxElements} elements in one message`)
    },
    notNull(field: number, at: number): never {
      throw new DecodeError(fields[field]!, at, 'null where a value is required')
    },
    notVarint(field: number, at: number): never {
      throw new DecodeError(fields[field]!, at, 'not a varint of 32 bits')
    },
    wrongSize(field: number, at: number, size: number): never {
      throw new DecodeError(fields[field]!, at, `a tagged field is not the ${size} bytes long that it claims`)
    },
  }
}

class ReadCompiler {
  readonly source = new Source()
  readonly fields: string[] = []
  readonly runs: FixedField[][] = []
  private readonly shape: Shape
  /**
   * The run that is open: its reads are written when the next field of varying size, or the end of the
   * struct, comes.
   */
  private run: FixedField[] = []
  private runReads: string[] = []
  private runBytes = 0

  constructor(shape: Shape) {
    this.shape = shape
  }

  /** Reads a struct and returns the expression of its value. */
  struct(fields: Fields, path: string): string {
    const values = new Map<string, string>()
    for (const { name, type } of ordinaryFields(fields, this.shape)) {
      values.set(name, this.value(type, `${path}.${name}`))
    }
    this.closeRun()
    if (this.shape.flexible) this.taggedSection(fields, path, values)
    const parts = Object.entries(fields).map(
      ([name, type]) => `${name}: ${values.get(name) ?? defaultSource(type)}`,
    )
    return `{ ${parts.join(', ')} }`
  }

  /** Reads a value and returns the expression of it. */
  private value(type: Type, path: string): string {
    if (fixedBytes(type) > 0) return this.fixed(type, path)
    this.closeRun()
    if (type.kind === 'struct') return this.structField(type, path)
    if (type.kind === 'array') return this.array(type, path)
    return this.lengthPrefixed(type, path)
  }

  private fixed(type: Type, path: string): string {
    const size = fixedBytes(type)
    const name = this.source.name('v')
    this.runReads.push(`const ${name} = ${fixedRead(type, this.runBytes)}`)
    this.run.push({ field: path, size })
    this.runBytes += size
    return name
  }

  private closeRun(): void {
    if (this.run.length === 0) return
    const index = this.runs.push(this.run) - 1
    this.source.line(`if (end - p < ${this.runBytes}) short(${index}, p - o, end - p)`)
    this.source.line(...this.runReads, `p += ${this.runBytes}`)
    this.run = []
    this.runReads = []
    this.runBytes = 0
  }

  private structField(type: Type, path: string): string {
    if (!isNullable(type, this.shape.version)) return this.struct(type.fields!, path)
    const name = this.source.name('v')
    const marker = this.fixed({ ...type, kind: 'int8' }, path)
    this.closeRun()
    // The marker of a tagged struct is a uvarint, 0 for null; of others it is -1.
    this.source.line(`let ${name} = null`, `if (${marker} ${type.tag < 0 ? '>=' : '>'} 0) {`)
    this.source.line(`${name} = ${this.struct(type.fields!, path)}`, '}')
    return name
  }

  private array(type: Type, path: string): string {
    const element = type.element!
    const [value, count, index] = [this.source.name('v'), this.source.name('n'), this.source.name('i')]
    const field = this.fieldIndex(path)
    const least = Math.max(1, leastBytes(element, this.shape))
    this.length(count, 4, path)
    this.nullOr(type, value, count, field)
    this.source.line(
      `if (${count} * ${least} > end - p) tooMany(${field}, p - o, ${count}, end - p)`,
      `if ((budget -= ${count}) < 0) overBudget(${field}, p - o)`,
      `${value} = []`,
      `for (let ${index} = 0; ${index} < ${count}; ${index}++) {`,
    )
    const item = this.value(element, path)
    this.closeRun()
    this.source.line(`${value}.push(${item})`, '}', '}')
    return value
  }

  private lengthPrefixed(type: Type, path: string): string {
    const [value, size] = [this.source.name('v'), this.source.name('n')]
    const field = this.fieldIndex(path)
    const isText = type.kind === 'string'
    this.length(size, isText ? 2 : 4, path)
    this.nullOr(type, value, size, field)
    const limit = isText && this.shape.flexible ? ` || ${size} > ${MAX_STRING_BYTES}` : ''
    this.source.line(
      `if (${size} > end - p${limit}) long(${field}, p - o, ${size}, end - p)`,
      isText
        ? `${value} = ${size} === 0 ? '' : text(b, p, p + ${size})`
        : `${value} = b.subarray(p, p + ${size})`,
      `p += ${size}`,
      '}',
    )
    return value
  }

  /** Declares `value`; opens the block that reads it when `size` is not negative. */
  private nullOr(type: Type, value: string, size: string, field: number): void {
    if (isNullable(type, this.shape.version)) {
      this.source.line(`let ${value} = null`, `if (${size} >= 0) {`)
    } else {
      this.source.line(`let ${value}`, `if (${size} < 0) notNull(${field}, p - o)`, '{')
    }
  }

  /** Declares `name` as a length: an integer of `size` bytes, or a varint of the length + 1. */
  private length(name: string, size: 2 | 4, path: string): void {
    if (this.shape.flexible) {
      this.uvarint(name, path)
      this.source.line(`${name}--`)
      return
    }
    const type = { kind: size === 2 ? 'int16' : 'int32' } as Type
    const read = this.fixed(type, path)
    this.closeRun()
    this.source.line(`const ${name} = ${read}`)
  }

  private uvarint(name: string, path: string): void {
    const run = this.runs.push([{ field: path, size: 1 }]) - 1
    this.source.line(
      `if (p >= end) short(${run}, p - o, 0)`,
      `let ${name} = b[p++]`,
      `if (${name} > 127) {`,
      `${name} = longUvarint(b, p - 1, end)`,
      `if (${name} < 0) notVarint(${this.fieldIndex(path)}, p - 1 - o)`,
      'while (b[p++] > 127);',
      '}',
    )
  }

  private taggedSection(fields: Fields, path: string, values: Map<string, string>): void {
    const known = taggedFields(fields, this.shape)
    for (const { name, type } of known) {
      const variable = this.source.name('v')
      values.set(name, variable)
      this.source.line(`let ${variable} = ${defaultSource(type)}`)
    }
    const section = `${path}.(tags)`
    const [count, tag, size] = [this.source.name('n'), this.source.name('t'), this.source.name('n')]
    this.uvarint(count, section)
    this.source.line(`for (; ${count} > 0; ${count}--) {`)
    this.uvarint(tag, section)
    this.uvarint(size, section)
    this.source.line(`if (${size} > end - p) long(${this.fieldIndex(section)}, p - o, ${size}, end - p)`)
    if (known.length === 0) this.source.line(`p += ${size}`)
    else this.knownTags(known, path, values, tag, size)
    this.source.line('}')
  }

  private knownTags(
    known: readonly { name: string; type: Type }[],
    path: string,
    values: ReadonlyMap<string, string>,
    tag: string,
    size: string,
  ): void {
    const stop = this.source.name('stop')
    this.source.line(`const ${stop} = p + ${size}`, `switch (${tag}) {`)
    for (const { name, type } of known) {
      const field = `${path}.${name}`
      this.source.line(`case ${type.tag}: {`)
      const value = this.value(type, field)
      this.closeRun()
      this.source.line(
        `${values.get(name)} = ${value}`,
        `if (p !== ${stop}) wrongSize(${this.fieldIndex(field)}, p - o, ${size})`,
        'break',
        '}',
      )
    }
    this.source.line(`default: p = ${stop}`, '}')
  }

  private fieldIndex(path: string): number {
    const known = this.fields.indexOf(path)
    return known >= 0 ? known : this.fields.push(path) - 1
  }
}

/** The expression that reads a fixed-size primitive `offset` bytes after `p`. */
function fixedRead(type: Type, offset: number): string {
  const at = (index: number) => (offset + index === 0 ? 'b[p]' : `b[p + ${offset + index}]`)
  const int32 = (index: number) =>
    `(${at(index)} << 24 | ${at(index + 1)} << 16 | ${at(index + 2)} << 8 | ${at(index + 3)})`
  switch (type.kind) {
    case 'bool':
      return `${at(0)} !== 0`
    case 'int8':
      return `${at(0)} << 24 >> 24`
    case 'int16':
      return `(${at(0)} << 24 | ${at(1)} << 16) >> 16`
    case 'uint16':
      return `${at(0)} << 8 | ${at(1)}`
    case 'int32':
      return int32(0)
    case 'uint32':
      return `${int32(0)} >>> 0`
    case 'int64':
      return `joinInt64(${int32(0)}, ${int32(4)} >>> 0)`
    case 'float64':
      return `b.readDoubleBE(p + ${offset})`
    default:
      return `b.base64urlSlice(p + ${offset}, p + ${offset + 16})`
  }
}
