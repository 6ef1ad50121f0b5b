// Produce: appends batches and answers when they are as safe as the client asked for (acks).
// Promises that everything which decides order happens before the first await. Leaves checking batches to log/, and
// committing them to partition/.
//
//  3 oldest  4 KAFKA_STORAGE_ERROR (KIP-112)  5 log start offset  8 which records were wrong (KIP-467)
// 10 the leader to turn to (KIP-951)  13 topic ids (KIP-516)
import { BatchShapeError, newUnfolding, RecordsError, type Unfolding } from '../log/append-check.ts'
import { ACKS_ALL, type Partition } from '../partition/partition.ts'
import type { ProduceRequest, produce } from '../wire/apis/produce.ts'
import { errors, KafkaError } from '../wire/errors.ts'
import * as batch from '../wire/records/batch.ts'
import { codecs } from '../wire/records/compression/index.ts'
import type { Input } from '../wire/schema.ts'
import type { BrokerContext, RequestContext } from './context.ts'
import { asKafkaError, localPartition, topicNameOf } from './each.ts'
import { currentLeaderOf, leaderEndpoints } from './leader-hint.ts'

type ProduceAnswer = Input<typeof produce.response>
type TopicAnswer = NonNullable<ProduceAnswer['responses']>[number]
type PartitionAnswer = NonNullable<TopicAnswer['partitionResponses']>[number] & {
  readonly index: number
  readonly errorCode: number
}
type TopicData = ProduceRequest['topicData'][number]
type PartitionData = TopicData['partitionData'][number]

const TOPIC_ID_VERSION = 13
const STORAGE_ERROR_VERSION = 4
/** KIP-890: from here on a client knows TRANSACTION_ABORTABLE. */
const ABORTABLE_VERSION = 11
/** KIP-110: older versions do not know zstd. */
const ZSTD_VERSION = 7
/** Only the tools of an administrator may write to internal topics, and this is how Kafka knows them. */
const ADMIN_CLIENT_ID = '__admin_client'
/** Errors that are found when the log was reached already: the answer names its real start. Measured on Apache Kafka 4.3. */
const ERRORS_OF_THE_LOG: ReadonlySet<number> = new Set([
  errors.INVALID_TIMESTAMP.code,
  errors.OUT_OF_ORDER_SEQUENCE_NUMBER.code,
  errors.INVALID_PRODUCER_EPOCH.code,
  errors.INVALID_RECORD.code,
])

/** With acks = 0 there is no room for an error but the end of the connection. */
export class UnacknowledgedError extends Error {
  override readonly name = 'UnacknowledgedError'
}

/** One partition's part: `answer` is final once `done` has resolved; `done` absent means it is final now. */
interface Pending {
  readonly answer: PartitionAnswer
  readonly done: Promise<PartitionAnswer> | undefined
}

export function handleProduce(
  request: ProduceRequest,
  context: RequestContext,
): ProduceAnswer | undefined | Promise<ProduceAnswer | undefined> {
  const requestError = refusalOf(request)
  const pendings: Pending[] = []
  const unfolding = newUnfolding()
  for (const topic of request.topicData) {
    for (const data of topic.partitionData) {
      pendings.push(
        requestError === undefined
          ? appendOne(topic, data, request, context, unfolding)
          : { answer: failure(data.index, requestError), done: undefined },
      )
    }
  }
  const waits: Promise<PartitionAnswer>[] = []
  for (const { done } of pendings) if (done !== undefined) waits.push(done)
  if (request.acks === 0) return withoutAnswer(pendings, waits)
  if (waits.length === 0)
    return answer(
      request,
      pendings.map((pending) => pending.answer),
      context,
    )
  if (pendings.length === 1) return waits[0].then((only) => answer(request, [only], context))
  return Promise.all(pendings.map((pending) => pending.done ?? pending.answer)).then((answers) =>
    answer(request, answers, context),
  )
}

/** What is wrong with the request as a whole. */
function refusalOf(request: ProduceRequest): KafkaError | undefined {
  if (request.acks !== 0 && request.acks !== 1 && request.acks !== ACKS_ALL) {
    return new KafkaError(errors.INVALID_REQUIRED_ACKS, `acks must be -1, 0 or 1, not ${request.acks}`)
  }
  if (request.transactionalId === null && request.topicData.some(hasTransactionalBatch)) {
    return new KafkaError(errors.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
  }
  return undefined
}

function hasTransactionalBatch(topic: TopicData): boolean {
  return topic.partitionData.some(({ records }) => isTransactional(records))
}

function hasHeader(records: Buffer | null): records is Buffer {
  return records !== null && records.length >= batch.HEADER_BYTES && batch.magic(records, 0) === batch.MAGIC
}

function isTransactional(records: Buffer | null): boolean {
  return hasHeader(records) && batch.isTransactional(records, 0)
}

function isZstd(records: Buffer): boolean {
  return hasHeader(records) && batch.codecOf(records, 0) === codecs.zstd
}

function appendOne(
  topic: TopicData,
  data: PartitionData,
  request: ProduceRequest,
  context: RequestContext,
  unfolding: Unfolding,
): Pending {
  const { broker, apiVersion } = context
  let partition: Partition | undefined
  try {
    const name = apiVersion >= TOPIC_ID_VERSION ? topicNameOf(broker, topic.topicId) : topic.name
    partition = localPartition(broker, name, data.index)
    if (partition.isInternal && context.clientId !== ADMIN_CLIENT_ID) {
      throw new KafkaError(
        errors.INVALID_TOPIC_EXCEPTION,
        `${name} is kept by the broker: clients cannot write to it`,
      )
    }
    if (data.records === null) {
      throw new BatchShapeError(errors.INVALID_RECORD, 'the request has no record batch')
    }
    if (apiVersion < ZSTD_VERSION && isZstd(data.records)) {
      throw new KafkaError(
        errors.UNSUPPORTED_COMPRESSION_TYPE,
        `zstd needs Produce version ${ZSTD_VERSION} or later`,
      )
    }
    if (isTransactional(data.records)) throw unverifiable(apiVersion)
    const { result, written } = partition.append(data.records, {
      origin: 'client',
      acks: request.acks,
      retain: context.bytesAreOwned,
      unfolding,
    })
    const success: PartitionAnswer = {
      index: data.index,
      errorCode: 0,
      baseOffset: result.baseOffset,
      logAppendTimeMs: result.logAppendTimeMs,
      logStartOffset: result.logStartOffset,
    }
    const done = whenSafe(partition, success, result.lastOffset, written, request, broker)
    return { answer: success, done }
  } catch (error) {
    return { answer: failure(data.index, asKafkaError(error, broker), partition), done: undefined }
  }
}

/** The batch claims to belong to a transaction, and this broker knows of none (KIP-890, part 1). */
function unverifiable(apiVersion: number): KafkaError {
  return new KafkaError(
    apiVersion >= ABORTABLE_VERSION ? errors.TRANSACTION_ABORTABLE : errors.INVALID_TXN_STATE,
    'the partition was not added to the transaction',
  )
}

async function whenSafe(
  partition: Partition,
  success: PartitionAnswer,
  lastOffset: number,
  written: Promise<void>,
  request: ProduceRequest,
  broker: BrokerContext,
): Promise<PartitionAnswer> {
  try {
    await written
    if (request.acks === ACKS_ALL) {
      const isCommitted = partition.committed(lastOffset, request.timeoutMs)
      if (isCommitted !== true && !(await isCommitted)) throw new KafkaError(errors.REQUEST_TIMED_OUT)
    }
    return success
  } catch (error) {
    return failure(success.index, asKafkaError(error, broker))
  }
}

function failure(index: number, error: KafkaError, partition?: Partition): PartitionAnswer {
  return {
    index,
    errorCode: error.code,
    baseOffset: -1,
    logStartOffset: partition !== undefined && reachedLog(error) ? partition.log.startOffset : -1,
    recordErrors: error instanceof RecordsError ? error.recordErrors : [],
    errorMessage: error.message,
  }
}

function reachedLog(error: KafkaError): boolean {
  return ERRORS_OF_THE_LOG.has(error.code) && !(error instanceof BatchShapeError)
}

/** Resolves when all is written: a write that fails has to end the connection as any other error does. */
function withoutAnswer(
  pendings: readonly Pending[],
  waits: readonly Promise<PartitionAnswer>[],
): undefined | Promise<undefined> {
  throwFailure(pendings.map((pending) => pending.answer))
  return waits.length === 0 ? undefined : Promise.all(waits).then(throwFailure)
}

function throwFailure(answers: readonly PartitionAnswer[]): undefined {
  const failed = answers.find(({ errorCode }) => errorCode !== 0)
  if (failed !== undefined) throw new UnacknowledgedError(failed.errorMessage ?? 'an append failed')
  return undefined
}

/** Older clients do not know what it means, but that there is something to try again (KIP-112). */
function isUnknownStorageError({ errorCode }: PartitionAnswer, { apiVersion }: RequestContext): boolean {
  return apiVersion < STORAGE_ERROR_VERSION && errorCode === errors.KAFKA_STORAGE_ERROR.code
}

function answer(
  request: ProduceRequest,
  answers: readonly PartitionAnswer[],
  context: RequestContext,
): ProduceAnswer {
  const { broker } = context
  let next = 0
  const movedTo = new Set<number>()
  const responses = request.topicData.map((topic) => ({
    name: topic.name,
    topicId: topic.topicId,
    partitionResponses: topic.partitionData.map(() => {
      const partitionAnswer = answers[next++]
      if (isUnknownStorageError(partitionAnswer, context)) {
        return { ...partitionAnswer, errorCode: errors.NOT_LEADER_OR_FOLLOWER.code }
      }
      if (partitionAnswer.errorCode !== errors.NOT_LEADER_OR_FOLLOWER.code) return partitionAnswer
      const currentLeader = currentLeaderOf(broker, topic, partitionAnswer.index)
      movedTo.add(currentLeader.leaderId)
      return { ...partitionAnswer, currentLeader }
    }),
  }))
  return movedTo.size === 0 ? { responses } : { responses, nodeEndpoints: leaderEndpoints(context, movedTo) }
}
