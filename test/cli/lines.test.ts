// Lines out of chunks.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { linesOf } from '../../src/cli/lines.ts'

async function lines(chunks: readonly Uint8Array[]): Promise<string[]> {
  const found: string[] = []
  const input = (async function* () {
    yield* chunks
  })()
  for await (const line of linesOf(input)) found.push(line)
  return found
}

test('lines are the same however the bytes are cut, inside a character too', async () => {
  const text = 'erste Zeile\n\nzwölf ⚙ Käse\r\nletzte ohne Ende'
  const bytes = Buffer.from(text)
  const check = async (cuts: number[]) => {
    const at = [0, ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b), bytes.length]
    const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
    assert.deepEqual(await lines(chunks), ['erste Zeile', '', 'zwölf ⚙ Käse', 'letzte ohne Ende'])
  }
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(), { maxLength: 8 }), check))
})

test('nothing gives no line, one line feed gives an empty one', async () => {
  assert.deepEqual(await lines([]), [])
  assert.deepEqual(await lines([Buffer.from('\n')]), [''])
  assert.deepEqual(await lines([Buffer.from('a\n')]), ['a'])
})
