// What the tests of the handlers of groups share: a cluster with two topics and a coordinator that says what the test wants.
import type { ErrorCode } from '../../src/wire/errors.ts'
import { KafkaError } from '../../src/wire/errors.ts'
import { type AdminFixture, withAdmin } from './admin-context.ts'

/** A broker with the topics t (2 partitions) and u (1), and a coordinator with these methods. */
export function withCoordinator(
  coordinator: object,
  check: (fixture: AdminFixture, id: (name: string) => string) => Promise<void>,
): Promise<void> {
  return withAdmin(
    async (fixture) => {
      await fixture.createTopics({ t: 2, u: 1 })
      await check(fixture, (name) => fixture.view.image().topics.get(name)!.id)
    },
    { overrides: { broker: { groupCoordinator: coordinator as never } } },
  )
}

/** A method of a coordinator that refuses everything. */
export const refusing = (error: ErrorCode) => () => Promise.reject(new KafkaError(error))
