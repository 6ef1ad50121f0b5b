// The uniform assignor: members get as nearly the same number of partitions as their subscriptions allow, and keep what
// they have as far as that allows. Promises balance first, then few moves, as Apache Kafka 4.3 does (its own choice of
// partitions differs in places: see each strategy). Leaves the two strategies to the files named after them.
import type { Assignment, AssignmentSpec, ServerAssignor } from './assignor.ts'
import { assignUnlike } from './uniform-heterogeneous.ts'
import { assignAlike } from './uniform-homogeneous.ts'

export const uniformAssignor: ServerAssignor = {
  name: 'uniform',

  assign(spec: AssignmentSpec): ReadonlyMap<string, Assignment> {
    return spec.subscriptionType === 'homogeneous' ? assignAlike(spec) : assignUnlike(spec)
  },
}
