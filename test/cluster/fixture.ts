// A controller on a simulated disk, for tests of what it decides.
import { EmbeddedStore } from '../../src/cluster/embedded-store.ts'
import type { ClusterImage, ImageDelta } from '../../src/cluster/image.ts'
import { paths } from '../../src/cluster/layout.ts'
import { Membership } from '../../src/cluster/membership.ts'
import type { MetadataStore } from '../../src/cluster/store.ts'
import { StoreController } from '../../src/cluster/store-controller.ts'
import { ClusterView, type ImageSubscriber } from '../../src/cluster/view.ts'
import { type BrokerConfig, parseBrokerConfig } from '../../src/config/broker-config.ts'
import { SimulatedFiles } from '../../src/lib/files/simulated.ts'
import { silentLogger } from '../../src/lib/logger.ts'
import { SeededRandom } from '../../src/lib/random.ts'

export const DIRECTORY = '/data'
export const CLUSTER_ID = 'AAAAAAAAAAAAAAAAAAAAZZ'

export interface Fixture {
  readonly files: SimulatedFiles
  readonly embedded: EmbeddedStore
  readonly store: MetadataStore
  readonly view: ClusterView
  readonly controller: StoreController
  close(): Promise<void>
}

export interface FixtureOptions {
  readonly files?: SimulatedFiles
  /** Broker ids and racks; the first one is the controller. */
  readonly brokers?: readonly { readonly id: number; readonly rack?: string }[]
  readonly settings?: Readonly<Record<string, string>>
  readonly renewLeaders?: boolean
  readonly seed?: number
  readonly subscriber?: ImageSubscriber
}

export function newDisk(): SimulatedFiles {
  const files = new SimulatedFiles({ crashes: true })
  files.makeDirectorySync(DIRECTORY)
  files.syncDirectorySync('/')
  return files
}

export async function openFixture(options: FixtureOptions = {}): Promise<Fixture> {
  const files = options.files ?? newDisk()
  const brokers = options.brokers ?? [{ id: 1 }]
  const embedded = EmbeddedStore.open({ files, directory: DIRECTORY, logger: silentLogger })
  const store = embedded.connect()
  const view = new ClusterView({ store, clusterId: CLUSTER_ID, logger: silentLogger })
  await view.start()
  if (options.subscriber) view.subscribe(options.subscriber)
  for (const { id, rack } of brokers) {
    const endpoints = [
      { listenerName: 'PLAINTEXT', host: `host-${id}`, port: 9092, securityProtocol: 'PLAINTEXT' as const },
    ]
    await Membership.register(embedded.connect(), { id, rack: rack ?? null, endpoints })
    await view.refresh([paths.broker(id)])
  }
  const config: BrokerConfig = parseBrokerConfig(options.settings ?? {})
  const controller = await StoreController.start({
    store,
    view,
    nodeId: brokers[0]!.id,
    config: () => config,
    staticEntries: new Map(Object.entries(options.settings ?? {})),
    random: new SeededRandom(options.seed ?? 1),
    logger: silentLogger,
    renewLeaders: options.renewLeaders ?? false,
  })
  const close = async () => {
    await controller.close()
    view.close()
    await embedded.close()
  }
  return { files, embedded, store, view, controller, close }
}

/** Writes down every step it is given. */
export class Recorder implements ImageSubscriber {
  readonly steps: { image: ClusterImage; delta: ImageDelta }[] = []

  apply(image: ClusterImage, delta: ImageDelta): void {
    this.steps.push({ image, delta })
  }
}

export const topicNamed = (name: string, overrides: object = {}) => ({
  name,
  numPartitions: -1,
  replicationFactor: -1,
  assignments: [] as { partitionIndex: number; brokerIds: number[] }[],
  configs: [] as { name: string; value: string | null }[],
  ...overrides,
})

export const forReal = { validateOnly: false }
export const onlyValidate = { validateOnly: true }

/** Opens a fixture for `check`, and closes it whatever happens. */
export async function withFixture(check: (fixture: Fixture) => Promise<void>, options = {}): Promise<void> {
  const fixture = await openFixture(options)
  try {
    await check(fixture)
  } finally {
    await fixture.close()
  }
}

/** The names of the errors, `NONE` where there is none. */
export function names(outcomes: readonly { error: { name: string } }[]): string[] {
  return outcomes.map(({ error }) => error.name)
}
