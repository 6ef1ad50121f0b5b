// Requests that were valid until something happened to them, at a whole broker: whatever it makes of them, it is foreseen.
// An answer, or the end of that connection; never an error nobody foresaw, never the end of the broker. FUZZ_SEED replays.
import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import { servedApis } from '../../src/api/dispatch.ts'
import { SeededRandom } from '../../src/lib/random.ts'
import type { Api } from '../../src/wire/api.ts'
import { apis } from '../../src/wire/apis/index.ts'
import { assertServes, fetchFrom, LATEST, offsetOf } from '../support/calls.ts'
import { type LocalBroker, startLocalBroker, suiteLifetime } from '../support/local-broker.ts'
import { RawClient, requestBytes } from '../support/raw-client.ts'
import { ValidRequests } from '../support/valid-requests.ts'

const seed = Number(process.env.FUZZ_SEED ?? 20_261_123)
const ROUNDS = Number(process.env.FUZZ_ROUNDS ?? 100)

/** Things that happen to bytes. The size in front is kept right, so that the frame is read. */
const mishaps: readonly ((bytes: Buffer, random: SeededRandom) => Buffer)[] = [
  (bytes, random) => {
    bytes[random.below(bytes.length)]! ^= 1 << random.below(8)
    return bytes
  },
  (bytes, random) => {
    bytes[random.below(bytes.length)] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][random.below(6)]!
    return bytes
  },
  (bytes, random) => {
    const at = random.below(Math.max(1, bytes.length - 4))
    if (at + 4 <= bytes.length) bytes.writeInt32BE([-1, -2, 2 ** 31 - 1, -(2 ** 31), 0][random.below(5)]!, at)
    return bytes
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => Buffer.concat([bytes, random.bytes(1 + random.below(20))]),
  (bytes, random) => {
    const at = random.below(bytes.length)
    const length = random.below(8)
    return Buffer.concat([bytes.subarray(0, at), random.bytes(length), bytes.subarray(at)])
  },
  (bytes, random) => {
    const at = random.below(bytes.length)
    return Buffer.concat([
      bytes.subarray(0, at),
      bytes.subarray(Math.min(bytes.length, at + 1 + random.below(6))),
    ])
  },
]

describe('a request to which something happened', () => {
  const lifetime = suiteLifetime()
  let local: LocalBroker
  let bystander: RawClient
  let requests: ValidRequests

  before(async () => {
    local = await startLocalBroker(lifetime, { 'socket.request.max.bytes': 100_000 })
    bystander = await local.connect()
    requests = await ValidRequests.on(bystander)
  })

  for (const { apiKey, minVersion, maxVersion } of servedApis()) {
    const api = apis.get(apiKey) as Api
    test(`${api.name} is answered or closed, and nothing else`, async () => {
      const random = new SeededRandom(seed + apiKey)
      let client = await RawClient.connect(local.port)
      for (let round = 0; round < ROUNDS; round++) {
        const lowest = Math.max(minVersion, api.versions[0])
        const version = lowest + random.below(maxVersion - lowest + 1)
        // From the API key on: not even that is sacred, but it is hit less often than the rest.
        let body = requestBytes(api, version, (await requests.for(api, version)) as never).subarray(4)
        const header = body.subarray(0, random.below(4) === 0 ? 0 : 8)
        body = Buffer.from(body.subarray(header.length))
        for (let i = 0; i <= random.below(3) && body.length > 0; i++) {
          body = Buffer.from(mishaps[random.below(mishaps.length)]!(body, random))
        }
        const size = Buffer.alloc(4)
        size.writeInt32BE(header.length + body.length)
        client.send(Buffer.concat([size, header, body]))
        // A fetch may have been told to wait for weeks, and acks = 0 has no answer: half a second is enough for others.
        await Promise.race([
          client.frame().catch(() => {}),
          new Promise((resolve) => setTimeout(resolve, 500).unref()),
        ])
        client.close()
        client = await RawClient.connect(local.port)
      }
      client.close()
      await assertServes(bystander)
      assert.deepEqual(
        local.lines.filter(({ level }) => level === 'error'),
        [],
        `FUZZ_SEED=${seed}`,
      )
      const latest = await offsetOf(bystander, 'topic', LATEST)
      assert.equal((await fetchFrom(bystander, 'topic', latest)).errorCode, 0)
    })
  }
})
