// Where we answer otherwise than Apache Kafka 4.3 on purpose, each with its reason.
// Promises that a difference matches by the name of its step and its place in the answer, and that a reason which no
// longer matches anything is noticed.
import type { Difference } from './sides.ts'

interface Known {
  readonly steps: RegExp
  readonly paths: RegExp
  /** Only when these two were answered. */
  readonly codes?: readonly [apache: number, ours: number]
  readonly reason: string
}

const closed = 'compressed batches stay closed unless the topic asks otherwise: their header stands for them'
const negative =
  'lengths below -1: Kafka takes them for -1, null; no client writes them, and not every reader takes them'
const clearer = 'Kafka fails with UNKNOWN_SERVER_ERROR (an exception nobody caught); our code says more'

const known: readonly Known[] = [
  {
    steps: /^Produce v9: null for a batch$/,
    paths: /^$/,
    reason: 'Kafka never answers; we answer INVALID_RECORD',
  },
  {
    steps: /^Produce v9: a topic without partitions$/,
    paths: /^responses\.0$/,
    reason: 'we mention the topic that was named, Kafka does not',
  },
  {
    steps: /^OffsetCommit v\d+: a topic without partitions$/,
    paths: /^topics\.0$/,
    reason: 'we mention the topic that was named, Kafka does not',
  },
  {
    steps: /^Produce v9: the same partition twice$/,
    paths: /^responses\.0\.partitionResponses\.1$/,
    reason: 'no client does this: Kafka takes the last batch, we take each',
  },
  {
    steps: /^Fetch v11: all of plain$/,
    paths: /^responses\.4\./,
    reason: 'what came of the same partition twice',
  },
  { steps: /^Produce .* codec [57]$/, paths: /\.(errorCode|logStartOffset)$/, reason: clearer },
  { steps: /^Produce .* bit over plain bytes$/, paths: /\.(errorCode|logStartOffset)$/, reason: clearer },
  {
    steps: /^Produce .*odd-(plain|append-time): snappy bit over plain bytes$/,
    paths: /\.(baseOffset|logAppendTimeMs)$/,
    reason: closed,
  },
  { steps: /^Produce .*, count 5 of 3$/, paths: /./, reason: closed },
  { steps: /^Produce .*: gzip, two hours ahead$/, paths: /recordErrors\.[12]$/, reason: closed },
  {
    steps: /^Produce v9: odd-gzip: timestamp -5$/,
    paths: /\.(errorCode|baseOffset)$/,
    reason: `${clearer}: it is taken as in a topic without compression.type`,
  },
  { steps: /^Fetch v11: all of odd-gzip$/, paths: /^responses\.30\./, reason: 'the batch with timestamp -5' },
  {
    steps: /^Fetch v11: all of odd-(plain|append-time|compacted|gzip)$/,
    paths: /^responses\.(43\.records\.0\.maxTimestamp|(4[6-9]|5[0-3])\.)/,
    reason: closed,
  },
  { steps: /^Produce v9: odd-.*: a (key|value|header value) length of -2$/, paths: /./, reason: negative },
  { steps: /^Fetch v11: all of odd-/, paths: /^responses\.7[1-3]\./, reason: negative },
  {
    steps: /^ListOffsets v11: all gone: largest$/,
    paths: /./,
    reason: 'Kafka names a record that DeleteRecords has taken away; to us there is none',
  },
  {
    steps: /^ListOffsets v11: no timestamp, largest$/,
    paths: /partitions\.2\.(offset|leaderEpoch)$/,
    reason: 'a record without a timestamp is not the one with the largest',
  },
  {
    steps: /^Fetch v17: a replica that is none$/,
    paths: /^nodeEndpoints\.0$/,
    reason: 'we name the leader where Kafka leaves it to Metadata',
  },
  {
    steps: /^CreateTopics v\d: .* only to see$|^CreateTopics v7: to see$/,
    paths: /\.topicId$/,
    reason: 'Kafka makes up an id even when it creates nothing',
  },
  {
    steps: /^CreateTopics v7: (spaces|policy-twice)/,
    paths: /\.value$/,
    reason: 'values are kept in one spelling: without spaces and repetitions',
  },
  { steps: /^CreatePartitions v3: too many$/, paths: /errorCode$/, reason: clearer },
  {
    steps: /^DeleteTopics v6: by name and by id$/,
    paths: /./,
    reason: 'no client does this: both say INVALID_REQUEST, Kafka once, we for each entry',
  },
  {
    steps: /^DescribeTopicPartitions v0: empty name$/,
    paths: /./,
    reason: clearer,
  },
  {
    steps: /^DescribeConfigs v4: of all brokers$/,
    paths: /^results\.0\.configs\.0$/,
    reason: 'Kafka fixes min.insync.replicas for the cluster when eligible leader replicas are on (KIP-966)',
  },
  {
    steps: /^DescribeConfigs v4: after that$/,
    paths: /^results\.0\.configs\.27\.synonyms\.1$/,
    reason: 'below log.retention.ms of all brokers Kafka also tells the default of log.retention.hours',
  },
  {
    steps: /^DescribeConfigs v4: of the broker$/,
    paths: /^results\.0\.configs\.0\.value$/,
    reason: 'log.retention.ms was not set: Kafka tells null, we the value that holds',
  },
  {
    steps: /^#\d+ IncrementalAlterConfigs v\d: topic-/,
    paths: /errorCode$/,
    codes: [40, 3],
    reason:
      'a topic that is not there and a setting that is wrong: Kafka tells of the setting, we of the topic',
  },
  {
    steps: /^#\d+ CreateTopics v\d: topic-/,
    paths: /errorCode$/,
    codes: [40, 37],
    reason:
      'a count of partitions and a setting that are both wrong: Kafka tells of the setting, we of the count',
  },
  { steps: /^IncrementalAlterConfigs v1: an unknown operation$/, paths: /errorCode$/, reason: clearer },
  {
    steps: /^IncrementalAlterConfigs v1: broker, (an unknown setting|bad value)$/,
    paths: /errorCode$/,
    reason: 'settings of brokers that nobody knows, or that make no sense, are INVALID_CONFIG',
  },
  {
    steps: /^(AlterConfigs v2|IncrementalAlterConfigs v1): the same topic twice$/,
    paths: /^/,
    reason: 'both refuse it: Kafka once for each entry, or with no answer at all; we once',
  },
  {
    steps: /^Metadata v1\d: (neither name nor id|id before version 12)$/,
    paths: /./,
    reason: 'both refuse the topic; we still name the brokers, and have a code for it',
  },
  {
    steps: /^Fetch v12: isolation level 2$/,
    paths: /./,
    reason: `${clearer}: every level but 1 is read_uncommitted`,
  },
  {
    steps: /^Fetch v12: (partition|request) limit -1/,
    paths: /./,
    reason: `${clearer}: a limit below 0 is one of 0, and the first batch is served`,
  },
  {
    steps: /^Fetch v12: request limit (200|700|1000), two partitions$/,
    paths: /^responses\.1\.records\.0$/,
    reason: 'Kafka fills the limit with a batch that it cuts; we serve whole ones, so more room is left',
  },
]

const used = new Set<Known>()

export function isKnown({ step, path, apache, ours }: Difference): boolean {
  const found = known.find(({ steps, paths, codes }) => {
    if (codes !== undefined && (apache !== codes[0] || ours !== codes[1])) return false
    return steps.test(step) && paths.test(path)
  })
  if (found !== undefined) used.add(found)
  return found !== undefined
}

/** Reasons that explained nothing in this run; those of random steps may have had no occasion. */
export function unusedReasons(): string[] {
  return known
    .filter((entry) => !used.has(entry) && !entry.steps.source.startsWith('^#'))
    .map(({ steps, reason }) => `${steps}: ${reason}`)
}
