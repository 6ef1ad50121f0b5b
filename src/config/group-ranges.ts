// What the settings of groups must be to each other: a value between its own smallest and largest, and sessions longer than
// the time between heartbeats; and which lists cannot go without something.
// Promises Apache Kafka 4.3's rules (GroupCoordinatorConfig), and problems that name both settings with their values.
import type { ConfigProblem } from './config-error.ts'

/** The settings that have a range of their own, with the names of its ends. */
interface Ranged {
  readonly key: string
  readonly value: number
  readonly min: number
  readonly max: number
}

export interface GroupRanges {
  readonly groupCoordinatorRebalanceProtocols: readonly string[]
  readonly groupConsumerAssignors: readonly string[]
  readonly groupConsumerSessionTimeoutMs: number
  readonly groupConsumerMinSessionTimeoutMs: number
  readonly groupConsumerMaxSessionTimeoutMs: number
  readonly groupConsumerHeartbeatIntervalMs: number
  readonly groupConsumerMinHeartbeatIntervalMs: number
  readonly groupConsumerMaxHeartbeatIntervalMs: number
  readonly groupConsumerAssignmentIntervalMs: number
  readonly groupConsumerMinAssignmentIntervalMs: number
  readonly groupConsumerMaxAssignmentIntervalMs: number
}

function ranged(config: GroupRanges): readonly Ranged[] {
  return [
    {
      key: 'session.timeout.ms',
      value: config.groupConsumerSessionTimeoutMs,
      min: config.groupConsumerMinSessionTimeoutMs,
      max: config.groupConsumerMaxSessionTimeoutMs,
    },
    {
      key: 'heartbeat.interval.ms',
      value: config.groupConsumerHeartbeatIntervalMs,
      min: config.groupConsumerMinHeartbeatIntervalMs,
      max: config.groupConsumerMaxHeartbeatIntervalMs,
    },
    {
      key: 'assignment.interval.ms',
      value: config.groupConsumerAssignmentIntervalMs,
      min: config.groupConsumerMinAssignmentIntervalMs,
      max: config.groupConsumerMaxAssignmentIntervalMs,
    },
  ]
}

export function groupRangeProblems(config: GroupRanges): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  if (!config.groupCoordinatorRebalanceProtocols.includes('classic')) {
    const message = 'does not name classic, which cannot be disabled'
    problems.push({ key: 'group.coordinator.rebalance.protocols', message })
  }
  if (config.groupConsumerAssignors.length === 0) {
    problems.push({ key: 'group.consumer.assignors', message: 'is empty; allowed: any of uniform, range' })
  }
  for (const { key, value, min, max } of ranged(config)) {
    const name = `group.consumer.${key}`
    if (value < min) {
      problems.push({ key: name, message: `${value} is below group.consumer.min.${key} (${min})` })
    } else if (value > max) {
      problems.push({ key: name, message: `${value} is above group.consumer.max.${key} (${max})` })
    }
  }
  const { groupConsumerHeartbeatIntervalMs: heartbeatMs, groupConsumerSessionTimeoutMs: sessionMs } = config
  if (heartbeatMs >= sessionMs) {
    const message = `${heartbeatMs} is not below group.consumer.session.timeout.ms (${sessionMs}): every member would time out`
    problems.push({ key: 'group.consumer.heartbeat.interval.ms', message })
  }
  return problems
}
