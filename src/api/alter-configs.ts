// AlterConfigs: replaces all of a resource's own settings; what is not named goes back to its default.
// Promises that a change which is answered without an error has taken effect. Leaves deciding to cluster/.
import type { ConfigOutcome } from '../cluster/controller.ts'
import type { AlterConfigsRequest, alterConfigs } from '../wire/apis/alter-configs.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'

export async function handleAlterConfigs(
  request: AlterConfigsRequest,
  context: RequestContext,
): Promise<Input<typeof alterConfigs.response>> {
  const changes = request.resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    configs,
  }))
  const { validateOnly } = request
  return { responses: alterAnswers(await context.broker.controller.alterConfigs(changes, { validateOnly })) }
}

/** The answer that AlterConfigs and IncrementalAlterConfigs share. */
export function alterAnswers(outcomes: readonly ConfigOutcome[]) {
  return outcomes.map(({ type, name, error, message }) => ({
    errorCode: error.code,
    errorMessage: message,
    resourceType: type,
    resourceName: name,
  }))
}
