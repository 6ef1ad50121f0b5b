// Our catalogue of errors against Apache Kafka's: every code, its name, and whether its Java client tries
// again.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { errors } from '../../../src/wire/errors.ts'
import { javaSkipReason, repositoryRoot, runJava } from '../../support/apache-kafka.ts'

test("the catalogue of errors is Apache Kafka 4.3's", { skip: javaSkipReason() }, async () => {
  const source = join(repositoryRoot(), 'test/interop/schemas/ErrorCodes.java')
  const { code, stdout, stderr } = await runJava(source)
  assert.equal(code, 0, stderr)
  const ours = Object.values(errors).map((error) => `${error.code} ${error.name} ${error.retriable}`)
  assert.deepEqual(ours, stdout.trimEnd().split('\n'))
})
