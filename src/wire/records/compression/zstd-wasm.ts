// The reference zstd library compiled to WebAssembly, for Nodes without zstd of their own (before 22.15).
// Promises synchronous calls, loaded at the first one, and output that never exceeds the capacity given.
// The package's own entry point loads asynchronously and sizes its output by what a frame claims: so its module is
// instantiated here, through the hook it has for that. Its version is pinned exactly. The WebAssembly memory grows to
// the largest batch handled and stays.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { corrupt } from './failure.ts'

/** As much of the global as is needed here: it belongs to the browser's types, which this project does without. */
declare const WebAssembly: {
  Module: new (code: Uint8Array) => object
  Instance: new (module: object, imports: object) => object
}

interface ZstdModule {
  HEAPU8: Uint8Array
  instantiateWasm(imports: object, receive: (instance: object) => void): object
  init(bytes: Uint8Array): void
  _malloc(length: number): number
  _free(pointer: number): void
  _ZSTD_compressBound(length: number): number
  _ZSTD_compress(target: number, capacity: number, source: number, length: number, level: number): number
  _ZSTD_decompress(target: number, capacity: number, source: number, length: number): number
}

const name = 'zstd'
/** Results in [-MAX_ERROR, -1] (as unsigned 32 bits) are error codes of the library, negated. */
const MAX_ERROR = 120
const DESTINATION_TOO_SMALL = -70

let loaded: ZstdModule | undefined

function zstd(): ZstdModule {
  if (loaded !== undefined) return loaded
  const require = createRequire(import.meta.url)
  const directory = dirname(require.resolve('@bokuweb/zstd-wasm'))
  const { Module } = require(join(directory, 'module.js')) as { Module: ZstdModule }
  const code = readFileSync(join(directory, 'zstd.wasm'))
  Module.instantiateWasm = (imports, receive) => {
    receive(new WebAssembly.Instance(new WebAssembly.Module(code), imports))
    return {}
  }
  Module.init(code)
  loaded = Module
  return loaded
}

export function compressInWasm(bytes: Uint8Array, level: number): Buffer {
  const output = call(bytes, zstd()._ZSTD_compressBound(bytes.length), (target, capacity, source, length) =>
    zstd()._ZSTD_compress(target, capacity, source, length, level),
  )
  if (output === undefined) throw new RangeError('zstd needs more than its own bound')
  return output
}

/** Undefined when `capacity` bytes are not enough. */
export function decompressInWasm(bytes: Uint8Array, capacity: number): Buffer | undefined {
  return call(bytes, capacity, zstd()._ZSTD_decompress)
}

type Operation = (target: number, capacity: number, source: number, length: number) => number

/** Copies the input in, runs the operation, copies the output out. */
function call(bytes: Uint8Array, capacity: number, operation: Operation): Buffer | undefined {
  const source = allocate(bytes.length)
  let target = 0
  try {
    target = allocate(capacity)
    zstd().HEAPU8.set(bytes, source)
    const result = operation(target, capacity, source, bytes.length) | 0
    if (result < 0 && result >= -MAX_ERROR) {
      if (result === DESTINATION_TOO_SMALL) return undefined
      throw corrupt(name, `the decoder's error code is ${-result}`)
    }
    return Buffer.from(zstd().HEAPU8.subarray(target, target + result))
  } finally {
    zstd()._free(source)
    if (target !== 0) zstd()._free(target)
  }
}

function allocate(length: number): number {
  const pointer = zstd()._malloc(Math.max(1, length))
  if (pointer === 0) throw corrupt(name, `${length} bytes of memory could not be had`)
  return pointer
}
