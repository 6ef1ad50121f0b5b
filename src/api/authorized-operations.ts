// The bit fields that tell a client what it may do (KIP-430): bit n stands for the AclOperation of code n.
// Promises Kafka's answer without an authorizer: everything. Leaves asking an authorizer to the day there is one.

/** What a client is told when it did not ask. */
export const OPERATIONS_NOT_ASKED = -0x80000000

const READ = 3
const WRITE = 4
const CREATE = 5
const DELETE = 6
const ALTER = 7
const DESCRIBE = 8
const CLUSTER_ACTION = 9
const DESCRIBE_CONFIGS = 10
const ALTER_CONFIGS = 11
const IDEMPOTENT_WRITE = 12

const bits = (...operations: number[]) => operations.reduce((field, operation) => field | (1 << operation), 0)

const topicOperations = bits(READ, WRITE, CREATE, DELETE, ALTER, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS)
const clusterOperations = bits(
  CREATE,
  ALTER,
  DESCRIBE,
  CLUSTER_ACTION,
  DESCRIBE_CONFIGS,
  ALTER_CONFIGS,
  IDEMPOTENT_WRITE,
)
const groupOperations = bits(READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS, ALTER_CONFIGS)

export function authorizedTopicOperations(isAsked: boolean): number {
  return isAsked ? topicOperations : OPERATIONS_NOT_ASKED
}

export function authorizedGroupOperations(isAsked: boolean): number {
  return isAsked ? groupOperations : OPERATIONS_NOT_ASKED
}

export function authorizedClusterOperations(isAsked: boolean): number {
  return isAsked ? clusterOperations : OPERATIONS_NOT_ASKED
}
