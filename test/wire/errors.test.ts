// The catalogue of errors on its own; test/interop/schemas compares it with Apache Kafka's.
// A missing, doubled or misnamed code fails here without a JVM.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorByCode, errors, KafkaError } from '../../src/wire/errors.ts'

test('the catalogue has every code from -1 to 133 once, under its own name', () => {
  const codes = Object.values(errors).map(({ code }) => code)
  assert.deepEqual(
    codes,
    Array.from({ length: 135 }, (_, index) => index - 1),
  )
  for (const [name, error] of Object.entries(errors)) {
    assert.equal(error.name, name)
    assert.ok(error.message.length > 0)
    assert.equal(errorByCode(error.code), error)
  }
})

test('a code of a later version counts as an unknown server error', () => {
  assert.equal(errorByCode(9999), errors.UNKNOWN_SERVER_ERROR)
})

test('a KafkaError carries its entry, its code and a message', () => {
  const plain = new KafkaError(errors.NOT_LEADER_OR_FOLLOWER)
  assert.equal(plain.code, 6)
  assert.equal(plain.error.retriable, true)
  assert.equal(plain.message, errors.NOT_LEADER_OR_FOLLOWER.message)
  assert.equal(
    new KafkaError(errors.INVALID_CONFIG, 'retention.ms is too small').message,
    'retention.ms is too small',
  )
})
