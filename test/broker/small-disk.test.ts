// A full disk once more, on a real file system where this process may mount one (tmpfs, as root on Linux); elsewhere the
// same on the simulated disk.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker } from '../../src/index.ts'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { deleteTopics } from '../../src/wire/apis/delete-topics.ts'
import { append, batchOf, makeTopic, produceTo, readAll, valuesOf } from '../support/calls.ts'
import { RawClient } from '../support/raw-client.ts'
import { scratchDirectory } from '../support/scratch.ts'
import { startOnDisk } from '../support/simulated-disk.ts'

const CAPACITY_BYTES = 12 * 1024 * 1024
const STORAGE_ERROR = 56

interface Running {
  readonly port: number
  close(): Promise<void>
}

interface SmallDisk {
  readonly name: string
  start(): Promise<Running>
}

/** Undefined where nothing can be mounted. */
function mountedDisk(context: TestContext): SmallDisk | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const dataDir = scratchDirectory()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${CAPACITY_BYTES}`, 'tmpfs', dataDir])
  if (mounted.status !== 0) return undefined
  context.after(() => {
    spawnSync('umount', ['-l', dataDir])
  })
  return { name: 'tmpfs', start: () => startBroker({ dataDir }) }
}

function simulatedDisk(context: TestContext): SmallDisk {
  const files = new SimulatedFiles({ capacityBytes: CAPACITY_BYTES })
  return { name: 'simulated', start: async () => (await startOnDisk(context, files)).broker }
}

describe('a small disk', () => {
  test('fills up, refuses, is read, gets room by deletions, takes records again, and starts again', async (context) => {
    const disk = mountedDisk(context) ?? simulatedDisk(context)
    context.diagnostic(`the disk is ${disk.name}`)
    const broker = await disk.start()
    context.after(() => broker.close())
    const client = await RawClient.connect(broker.port)
    await makeTopic(client, 'ballast')
    await makeTopic(client, 'kept')
    for (let i = 0; i < 6; i++) await append(client, 'ballast', [Buffer.alloc(900_000)])
    const acknowledged: string[] = []
    for (;;) {
      const value = `${acknowledged.length} `.padEnd(50_000, 'x')
      const { errorCode, baseOffset } = await produceTo(client, 'kept', batchOf([value]))
      if (errorCode !== 0) {
        assert.equal(errorCode, STORAGE_ERROR)
        break
      }
      assert.equal(baseOffset, acknowledged.length)
      acknowledged.push(value)
    }
    assert.ok(acknowledged.length > 20)
    assert.deepEqual(valuesOf(await readAll(client, 'kept')), acknowledged)
    await client.ask(deleteTopics, 1, { topicNames: ['ballast'], timeoutMs: 1000 })
    const deadlineMs = performance.now() + 10_000
    for (;;) {
      const { errorCode, baseOffset } = await produceTo(client, 'kept', batchOf(['again'.padEnd(50_000)]))
      if (errorCode === 0) {
        assert.equal(baseOffset, acknowledged.length)
        break
      }
      assert.ok(performance.now() < deadlineMs, 'there is room again')
      await sleep(10)
    }
    client.close()
    await broker.close()
    const next = await disk.start()
    context.after(() => next.close())
    const reader = await RawClient.connect(next.port)
    const found = valuesOf(await readAll(reader, 'kept'))
    assert.deepEqual([found.slice(0, -1), found.at(-1)!.trim()], [acknowledged, 'again'])
    reader.close()
    await next.close()
  })
})
