// Where to listen and what to tell clients, read from the settings.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseBrokerConfig } from '../../src/config/broker-config.ts'
import { ConfigError } from '../../src/config/config-error.ts'
import { connectionLimit, listenerSettings } from '../../src/config/listeners.ts'

const settings = (entries: Record<string, string>) => listenerSettings(parseBrokerConfig(entries))

/** Name, host and port to listen on, host and port to tell. */
function rows(entries: Record<string, string>): unknown[][] {
  return settings(entries).listeners.map((one) => [
    one.name,
    one.host,
    one.port,
    one.advertisedHost,
    one.advertisedPort,
  ])
}

function problem(entries: Record<string, string>): string {
  try {
    parseBrokerConfig(entries)
  } catch (error) {
    assert.ok(error instanceof ConfigError)
    assert.equal(error.problems.length, 1, error.message)
    return error.message
  }
  return assert.fail('was accepted')
}

const custom = 'PLAINTEXT:PLAINTEXT,INSIDE:PLAINTEXT,OUTSIDE:PLAINTEXT'

describe('listeners', () => {
  test('a listener of one interface tells that interface, unless something else is advertised', () => {
    assert.deepEqual(rows({}), [['PLAINTEXT', '127.0.0.1', 9092, '127.0.0.1', 9092]])
    assert.deepEqual(rows({ listeners: 'plaintext://kafka-1.example:9092' }), [
      ['PLAINTEXT', 'kafka-1.example', 9092, 'kafka-1.example', 9092],
    ])
    assert.deepEqual(rows({ 'advertised.listeners': 'PLAINTEXT://public.example:19092' }), [
      ['PLAINTEXT', '127.0.0.1', 9092, 'public.example', 19_092],
    ])
  })

  test('a listener of every interface tells the address that was dialled, which is not known here', () => {
    for (const host of ['', '0.0.0.0', '[::]', '[0:0:0:0:0:0:0:0]']) {
      assert.deepEqual(rows({ listeners: `PLAINTEXT://${host}:9092` }), [
        ['PLAINTEXT', '', 9092, undefined, 9092],
      ])
    }
  })

  test('port 0 tells the port that was bound, which is not known here', () => {
    assert.deepEqual(rows({ listeners: 'PLAINTEXT://127.0.0.1:0' }), [
      ['PLAINTEXT', '127.0.0.1', 0, '127.0.0.1', undefined],
    ])
    assert.deepEqual(
      rows({ listeners: 'PLAINTEXT://:0', 'advertised.listeners': 'PLAINTEXT://public.example:0' }),
      [['PLAINTEXT', '', 0, 'public.example', undefined]],
    )
  })

  test('several listeners have names, a protocol each, and IPv6 hosts in brackets', () => {
    const entries = {
      listeners: 'INSIDE://[::1]:9092, OUTSIDE://:9093',
      'advertised.listeners': 'OUTSIDE://[2001:db8::1]:443',
      'listener.security.protocol.map': custom,
      'inter.broker.listener.name': 'inside',
    }
    assert.deepEqual(rows(entries), [
      ['INSIDE', '::1', 9092, '::1', 9092],
      ['OUTSIDE', '', 9093, '2001:db8::1', 443],
    ])
    assert.equal(settings(entries).interBrokerListenerName, 'INSIDE')
  })

  test('brokers use the PLAINTEXT listener among themselves, or the first, when nothing is said', () => {
    const entries = { listeners: 'INSIDE://:1,PLAINTEXT://:2', 'listener.security.protocol.map': custom }
    assert.equal(settings(entries).interBrokerListenerName, 'PLAINTEXT')
    assert.equal(
      settings({ ...entries, listeners: 'OUTSIDE://:1,INSIDE://:2' }).interBrokerListenerName,
      'OUTSIDE',
    )
  })

  test('the listeners of a KRaft controller are left out', () => {
    const entries = {
      listeners: 'PLAINTEXT://:9092,CONTROLLER://:9093',
      'advertised.listeners': 'PLAINTEXT://localhost:9092,CONTROLLER://localhost:9093',
      'controller.listener.names': 'CONTROLLER',
    }
    assert.deepEqual(rows(entries), [['PLAINTEXT', '', 9092, 'localhost', 9092]])
  })

  test('the same port twice is refused on one interface, allowed on two', () => {
    const map = { 'listener.security.protocol.map': custom }
    const both = 'listeners: INSIDE and OUTSIDE both want port 9092; each needs its own'
    for (const listeners of [
      'INSIDE://:9092,OUTSIDE://127.0.0.1:9092',
      'INSIDE://127.0.0.1:9092,OUTSIDE://0.0.0.0:9092',
      'INSIDE://127.0.0.1:9092,OUTSIDE://127.0.0.1:9092',
    ]) {
      assert.equal(problem({ ...map, listeners }), both)
    }
    rows({ ...map, listeners: 'INSIDE://127.0.0.1:9092,OUTSIDE://127.0.0.2:9092' })
    rows({ ...map, listeners: 'INSIDE://:0,OUTSIDE://:0' })
  })

  test('what is wrong is told with the setting it is in', () => {
    assert.equal(
      problem({ listeners: 'localhost:9092' }),
      "listeners: 'localhost:9092' is not NAME://host:port (an IPv6 host goes into [brackets])",
    )
    for (const text of [
      'PLAINTEXT://::1:9092',
      'PLAINTEXT://host',
      'PLAINTEXT://host:',
      'PLAINTEXT://a b:1',
    ]) {
      assert.match(problem({ listeners: text }), /is not NAME:\/\/host:port/)
    }
    assert.equal(
      problem({ listeners: 'PLAINTEXT://:65536' }),
      "listeners: 'PLAINTEXT://:65536' has port 65536; allowed: 0 to 65535",
    )
    assert.equal(
      problem({ listeners: 'PLAINTEXT://:1,PLAINTEXT://:2' }),
      'listeners: the name PLAINTEXT is given twice; each needs its own',
    )
    assert.match(problem({ listeners: '' }), /^listeners: is empty; give at least one/)
    assert.equal(
      problem({ 'advertised.listeners': 'OUTSIDE://host:1' }),
      'advertised.listeners: there is no listener OUTSIDE; allowed: PLAINTEXT',
    )
    assert.match(problem({ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:9092' }), /leads nowhere/)
    assert.equal(
      problem({ 'inter.broker.listener.name': 'INSIDE' }),
      'inter.broker.listener.name: there is no listener INSIDE; allowed: PLAINTEXT',
    )
  })

  test('protocols: every listener has one, and only PLAINTEXT is served', () => {
    assert.equal(
      problem({ listeners: 'INSIDE://:9092' }),
      'listener.security.protocol.map: says no protocol for the listener INSIDE; add INSIDE:PLAINTEXT',
    )
    assert.equal(
      problem({ listeners: 'SSL://:9092' }),
      'listeners: the listener SSL wants SSL, which is not supported yet; allowed: PLAINTEXT',
    )
    assert.equal(
      problem({ 'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,X:TLS' }),
      "listener.security.protocol.map: X has protocol 'TLS'; allowed: PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL",
    )
    assert.match(problem({ 'listener.security.protocol.map': 'PLAINTEXT' }), /is not a list of NAME:PROTOCOL/)
  })

  test('the limit of connections knows its overrides, IPv4 in IPv6 included', () => {
    const limit = connectionLimit(
      parseBrokerConfig({
        'max.connections.per.ip': '10',
        'max.connections.per.ip.overrides': '127.0.0.1:3, ::1:4,[fe80::1]:5',
      }),
    )
    assert.equal(limit('10.0.0.1'), 10)
    assert.equal(limit('127.0.0.1'), 3)
    assert.equal(limit('::ffff:127.0.0.1'), 3)
    assert.equal(limit('::1'), 4)
    assert.equal(limit('fe80::1'), 5)
  })
})
