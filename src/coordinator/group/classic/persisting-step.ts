// A step whose records are not replayed, for records of a change that is made at once.
// Promises to pass everything else on. Leaves the change to the caller.
import type { GroupStep } from '../group.ts'

/** The step, with `append` doing what `persist` does. */
export function persisting(step: GroupStep): GroupStep {
  return appending(step, (record) => step.persist(record))
}

/** The step, with another `append`. */
export function appending(step: GroupStep, append: GroupStep['append']): GroupStep {
  return {
    nowMs: step.nowMs,
    append,
    persist: (record) => step.persist(record),
    onAppendFailed: (undo) => step.onAppendFailed(undo),
    schedule: (key, delayMs, fire) => step.schedule(key, delayMs, fire),
    cancel: (key) => step.cancel(key),
    wait: () => step.wait(),
    reply: (waiter, answer) => step.reply(waiter, answer),
  }
}
