// How values of options are read.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../src/cli/failure.ts'
import {
  keyValues,
  parseAcks,
  parseAddresses,
  parseCompression,
  parsePartitions,
  wholeNumber,
} from '../../src/cli/options.ts'

const refused = (run: () => unknown, reason: RegExp) =>
  assert.throws(run, (error) => error instanceof UsageError && reason.test(error.message))

test('addresses: several, a default port, IPv6 in brackets', () => {
  assert.deepEqual(parseAddresses('a:1, b ,[::1]:9093,[fe80::2]'), [
    { host: 'a', port: 1 },
    { host: 'b', port: 9092 },
    { host: '::1', port: 9093 },
    { host: 'fe80::2', port: 9092 },
  ])
})

test('an address without a host, or with an impossible port, is refused with what would be right', () => {
  for (const text of ['', ':9092', 'a:', 'a:0', 'a:65536', 'a:b', '::1', 'a:1:2', 'PLAINTEXT://a:1']) {
    refused(() => parseAddresses(text), /expected host:port/)
  }
})

test('partitions: numbers and ranges, sorted, each once', () => {
  assert.deepEqual(parsePartitions('7,0, 2-4,3'), [0, 2, 3, 4, 7])
  for (const text of ['', 'a', '1-', '3-2', '-1', '1.5', '0-99999999']) {
    refused(() => parsePartitions(text), /such as 0,2,5-7/)
  }
})

test('key=value: the value may hold = and be empty, the key may not be', () => {
  const collect = keyValues('--config')
  assert.deepEqual(collect('b= y=z', collect('a=')), { a: '', b: 'y=z' })
  refused(() => collect('=x'), /--config =x: expected key=value/)
  refused(() => collect('x'), /expected key=value/)
})

test('whole numbers are checked against their bounds, which the message names', () => {
  const parse = wholeNumber('--count', -2, 10)
  assert.equal(parse('10'), 10)
  assert.equal(parse('-2'), -2)
  for (const text of ['11', '-3', '1.5', '1e3', '', 'x', '0x1', ' 1']) {
    refused(() => parse(text), /--count .*: expected a whole number from -2 to 10/)
  }
})

test('acks and compression are named as Kafka names them', () => {
  assert.deepEqual(['all', '-1', '0', '1'].map(parseAcks), [-1, -1, 0, 1])
  refused(() => parseAcks('2'), /expected 0, 1 or all/)
  assert.deepEqual(['none', 'gzip', 'snappy', 'lz4', 'zstd'].map(parseCompression), [0, 1, 2, 3, 4])
  refused(() => parseCompression('toString'), /none, gzip, snappy, lz4, zstd/)
})
