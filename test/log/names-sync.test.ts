// Names of a directory are forced to the device once for all who ask, and never when nothing has changed.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Deferred, deferred } from '../../src/lib/deferred.ts'
import { NamesSync } from '../../src/log/names-sync.ts'

function counted() {
  const running: Deferred<void>[] = []
  const names = new NamesSync(() => {
    const next = deferred()
    running.push(next)
    return next.promise
  })
  return { names, running }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('NamesSync', () => {
  test('forces what a process before this one has left, then only what has changed', async () => {
    const { names, running } = counted()
    const first = names.sync()
    running[0]!.resolve()
    await first
    await names.sync()
    assert.equal(running.length, 1)
    names.changed()
    const second = names.sync()
    running[1]!.resolve()
    await second
    assert.equal(running.length, 2)
  })

  test('a change that comes while a sync is under way needs another one, shared by all who ask', async () => {
    const { names, running } = counted()
    const early = names.sync()
    names.changed()
    let late = 0
    const askers = [names.sync(), names.sync()].map((asked) => asked.then(() => late++))
    running[0]!.resolve()
    await early
    await settled()
    assert.deepEqual([running.length, late], [2, 0])
    running[1]!.resolve()
    await Promise.all(askers)
    assert.equal(running.length, 2)
  })

  test('a failure is told to all who wait, and the next one tries again', async () => {
    const { names, running } = counted()
    const asked = [names.sync(), names.sync()]
    running[0]!.reject(new Error('EIO'))
    for (const one of asked) await assert.rejects(one, /EIO/)
    const again = names.sync()
    running[1]!.resolve()
    await again
  })
})
