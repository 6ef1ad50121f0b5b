// What the checks of a restart have in common, whatever language the client's program is in.
// Leaves what the program prints at its end to the tests.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { collect, type launch, sleep } from './processes.ts'

/** For how long records flow before and after, in ms. */
const FLOW_MS = 300

/**
 * Restarts the broker once `child` has said that its records flow, and tells it so. Gives the last line it says; fails with
 * everything it said if it ends in an error.
 */
export async function lastWordsAround(
  child: ReturnType<typeof launch>,
  restart: () => Promise<void>,
): Promise<string> {
  const errors = collect(child.stderr)
  const closed = once(child, 'close')
  const lines: string[] = []
  for await (const line of createInterface(child.stdout)) {
    lines.push(line)
    if (line !== 'flowing') continue
    await sleep(FLOW_MS)
    await restart()
    await sleep(FLOW_MS)
    child.stdin.write('restarted\n')
  }
  const [exitCode] = await closed
  assert.equal(exitCode, 0, `${lines.join('\n')}\n${errors()}`)
  return lines.at(-1)!
}
