// Makes the encoder of one message in one version: straight-line source text, compiled once with `new
// Function`. Promises that fields left out (undefined) have their default, that tagged fields at their
// default are not written, and that a value the version cannot carry (null, out of range, not a safe integer)
// is a programmer error naming the field. A field that the version does not have is not written, whatever its
// value. Leaves memory to Writer.
import { AssertionError } from '../lib/assert.ts'
import {
  constantBytes,
  defaultSource,
  fixedBytes,
  ordinaryFields,
  type Shape,
  Source,
  taggedFields,
} from './layout.ts'
import { EMPTY_BYTES, type Fields, isNullable, type Type } from './schema.ts'
import { clippedMessage, type Writer } from './writer.ts'

/** Encodes a value behind what the writer holds already. */
export type Encode = (writer: Writer, value: unknown) => void

/** Compiles the encoder of `fields` for one version. `name` begins the field names in errors. */
export function compileWrite(name: string, fields: Fields, shape: Shape): Encode {
  const compiler = new WriteCompiler(shape)
  compiler.struct(fields, 'value', name)
  compiler.close()
  const make = new Function(
    'runtime',
    `'use strict'
const { isSafeInteger, floor, bad, clippedMessage, EMPTY_BYTES, EMPTY_ARRAY, EMPTY_STRUCT } = runtime
return function write(w, value) {
let b = w.buffer, p = w.position
${compiler.source}
w.position = p
}`,
  ) as (runtime: object) => Encode
  return make({
    isSafeInteger: Number.isSafeInteger,
    floor: Math.floor,
    clippedMessage,
    EMPTY_BYTES,
    EMPTY_ARRAY: Object.freeze([]),
    EMPTY_STRUCT: Object.freeze({}),
    bad(field: number, value: unknown): never {
      const shown = typeof value === 'object' && value !== null ? 'an object' : String(value)
      throw new AssertionError(`${compiler.fields[field]} cannot be ${shown} in version ${shape.version}`)
    },
  })
}

class WriteCompiler {
  readonly source = new Source()
  readonly fields: string[] = []
  private readonly shape: Shape
  /** Stores of the open run of fixed-size values: one check for room serves them all. */
  private runStores: string[] = []
  private runBytes = 0

  constructor(shape: Shape) {
    this.shape = shape
  }

  struct(fields: Fields, value: string, path: string): void {
    for (const { name, type } of ordinaryFields(fields, this.shape)) {
      this.value(type, this.load(type, `${value}.${name}`), `${path}.${name}`)
    }
    if (this.shape.flexible) this.taggedSection(fields, value, path)
  }

  /** Writes the stores of the open run. */
  close(): void {
    if (this.runBytes === 0) return
    this.room(this.runBytes)
    this.source.line(...this.runStores, `p += ${this.runBytes}`)
    this.runStores = []
    this.runBytes = 0
  }

  /** Declares a variable with the value of a field, or its default. */
  private load(type: Type, expression: string): string {
    const name = this.source.name('x')
    this.source.line(`let ${name} = ${expression}`, `if (${name} === undefined) ${name} = ${absent(type)}`)
    return name
  }

  private value(type: Type, name: string, path: string): void {
    if (fixedBytes(type) > 0) {
      this.fixed(type, name, path)
    } else if (type.kind === 'struct') {
      this.structField(type, name, path)
    } else {
      if (!isNullable(type, this.shape.version)) this.notNull(name, path)
      if (type.kind === 'array') this.array(type, name, path)
      else if (isMessage(type, path)) this.call(`${writerMethod(type, this.shape)}(clippedMessage(${name}))`)
      else this.call(`${writerMethod(type, this.shape)}(${name})`)
    }
  }

  private notNull(name: string, path: string): void {
    this.source.line(`if (${name} === null) bad(${this.fieldIndex(path)}, ${name})`)
  }

  private fixed(type: Type, name: string, path: string): void {
    this.valid(type, name, path)
    if (isStored(type)) {
      this.runStores.push(...stores(type, name, this.runBytes))
      this.runBytes += fixedBytes(type)
    } else {
      this.call(`${type.kind}(${name})`)
    }
  }

  private valid(type: Type, name: string, path: string): void {
    this.source.line(`if (!(${validity(type, name)})) bad(${this.fieldIndex(path)}, ${name})`)
  }

  private structField(type: Type, name: string, path: string): void {
    if (!isNullable(type, this.shape.version)) {
      this.notNull(name, path)
      this.struct(type.fields!, name, path)
      return
    }
    this.close()
    this.source.line(`if (${name} === null) {`)
    this.byte(type.tag < 0 ? '255' : '0')
    this.close()
    this.source.line('} else {')
    this.byte('1')
    this.struct(type.fields!, name, path)
    this.close()
    this.source.line('}')
  }

  private array(type: Type, name: string, path: string): void {
    const element = type.element!
    const [size, index, item] = [this.source.name('n'), this.source.name('i'), this.source.name('x')]
    this.source.line(`const ${size} = ${name} === null ? -1 : ${name}.length`)
    this.arrayLength(size)
    const isPlain = isStored(element)
    if (isPlain) this.room(`${size} * ${fixedBytes(element)}`)
    this.source.line(
      `for (let ${index} = 0; ${index} < ${size}; ${index}++) {`,
      `const ${item} = ${name}[${index}]`,
    )
    if (isPlain) {
      this.valid(element, item, path)
      this.source.line(...stores(element, item, 0), `p += ${fixedBytes(element)}`)
    } else {
      this.source.line(`if (${item} === undefined) bad(${this.fieldIndex(path)}, ${item})`)
      this.value(element, item, path)
      this.close()
    }
    this.source.line('}')
  }

  private arrayLength(size: string): void {
    if (!this.shape.flexible) {
      this.runStores.push(...stores({ kind: 'int32' }, size, this.runBytes))
      this.runBytes += 4
      this.close()
    } else {
      this.close()
      this.room(1)
      this.source.line(`if (${size} < 127) b[p++] = ${size} + 1`, 'else {')
      this.call(`uvarint(${size} + 1)`)
      this.source.line('}')
    }
  }

  private taggedSection(fields: Fields, value: string, path: string): void {
    const known = taggedFields(fields, this.shape)
    if (known.length === 0) {
      this.byte('0')
      return
    }
    this.close()
    const count = this.source.name('n')
    this.source.line(`let ${count} = 0`)
    const present = known.map(({ name, type }) => {
      const field = this.load(type, `${value}.${name}`)
      const written = this.source.name('t')
      this.source.line(`const ${written} = ${differs(type, field)}`, `if (${written}) ${count}++`)
      return { type, field, written, path: `${path}.${name}` }
    })
    this.byte(count)
    this.close()
    for (const { type, field, written, path: fieldPath } of present) {
      this.source.line(`if (${written}) {`)
      this.taggedField(type, field, fieldPath)
      this.source.line('}')
    }
  }

  private taggedField(type: Type, field: string, path: string): void {
    const size = constantBytes(type, this.shape)
    if (size > 0 && size < 128) {
      this.byte(String(type.tag))
      this.byte(String(size))
      this.value(type, field, path)
      this.close()
      return
    }
    this.source.line('w.position = p', `w.tagged(${type.tag}, (w) => {`, 'let b = w.buffer, p = w.position')
    this.value(type, field, path)
    this.close()
    this.source.line('w.position = p', '})', 'b = w.buffer', 'p = w.position')
  }

  private byte(expression: string): void {
    this.runStores.push(`b[p + ${this.runBytes}] = ${expression}`)
    this.runBytes += 1
  }

  private room(size: number | string): void {
    this.source.line(
      `if (b.length - p < ${size}) { w.position = p; w.reserve(${size}); b = w.buffer; p = w.position }`,
    )
  }

  /** A method of the writer, with the two local variables written back before and read again after. */
  private call(method: string): void {
    this.close()
    this.source.line('w.position = p', `w.${method}`, 'b = w.buffer', 'p = w.position')
  }

  private fieldIndex(path: string): number {
    const known = this.fields.indexOf(path)
    return known >= 0 ? known : this.fields.push(path) - 1
  }
}

/** Whether a field says something about an error to people. */
function isMessage(type: Type, path: string): boolean {
  return type.kind === 'string' && /errorMessage$/i.test(path)
}

/** Whether a value is stored by the compiled code itself rather than by a method of the writer. */
function isStored(type: Type): boolean {
  return fixedBytes(type) > 0 && type.kind !== 'uuid' && type.kind !== 'float64'
}

/** What stands for a field that was left out: shared constants, for they are only read. */
function absent(type: Type): string {
  if (type.fallback === null) return 'null'
  if (type.kind === 'array') return 'EMPTY_ARRAY'
  return type.kind === 'struct' ? 'EMPTY_STRUCT' : defaultSource(type)
}

/** The condition under which a value can be written. */
function validity(type: Type, name: string): string {
  switch (type.kind) {
    case 'bool':
      return `typeof ${name} === 'boolean'`
    case 'int8':
      return `${name} << 24 >> 24 === ${name}`
    case 'int16':
      return `${name} << 16 >> 16 === ${name}`
    case 'uint16':
      return `(${name} & 0xffff) === ${name}`
    case 'int32':
      return `(${name} | 0) === ${name}`
    case 'uint32':
      return `${name} >>> 0 === ${name}`
    case 'int64':
      return `isSafeInteger(${name})`
    case 'float64':
      return `typeof ${name} === 'number'`
    default:
      return `typeof ${name} === 'string'`
  }
}

/** The statements that store a fixed-size primitive `offset` bytes after `p`. */
function stores(type: Pick<Type, 'kind'>, name: string, offset: number): string[] {
  const byte = (index: number, expression: string) => `b[p + ${offset + index}] = ${expression}`
  const word = (index: number, expression: string) => [
    byte(index, `${expression} >> 24`),
    byte(index + 1, `${expression} >> 16`),
    byte(index + 2, `${expression} >> 8`),
    byte(index + 3, expression),
  ]
  switch (type.kind) {
    case 'bool':
      return [byte(0, `${name} ? 1 : 0`)]
    case 'int8':
      return [byte(0, name)]
    case 'int16':
    case 'uint16':
      return [byte(0, `${name} >> 8`), byte(1, name)]
    case 'int32':
    case 'uint32':
      return word(0, name)
    default:
      return [
        `const ${name}high = floor(${name} / 4294967296)`,
        ...word(0, `${name}high`),
        `const ${name}low = ${name} | 0`,
        ...word(4, `${name}low`),
      ]
  }
}

/** Whether a tagged field has to be written. */
function differs(type: Type, name: string): string {
  if (type.fallback === null) return `${name} !== null`
  if (type.kind === 'array' || type.kind === 'bytes') return `${name} === null || ${name}.length !== 0`
  if (type.kind !== 'struct') return `${name} !== ${defaultSource(type)}`
  const parts = Object.entries(type.fields!).map(([field, inner]) => {
    const part = `${name}.${field}`
    return `${part} !== undefined && (${differs(inner, part)})`
  })
  const ofFields = parts.join(' || ') || 'false'
  return type.nullableSince === Number.POSITIVE_INFINITY ? ofFields : `${name} === null || ${ofFields}`
}

function writerMethod(type: Type, shape: Shape): string {
  switch (type.kind) {
    case 'string':
      return shape.flexible ? 'nullableCompactString' : 'nullableString'
    case 'bytes':
      return shape.flexible ? 'nullableCompactBytes' : 'nullableBytes'
    default:
      return shape.flexible ? 'compactRecords' : 'records'
  }
}
