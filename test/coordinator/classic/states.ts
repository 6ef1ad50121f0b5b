// A classic group in each of its states, for rules that say something about all of them.
import { GroupScript } from './script.ts'

/** The group g in each state, with members a (leads) and b. */
export const states = {
  PreparingRebalance: () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    group.enter('c')
    return group
  },
  CompletingRebalance: () => {
    const group = new GroupScript()
    group.enter('a')
    group.enter('b')
    group.advance(0)
    group.heard()
    return group
  },
  Stable: () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    return group
  },
  Empty: () => {
    const group = new GroupScript()
    group.settle('a', 'b')
    group.leave('a')
    group.leave('b')
    group.heard()
    return group
  },
} as const
export const stateNames = Object.keys(states) as (keyof typeof states)[]
