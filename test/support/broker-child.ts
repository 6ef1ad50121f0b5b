// A broker in a process of its own that can be asked about that process: the program that `forkBroker` runs.
// Promises to end when its parent does. Not a test.
import { startBroker } from '../../src/index.ts'

export type Question = 'memory' | 'close'
export interface Memory {
  readonly rss: number
  readonly arrayBuffers: number
}

if (process.send !== undefined) {
  const tell = process.send.bind(process)
  const broker = await startBroker({ config: JSON.parse(process.argv[2] ?? '{}') })
  process.on('disconnect', () => process.exit())
  process.on('message', async (question: Question) => {
    if (question === 'close') {
      await broker.close()
      process.disconnect()
      return
    }
    globalThis.gc?.()
    const { rss, arrayBuffers } = process.memoryUsage()
    tell({ rss, arrayBuffers } satisfies Memory)
  })
  tell({ port: broker.port })
}
