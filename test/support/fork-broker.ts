// Starts test/support/broker-child.ts: a broker whose memory can be watched from outside.
// Promises that it is gone when the test is over, and its data on disk with it.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Memory } from './broker-child.ts'
import type { Lifetime } from './local-broker.ts'
import { scratchDirectory } from './scratch.ts'

export interface ForkedBroker {
  readonly port: number
  /** Memory of the process after its garbage was collected. */
  memory(): Promise<Memory>
}

export async function forkBroker(
  lifetime: Lifetime,
  config: Readonly<{ [key: string]: string | number }> = {},
): Promise<ForkedBroker> {
  const program = fileURLToPath(new URL('./broker-child.js', import.meta.url))
  const settings = { 'log.dirs': scratchDirectory(), ...config }
  const child = fork(program, [JSON.stringify(settings)], { execArgv: ['--expose-gc'] })
  lifetime.after(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const [{ port }] = (await once(child, 'message')) as [{ port: number }]
  return {
    port,
    async memory() {
      const answer = once(child, 'message')
      child.send('memory')
      return (await answer)[0] as Memory
    },
  }
}
