// The timelines of groups: what is kept of them, and how little memory that takes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Timelines } from '../../src/coordinator/group/timeline.ts'
import { clientReason } from '../../src/coordinator/group/words.ts'
import { SimulatedClock } from '../../src/lib/clock.ts'

const event = (reason: string) => ({ kind: 'member-left', reason }) as const

test('the last 200 events of a group are kept', () => {
  const timelines = new Timelines(new SimulatedClock())
  for (let i = 0; i < 250; i++) timelines.note('g', event(`event ${i}`))
  assert.equal(timelines.of('g').length, 200)
  assert.equal(timelines.of('g')[0]?.reason, 'event 50')
})

test('of all groups 200,000 events are kept: the groups go first to which nothing has happened for the longest', () => {
  const timelines = new Timelines(new SimulatedClock())
  for (let group = 0; group < 1005; group++) {
    for (let i = 0; i < 200; i++) timelines.note(`g${group}`, event('left'))
    timelines.note('busy', event('left'))
  }
  let kept = timelines.of('busy').length
  assert.equal(kept, 200)
  assert.equal(timelines.of('g0').length, 0)
  assert.equal(timelines.of('g1004').length, 200)
  for (let group = 0; group < 1005; group++) kept += timelines.of(`g${group}`).length
  assert.ok(kept > 199_000 && kept <= 200_000, `${kept} events`)
})

test('an event keeps nothing of long texts but what it shows', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const timelines = new Timelines(new SimulatedClock())
  collect()
  const before = process.memoryUsage().heapUsed
  for (let i = 0; i < 2000; i++) {
    const reason = Buffer.alloc(30_000, 0x61 + (i % 20)).toString()
    timelines.note(`g${i % 100}`, event(`it left${clientReason(reason)}`))
  }
  collect()
  const grown = process.memoryUsage().heapUsed - before
  assert.ok(grown < 10_000_000, `${grown} bytes for 2000 events`)
})
