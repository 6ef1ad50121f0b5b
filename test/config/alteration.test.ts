// The operations of IncrementalAlterConfigs on a set of texts.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { alterOperation, applyAlteration } from '../../src/config/alteration.ts'
import { KafkaError } from '../../src/wire/errors.ts'

const { set, delete: remove, append, subtract } = alterOperation
const policy = (text: string) => new Map([['cleanup.policy', text]])

function refusal(operation: number, key: string, value: string | null): [string, string] {
  try {
    applyAlteration(new Map(), operation, key, value)
  } catch (error) {
    assert.ok(error instanceof KafkaError)
    return [error.error.name, error.message]
  }
  return assert.fail('was accepted')
}

function altered(
  configs: Map<string, string>,
  ...[operation, key, value, scope]: [number, string, string | null, ('topic' | 'broker')?]
): Map<string, string> {
  applyAlteration(configs, operation, key, value, scope)
  return configs
}

describe('alterations', () => {
  test('SET and DELETE change one key, and nothing is copied for it', () => {
    const configs = new Map([['retention.ms', '1']])
    assert.deepEqual(Object.fromEntries(altered(configs, set, 'segment.ms', '2')), {
      'retention.ms': '1',
      'segment.ms': '2',
    })
    assert.deepEqual([...altered(configs, remove, 'retention.ms', null)], [['segment.ms', '2']])
    assert.deepEqual([...altered(configs, remove, 'retention.ms', null)], [['segment.ms', '2']])
  })

  test('APPEND adds what is not there yet, SUBTRACT takes what is', () => {
    const after = (operation: number, current: string, value: string) =>
      altered(policy(current), operation, 'cleanup.policy', value).get('cleanup.policy')
    assert.equal(after(append, 'delete', 'compact'), 'delete,compact')
    assert.equal(after(append, 'delete', 'delete, compact'), 'delete,compact')
    assert.equal(after(append, '', 'compact'), 'compact')
    assert.equal(after(subtract, 'delete,compact', 'delete'), 'compact')
    assert.equal(after(subtract, 'delete', 'compact'), 'delete')
    assert.equal(after(subtract, 'delete', 'delete'), '')
  })

  test('a list that was never set begins with its default', () => {
    const topic = altered(new Map(), append, 'cleanup.policy', 'compact')
    assert.equal(topic.get('cleanup.policy'), 'delete,compact')
    const broker = altered(new Map(), append, 'log.cleanup.policy', 'compact', 'broker')
    assert.equal(broker.get('log.cleanup.policy'), 'delete,compact')
  })

  test('APPEND and SUBTRACT are for lists only, SET needs a value, other operations are unknown', () => {
    assert.deepEqual(refusal(append, 'retention.ms', '1'), [
      'INVALID_CONFIG',
      'retention.ms: is of type long; only lists can be appended to or subtracted from',
    ])
    assert.equal(refusal(subtract, 'retention.ms', '1')[0], 'INVALID_CONFIG')
    assert.equal(refusal(set, 'retention.ms', null)[0], 'INVALID_REQUEST')
    assert.deepEqual(refusal(4, 'retention.ms', '1'), [
      'INVALID_REQUEST',
      'retention.ms: operation 4 is unknown; allowed: 0 to 3',
    ])
  })
})
