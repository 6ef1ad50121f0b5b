// The cluster of a single broker, put together: embedded store, view, registration, controller.
// Promises that what it returns is complete: the broker is registered, it is the controller, and every partition that it can
// lead has it as its leader. Leaves log directories and what is in them to its caller, who reports what was found.
import type { BrokerConfig } from '../config/broker-config.ts'
import type { Files } from '../lib/files/files.ts'
import type { Logger } from '../lib/logger.ts'
import type { Random } from '../lib/random.ts'
import { adoptable, type FoundPartition } from './adopt.ts'
import type { Controller } from './controller.ts'
import { EmbeddedStore } from './embedded-store.ts'
import { KnownDirectories } from './known-directories.ts'
import { decodeMeta, paths } from './layout.ts'
import { type BrokerDescription, Membership } from './membership.ts'
import { metadataDirectory, noteMetadataPlace } from './metadata-place.ts'
import type { MetadataStore } from './store.ts'
import { StoreController } from './store-controller.ts'
import { ClusterView } from './view.ts'

export interface LocalClusterOptions {
  readonly files: Files
  /** All log directories, by their ids. They exist and are locked; one of them has the metadata, to begin with the first. */
  readonly logDirectories: ReadonlyMap<string, string>
  /** From meta.properties. */
  readonly clusterId: string
  readonly broker: BrokerDescription
  /** The broker settings in force now. Asked from the first decision on. */
  config(): BrokerConfig
  readonly staticEntries: ReadonlyMap<string, string>
  /** Partition directories on disk; asked for only when the store is new, to adopt them. */
  found(): readonly FoundPartition[]
  /** The last run did not stop cleanly: leaders get a new epoch, because logs may have lost what was never synced. */
  readonly wasUnclean: boolean
  readonly random: Random
  readonly logger: Logger
}

export interface LocalCluster {
  readonly view: ClusterView
  readonly controller: Controller
  readonly membership: Membership
  readonly directories: KnownDirectories
  /** Ends with 'lost' when the metadata log fails: the broker has to stop. */
  readonly session: MetadataStore['session']
  close(): Promise<void>
}

/** The data belongs to another cluster than meta.properties says. */
export class ForeignMetadataError extends Error {
  override readonly name = 'ForeignMetadataError'
}

/** Throws CorruptMetadataError, MetadataMissingError, LayoutError or ForeignMetadataError when the metadata cannot be used. */
export async function openLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { files, clusterId, logger } = options
  const logDirectories = [...options.logDirectories.values()]
  const directory = metadataDirectory(files, logDirectories)
  const embedded = EmbeddedStore.open({ files, directory, logger })
  const store = embedded.connect()
  const view = new ClusterView({ store, clusterId, logger })
  const close = async () => {
    view.close()
    await embedded.close()
  }
  try {
    const isNew = await isNewStore(store, directory, clusterId)
    await view.start()
    const directories = await KnownDirectories.read(store, options.broker.id, options.logDirectories)
    const membership = await Membership.register(store, options.broker)
    await view.refresh([paths.broker(options.broker.id)])
    const { broker, config, staticEntries, random, wasUnclean } = options
    const controller = await StoreController.start({
      store,
      view,
      nodeId: broker.id,
      config,
      staticEntries,
      random,
      logger,
      renewLeaders: wasUnclean,
    })
    if (isNew) {
      await controller.adopt(
        adoptable({ files, logDirectories, nodeId: broker.id, random, logger }, options.found()),
      )
    }
    noteMetadataPlace(files, options.logDirectories, directory, logger)
    const stop = async () => {
      await controller.close()
      await close()
    }
    return { view, controller, membership, directories, session: store.session, close: stop }
  } catch (error) {
    await close()
    throw error
  }
}

/** True when the store is new: its `/meta` is written last, after everything that was to be adopted. */
async function isNewStore(store: MetadataStore, directory: string, clusterId: string): Promise<boolean> {
  const known = await store.get(paths.meta)
  if (known === null) return true
  const found = decodeMeta(known).clusterId
  if (found !== clusterId) {
    throw new ForeignMetadataError(
      `the metadata in ${directory} belongs to cluster ${found}, but meta.properties says ${clusterId}`,
    )
  }
  return false
}
