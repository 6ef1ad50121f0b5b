// Every API that is advertised, in the oldest and the newest version of its range: a small request gets its answer.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { servedApis } from '../../src/api/dispatch.ts'
import type { Api } from '../../src/wire/api.ts'
import { apiVersions } from '../../src/wire/apis/api-versions.ts'
import { apis } from '../../src/wire/apis/index.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import type { RawClient } from '../support/raw-client.ts'
import { ValidRequests } from '../support/valid-requests.ts'

/** What an answer must have: its error codes are read out of it wherever they are. */
function errorCodesIn(value: unknown): number[] {
  if (Array.isArray(value)) return value.flatMap(errorCodesIn)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return []
  return Object.entries(value).flatMap(([key, inner]) =>
    key === 'errorCode' ? [inner as number] : errorCodesIn(inner),
  )
}

describe('the advertised versions', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let client: RawClient
  let requests: ValidRequests

  before(async () => {
    local = await startLocalBroker(lifetime)
    client = await local.connect()
    requests = await ValidRequests.on(client)
  })

  for (const { apiKey, minVersion, maxVersion } of servedApis()) {
    const api = apis.get(apiKey) as Api
    // Produce 0 to 2 are advertised for old librdkafka's sake, but closed (wire-frames.test.ts).
    const range = [Math.max(minVersion, api.versions[0]), maxVersion] as const
    for (const version of new Set(range)) {
      test(`${api.name} ${version}`, async () => {
        const answer = await client.ask(api, version, (await requests.for(api, version)) as never)
        const codes = new Set(errorCodesIn(answer))
        codes.delete(0)
        assert.deepEqual([...codes], [], JSON.stringify(answer))
      })
    }
  }

  test('ApiVersions tells exactly these, in every version', async () => {
    for (let version = apiVersions.versions[0]; version <= apiVersions.versions[1]; version++) {
      const request = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
      const { errorCode, apiKeys } = await client.ask(apiVersions, version, request)
      assert.equal(errorCode, 0)
      const told = apiKeys.map(({ apiKey, minVersion, maxVersion }) => ({ apiKey, minVersion, maxVersion }))
      assert.deepEqual(told, servedApis())
    }
  })

  test('one version above and below each range closes the connection', async () => {
    for (const { apiKey, minVersion, maxVersion } of servedApis()) {
      if (apiKey === apiVersions.key) continue
      for (const version of [minVersion - 1, maxVersion + 1]) {
        const stranger = await local.connect()
        const header = Buffer.alloc(64)
        header.writeInt32BE(60, 0)
        header.writeInt16BE(apiKey, 4)
        header.writeInt16BE(version, 6)
        stranger.send(header)
        await stranger.closed
        assert.equal(stranger.bytesReceived, 0, `${apiKey} version ${version}`)
      }
    }
  })
})
