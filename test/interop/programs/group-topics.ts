// The topics of a group under test: records that flow into them, and what the broker says of the group's offsets.
// Promises that each record's value tells its place (`valueAt`), and that nothing is under way once the flow has stopped.
// Leaves members to group-scenario.ts.
import assert from 'node:assert/strict'
import { incrementalAlterConfigs } from '../../../src/wire/apis/incremental-alter-configs.ts'
import { listGroups } from '../../../src/wire/apis/list-groups.ts'
import { offsetFetch } from '../../../src/wire/apis/offset-fetch.ts'
import { batchOf, LATEST, listOffset, makeTopic, produceTo } from '../../support/calls.ts'
import { RawClient } from '../../support/raw-client.ts'
import type { BrokerUnderTest } from '../support/broker-under-test.ts'
import { sleep, waitFor } from '../support/processes.ts'
import { valueAt } from './group-history.ts'

const GROUP_RESOURCE = 32
/** What Kafka says of a topic that was made a moment ago: unknown, no leader yet. */
const NOT_THERE_YET = new Set([3, 5, 6])
/** Loading, not available, not the coordinator yet: after a start. */
const COORDINATOR_NOT_THERE_YET = new Set([14, 15, 16])
const RECORDS_AT_A_TIME = 5
const PAUSE_MS = 25

export class GroupTopics {
  readonly names: string[] = []
  /** By partition (`topic-0`) the end of the log. */
  readonly ends = new Map<string, number>()
  private readonly onFailure: (error: Error) => void
  private connection: RawClient | undefined
  private flow: Promise<void> | undefined
  private isFlowing = false

  constructor(onFailure: (error: Error) => void) {
    this.onFailure = onFailure
  }

  async connect({ bootstrapServers }: BrokerUnderTest): Promise<void> {
    this.connection = await RawClient.connect(Number(bootstrapServers.split(':')[1]))
  }

  disconnect(): void {
    this.connection?.close()
  }

  /** Every partition of every topic, sorted. */
  get partitions(): string[] {
    return [...this.ends.keys()].sort()
  }

  private get client(): RawClient {
    assert.ok(this.connection, 'not connected')
    return this.connection
  }

  /** Makes a topic; records flow into it, too. */
  async add(topic: string, partitions: number): Promise<void> {
    await makeTopic(this.client, topic, { partitions })
    // Apache Kafka answers before its brokers have heard of the topic, and kafka-go does not look twice.
    for (let partition = 0; partition < partitions; partition += 1) {
      await waitFor(`a leader of ${topic}-${partition}`, async () => {
        const { errorCode } = await listOffset(this.client, topic, LATEST, { partition, version: 5 })
        return errorCode === 0 || undefined
      })
    }
    this.names.push(topic)
    for (let partition = 0; partition < partitions; partition += 1) this.ends.set(`${topic}-${partition}`, 0)
  }

  /** Writes a few records now and then, into one partition after the other, until `stopFlow`. */
  letFlow(): void {
    this.isFlowing = true
    this.flow = this.produce().catch((error: Error) => this.onFailure(error))
  }

  async stopFlow(): Promise<void> {
    this.isFlowing = false
    await this.flow
  }

  /** Gives a group settings of its own. */
  async configure(group: string, settings: Readonly<Record<string, string>>): Promise<void> {
    const { responses } = await this.client.ask(incrementalAlterConfigs, 1, {
      resources: [
        {
          resourceType: GROUP_RESOURCE,
          resourceName: group,
          configs: Object.entries(settings).map(([name, value]) => ({ name, value, configOperation: 0 })),
        },
      ],
      validateOnly: false,
    })
    assert.equal(responses[0]!.errorCode, 0, `${responses[0]!.errorMessage}`)
  }

  /** Waits until the broker calls a group of either protocol Stable: nobody has anything to give up or to wait for. */
  async stable(group: string): Promise<void> {
    await waitFor(`${group} is Stable`, async () => {
      const { groups } = await this.client.ask(listGroups, 4, { statesFilter: [] })
      return (
        groups.some(({ groupId, groupState }) => groupId === group && groupState === 'Stable') || undefined
      )
    })
  }

  /** The offsets that a group has committed, by partition. */
  async committed(group: string): Promise<Map<string, number>> {
    const topics = await waitFor(`the coordinator of ${group}`, async () => {
      const answer = await this.client.ask(offsetFetch, 7, {
        groupId: group,
        topics: null,
        requireStable: true,
      })
      if (COORDINATOR_NOT_THERE_YET.has(answer.errorCode)) return undefined
      assert.equal(answer.errorCode, 0, `OffsetFetch of ${group}`)
      return answer.topics
    })
    const rows = topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partitionIndex, committedOffset }): [string, number] => [
        `${name}-${partitionIndex}`,
        committedOffset,
      ]),
    )
    return new Map(rows)
  }

  private async produce(): Promise<void> {
    for (let turn = 0; this.isFlowing; turn += 1) {
      const partition = [...this.ends.keys()][turn % this.ends.size]!
      const end = this.ends.get(partition)!
      const dash = partition.lastIndexOf('-')
      const values = Array.from({ length: RECORDS_AT_A_TIME }, (_, index) => valueAt(partition, end + index))
      const index = Number(partition.slice(dash + 1))
      const batch = batchOf(values)
      const answer = await produceTo(this.client, partition.slice(0, dash), batch, { partition: index })
      const { errorCode, baseOffset } = answer
      if (errorCode === 0) {
        assert.equal(baseOffset, end, `${partition}: somebody else writes there`)
        this.ends.set(partition, end + values.length)
      } else {
        assert.ok(NOT_THERE_YET.has(errorCode), `${partition}: error ${errorCode}`)
      }
      await sleep(PAUSE_MS)
    }
  }
}
