// Dumps the text files of a log directory: checkpoints, partition.metadata, meta.properties, the clean-shutdown mark.
// Promises to check a checkpoint's version, count and shape.
//
//   checkpoint:  "0" | number of entries | one line each: `topic partition offset`, or for leader epochs `epoch startOffset`
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import type { Dump } from './row.ts'

const CHECKPOINT_VERSION = '0'

export function* dumpCheckpoint(path: string): Dump {
  const [version, count, ...lines] = readFileSync(path, 'utf8').replace(/\n$/, '').split('\n')
  if (version?.trim() !== CHECKPOINT_VERSION) {
    const problem = `version ${JSON.stringify(version ?? '')} where ${CHECKPOINT_VERSION} is known`
    yield { fields: { kind: 'checkpoint' }, text: problem, problem }
    return
  }
  const isEpochs = basename(path) === 'leader-epoch-checkpoint'
  for (const line of lines) {
    const words = line.trim().split(/\s+/)
    const numbers = words.slice(isEpochs ? 0 : 1).map(Number)
    const [first, second] = numbers
    if (numbers.length !== 2 || !numbers.every(Number.isSafeInteger)) {
      yield { fields: { kind: 'damage', line }, text: line, problem: `not an entry: ${JSON.stringify(line)}` }
    } else if (isEpochs) {
      yield {
        fields: { kind: 'leader-epoch', epoch: first, startOffset: second },
        text: `epoch ${first}  from offset ${second}`,
      }
    } else {
      const topic = words[0]
      yield {
        fields: { kind: 'offset', topic, partition: first, offset: second },
        text: `${topic}-${first}  offset ${second}`,
      }
    }
  }
  if (Number(count) !== lines.length) {
    const problem = `${lines.length} entries where ${count} are announced`
    yield { fields: { kind: 'damage' }, text: problem, problem }
  }
}

/** Lines of `key=value`, `key: value` or whatever is there. */
export function* dumpProperties(path: string): Dump {
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    const text = line.trim()
    if (text === '' || text.startsWith('#')) continue
    const pair = /^([^=:{]+)[=:]\s*(.*)$/.exec(text)
    const fields =
      pair === null ? { kind: 'line', text } : { kind: 'property', key: pair[1]!.trim(), value: pair[2] }
    yield { fields, text }
  }
}
