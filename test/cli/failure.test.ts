// Failures in words.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  isRetriable,
  NoSuchGroupError,
  NoSuchTopicError,
  TimeoutError,
  UnreachableError,
} from '../../src/cli/client/failure.ts'
import { CommandError, exitCodeOf, explain, UsageError } from '../../src/cli/failure.ts'
import { errors, KafkaError } from '../../src/wire/errors.ts'

const local = [{ host: '127.0.0.1', port: 9092 }]

test('no broker: where, why, and how to start one', () => {
  const refused = new UnreachableError(local, 'ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:9092')
  assert.equal(
    explain(refused),
    'no broker at 127.0.0.1:9092: connection refused; start one with `odradek start`',
  )
  const unknown = new UnreachableError([{ host: '::1', port: 1 }], 'ENOTFOUND', 'x')
  assert.equal(explain(unknown), 'no broker at [::1]:1: the name is not known')
})

test('a broker that names an address nobody reaches: which broker, and what to check there', () => {
  const message = 'broker 3 says it is at kafka:9092, but: connect ECONNREFUSED 10.0.0.1:9092'
  const error = new UnreachableError([{ host: 'kafka', port: 9092 }], 'ECONNREFUSED', message)
  assert.equal(
    explain(error),
    'broker 3 says it is at kafka:9092, but: connection refused; check advertised.listeners there',
  )
})

test('what a broker answered keeps its words and its name', () => {
  const error = new KafkaError(errors.INVALID_CONFIG, 'Unknown topic config name: x')
  assert.equal(explain(error), 'Unknown topic config name: x (INVALID_CONFIG)')
})

test('a missing group: the nearest name, else some of those that are there', () => {
  assert.equal(explain(new NoSuchGroupError('g')), 'group g does not exist; there are no groups')
  const some = ['billing', 'shipping']
  assert.match(explain(new NoSuchGroupError('biling', some)), /does not exist; did you mean billing\?$/)
  assert.match(explain(new NoSuchGroupError('x', some)), /does not exist; those that do: billing, shipping$/)
  const many = Array.from({ length: 7 }, (_, i) => `group-${i}`)
  assert.match(explain(new NoSuchGroupError('x', many)), /group-4, … \(`odradek groups list` shows all 7\)$/)
})

test('a missing topic, a time-out, a missing file: what to do next', () => {
  assert.match(explain(new NoSuchTopicError('a')), /topic a does not exist.*odradek topics create a/)
  assert.match(explain(new TimeoutError('x did not answer')), /--timeout/)
  const missing = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT', path: '/x/y' })
  assert.equal(explain(missing), '/x/y does not exist')
})

test('a place on the disk that cannot be used: which, and why', () => {
  const failed = (code: string, path?: string) =>
    explain(Object.assign(new Error(`${code}: as the system says it, mkdir`), { code, path }))
  assert.equal(
    failed('ENOTDIR', '/etc/passwd/x'),
    '/etc/passwd/x: a part of this path is a file, not a directory',
  )
  assert.equal(failed('EEXIST', '/etc/passwd'), '/etc/passwd is there already, and is not a directory')
  const made = Object.assign(new Error('ENOENT'), { code: 'ENOENT', path: '/proc/x', syscall: 'mkdir' })
  assert.equal(explain(made), '/proc/x: no directory can be made there')
  assert.equal(failed('EROFS', '/ro/x'), '/ro/x: this disk can only be read')
  assert.equal(failed('EPERM', '/x'), '/x may not be read or written by this user')
  assert.equal(failed('ENOSPC', '/x'), '/x: no space is left on this disk')
})

test('exit codes: 2 for a wrong call, 1 for everything else', () => {
  assert.equal(exitCodeOf(new UsageError('x')), 2)
  assert.equal(exitCodeOf(new CommandError('x')), 1)
  assert.equal(exitCodeOf('thrown text'), 1)
})

test('what is worth another try: what Kafka says is, and what happened to the connection', () => {
  assert.equal(isRetriable(new KafkaError(errors.NOT_LEADER_OR_FOLLOWER)), true)
  assert.equal(isRetriable(new KafkaError(errors.TOPIC_ALREADY_EXISTS)), false)
  assert.equal(isRetriable(new TimeoutError('x')), true)
  assert.equal(isRetriable(new TypeError('x')), false)
})
