// What a simulated group stands in: settings and faults that differ from history to history, topics, a step for looking.
import type { TopicImage } from '../../../src/cluster/image.ts'
import { type BrokerConfig, parseBrokerConfig } from '../../../src/config/broker-config.ts'
import type { GroupStep } from '../../../src/coordinator/group/group.ts'
import { topicImage } from '../../partition/stage.ts'
import type { Faults, World } from './world.ts'

const settings = {
  'group.consumer.session.timeout.ms': '12000',
  'group.consumer.min.session.timeout.ms': '6000',
  'group.consumer.heartbeat.interval.ms': '3000',
  'group.consumer.min.heartbeat.interval.ms': '1000',
}

const configs = new Map<string, BrokerConfig>()

/** Waits and sizes of the kinds that there are. */
export function configOf(world: World): BrokerConfig {
  const delay = world.pick(['0', '1000', '3000'])
  const interval = world.pick(['0', '1000', '1000', '5000'])
  const size = world.pick(['3', '100', '100', '100'])
  const key = `${delay} ${interval} ${size}`
  let config = configs.get(key)
  if (config === undefined) {
    config = parseBrokerConfig({
      ...settings,
      'group.initial.rebalance.delay.ms': delay,
      'group.consumer.assignment.interval.ms': interval,
      'group.max.size': size,
      'group.consumer.max.size': size,
    })
    configs.set(key, config)
  }
  return config
}

export function faultsOf(world: World): Faults {
  const level = world.pick([0, 0.01, 0.05])
  return {
    requestLost: level,
    answerLost: level,
    slow: world.pick([0, level, 0.2]),
    late: level / 2,
    appendFails: world.pick([0, 0.02]),
  }
}

export function topicOf(name: string, partitions: number): TopicImage {
  return topicImage(name, { id: `${name}AAAAAAAAAAAAAAAAAAAA`.slice(0, 22), partitions })
}

/** For looking only: nothing comes of it. */
export function idleStep(nowMs: number): GroupStep {
  return {
    nowMs,
    append: () => {},
    persist: () => {},
    onAppendFailed: () => {},
    schedule: () => {},
    cancel: () => {},
    wait: () => ({}),
    reply: () => {},
  }
}
