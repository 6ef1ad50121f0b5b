// ListConfigResources on the wire: both versions, the types, and one that nobody knows.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { handleListConfigResources } from '../../src/api/list-config-resources.ts'
import { listConfigResources } from '../../src/wire/apis/list-config-resources.ts'
import { errors } from '../../src/wire/errors.ts'
import { ask, withAdmin } from './admin-context.ts'

test('lists what settings can be given to, by type', () =>
  withAdmin(
    async (fixture) => {
      await fixture.createTopics({ t: 1, u: 1 })
      const operations = [{ name: 'consumer.session.timeout.ms', operation: 0, value: '50000' }]
      await fixture.controller.incrementalAlterConfigs([{ type: 32, name: 'g', operations }], {
        validateOnly: false,
      })
      const list = async (version: number, resourceTypes: number[]) => {
        const request = { resourceTypes }
        const answer = await ask(listConfigResources, handleListConfigResources, version, request, fixture)
        assert.equal(answer.errorCode, 0)
        return answer.configResources.map(({ resourceName, resourceType }) => [resourceType, resourceName])
      }
      const all = [
        [32, 'g'],
        [4, '1'],
        [4, '2'],
        [2, 't'],
        [2, 'u'],
      ]
      assert.deepEqual(await list(1, []), all)
      assert.deepEqual(await list(1, [32, 2]), [all[0], all[3], all[4]])
      assert.deepEqual(await list(1, [16, 8]), [])
      assert.deepEqual(await list(0, []), [])
    },
    { brokers: [{ id: 1 }, { id: 2 }] },
  ))

test('a type that nobody knows is UNSUPPORTED_VERSION, as in Apache Kafka', () =>
  withAdmin(async (fixture) => {
    const request = { resourceTypes: [2, 99] }
    const answer = await ask(listConfigResources, handleListConfigResources, 1, request, fixture)
    assert.deepEqual([answer.errorCode, answer.configResources], [errors.UNSUPPORTED_VERSION.code, []])
  }))
