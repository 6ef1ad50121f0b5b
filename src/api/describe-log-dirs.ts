// DescribeLogDirs (KIP-113): which replicas lie in which log directory, and how large they are.
// Promises one result per directory; one that went offline has an error and nothing else. Leaves sizes to partition/.
//
//  4 size of the volume and what is free on it (KIP-827)   5 whether the directory takes new replicas (KIP-1066)

import type { LogDirectoryReport } from '../partition/replicas.ts'
import type { DescribeLogDirsRequest, describeLogDirs } from '../wire/apis/describe-log-dirs.ts'
import { errors } from '../wire/errors.ts'
import type { Input } from '../wire/schema.ts'
import type { RequestContext } from './context.ts'

type Answer = Input<typeof describeLogDirs.response>
type DirectoryAnswer = NonNullable<Answer['results']>[number]
type TopicAnswer = NonNullable<DirectoryAnswer['topics']>[number]
type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number]

export async function handleDescribeLogDirs(
  request: DescribeLogDirsRequest,
  { broker }: RequestContext,
): Promise<Answer> {
  const asked =
    request.topics && new Map(request.topics.map(({ topic, partitions }) => [topic, new Set(partitions)]))
  const reports: readonly LogDirectoryReport[] = await broker.replicas.logDirectories()
  return { errorCode: errors.NONE.code, results: reports.map((report) => answerOne(report, asked)) }
}

function answerOne(
  report: LogDirectoryReport,
  asked: ReadonlyMap<string, ReadonlySet<number>> | null,
): DirectoryAnswer {
  if (report.isOffline) return { errorCode: errors.KAFKA_STORAGE_ERROR.code, logDir: report.path, topics: [] }
  const topics = new Map<string, PartitionAnswer[]>()
  for (const { topic, index, sizeInBytes } of report.replicas) {
    if (asked !== null && !asked.get(topic)?.has(index)) continue
    const partitions = topics.get(topic) ?? []
    topics.set(topic, partitions)
    partitions.push({ partitionIndex: index, partitionSize: sizeInBytes, offsetLag: 0, isFutureKey: false })
  }
  return {
    errorCode: errors.NONE.code,
    logDir: report.path,
    topics: Array.from(topics, ([name, partitions]) => ({ name, partitions })),
    totalBytes: report.totalBytes,
    usableBytes: report.freeBytes,
    isCordoned: false,
  }
}
