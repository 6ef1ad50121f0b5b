// Apache Kafka's own codecs read what ours wrote, and write it again: the bytes have to be the same. Random
// values of every message of every API in every version, and of every record of groups. Skipped with a line where Java is missing; in CI
// that is a failure.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { groupRecordKinds } from '../../../src/coordinator/group/records.ts'
import type { Message } from '../../../src/wire/api.ts'
import { apis } from '../../../src/wire/apis/index.ts'
import { flatten, Writer } from '../../../src/wire/writer.ts'
import { javaSkipReason, repositoryRoot, runJava } from '../../support/apache-kafka.ts'
import { arbitraryValue } from '../../wire/arbitrary.ts'

const VALUES_PER_VERSION = 6

interface Sample {
  readonly name: string
  /** Key, direction and version, as Rewrite.java wants them. */
  readonly address: string
  readonly hex: string
}

function samples(message: Message, address: string, version: number): Sample[] {
  const values: unknown[] = [{}, ...fc.sample(arbitraryValue(message, version), VALUES_PER_VERSION)]
  return values.map((value) => {
    const writer = new Writer()
    message.encode(writer, value as never, version)
    return { name: message.name, address, hex: flatten(writer.finish()).toString('hex') }
  })
}

/** What Kafka makes of the samples: hex, or a line that begins with `error`. */
async function rewrite(given: readonly Sample[]): Promise<string[]> {
  const source = join(repositoryRoot(), 'test/interop/schemas/Rewrite.java')
  const stdin = `${given.map(({ address, hex }) => `${address} ${hex}`).join('\n')}\n`
  const { code, stdout, stderr } = await runJava(source, [], { stdin })
  assert.equal(code, 0, stderr)
  return stdout.trimEnd().split('\n')
}

describe("Apache Kafka's codecs", { skip: javaSkipReason() }, () => {
  test('read what ours wrote, and write the same bytes', async () => {
    const given: Sample[] = []
    for (const api of apis.values()) {
      for (let version = api.versions[0]; version <= api.versions[1]; version++) {
        given.push(...samples(api.request, `${api.key} request ${version}`, version))
        given.push(...samples(api.response, `${api.key} response ${version}`, version))
      }
    }
    for (const { keyType, key, value } of Object.values(groupRecordKinds)) {
      given.push(...samples(key, `${keyType} key 0`, 0))
      for (let version = value.versions[0]; version <= value.versions[1]; version++) {
        given.push(...samples(value, `${keyType} value ${version}`, version))
      }
    }
    const answers = await rewrite(given)
    assert.equal(answers.length, given.length)
    const wrong = given.filter(({ hex }, index) => answers[index] !== hex)
    const shown = wrong.slice(0, 5).map((sample) => ({ ...sample, kafka: answers[given.indexOf(sample)] }))
    assert.deepEqual(shown, [], `${wrong.length} of ${given.length} differ`)
  })

  test('say so when bytes are not a message (the filter can fail)', async () => {
    const [short, long] = await rewrite([
      { name: 'cut', address: '0 request 9', hex: '00ffff' },
      { name: 'too long', address: '18 request 0', hex: '00' },
    ])
    assert.match(short!, /^error /)
    assert.equal(long, 'error 1 bytes left over')
  })
})
