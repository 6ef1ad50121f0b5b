// A topic that a coordinator keeps its state in, brought into being when somebody first asks for the coordinator.
// Promises one attempt at a time, and that when `ensure` resolves the topic is there. Leaves the settings to the coordinator
// and making topics to the controller.
import type { Controller, TopicToCreate } from '../cluster/controller.ts'
import type { ClusterImage } from '../cluster/image.ts'
import type { Logger } from '../lib/logger.ts'
import { errors, KafkaError } from '../wire/errors.ts'

export interface InternalTopicOptions {
  readonly topic: () => TopicToCreate
  readonly image: () => ClusterImage
  readonly controller: Pick<Controller, 'createTopics'>
  readonly logger: Logger
}

export class InternalTopic {
  private readonly options: InternalTopicOptions
  private creation: Promise<void> | undefined

  constructor(options: InternalTopicOptions) {
    this.options = options
  }

  /** Creates the topic unless it exists. @throws KafkaError (rejected) COORDINATOR_NOT_AVAILABLE with the reason */
  ensure(): Promise<void> | undefined {
    const topic = this.options.topic()
    if (this.options.image().topics.has(topic.name)) return undefined
    this.creation ??= this.create(topic).finally(() => {
      this.creation = undefined
    })
    return this.creation
  }

  private async create(topic: TopicToCreate): Promise<void> {
    const [outcome] = await this.options.controller.createTopics([topic], { validateOnly: false })
    const { error, message } = outcome!
    if (error === errors.NONE || error === errors.TOPIC_ALREADY_EXISTS) return
    this.options.logger.error('an internal topic could not be created', {
      topic: topic.name,
      reason: message,
    })
    throw new KafkaError(errors.COORDINATOR_NOT_AVAILABLE, `${topic.name} could not be created: ${message}`)
  }
}
