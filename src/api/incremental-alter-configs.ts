// IncrementalAlterConfigs (KIP-339): sets, resets, appends to and subtracts from single settings.
// Promises that a change which is answered without an error has taken effect. Leaves deciding to cluster/.
import type {
  IncrementalAlterConfigsRequest,
  incrementalAlterConfigs,
} from '../wire/apis/incremental-alter-configs.ts'
import type { Input } from '../wire/schema.ts'
import { alterAnswers } from './alter-configs.ts'
import type { RequestContext } from './context.ts'

export async function handleIncrementalAlterConfigs(
  request: IncrementalAlterConfigsRequest,
  context: RequestContext,
): Promise<Input<typeof incrementalAlterConfigs.response>> {
  const changes = request.resources.map(({ resourceType, resourceName, configs }) => ({
    type: resourceType,
    name: resourceName,
    operations: configs.map(({ name, configOperation, value }) => ({
      name,
      operation: configOperation,
      value,
    })),
  }))
  const { validateOnly } = request
  return {
    responses: alterAnswers(
      await context.broker.controller.incrementalAlterConfigs(changes, { validateOnly }),
    ),
  }
}
