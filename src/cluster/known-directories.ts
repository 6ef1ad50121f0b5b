// The log directories that this broker has had, as the metadata store remembers them: /log-directories/<id of the broker>.
// Promises that a directory with partitions in it is remembered until they are found or deleted, wherever it was mounted.
// Leaves what to do without one to partition/replicas.ts.
//
//   {"directories":{"<directory.id>":"<path>",...}}
import { refusalFor } from './decision-log.ts'
import { decodeDirectories, encodeDirectories, paths } from './layout.ts'
import type { Entry, MetadataStore } from './store.ts'

export class KnownDirectories {
  private readonly store: MetadataStore
  private readonly path: string
  private readonly entry: Entry | null
  private readonly known: ReadonlyMap<string, string>
  private readonly present: ReadonlyMap<string, string>

  /** `present`: paths of the directories that are there now, by their ids. */
  static async read(
    store: MetadataStore,
    brokerId: number,
    present: ReadonlyMap<string, string>,
  ): Promise<KnownDirectories> {
    return new KnownDirectories(
      store,
      paths.logDirectories(brokerId),
      present,
      await store.get(paths.logDirectories(brokerId)),
    )
  }

  private constructor(
    store: MetadataStore,
    path: string,
    present: ReadonlyMap<string, string>,
    entry: Entry | null,
  ) {
    this.store = store
    this.path = path
    this.entry = entry
    this.present = present
    this.known = entry === null ? new Map() : decodeDirectories(entry)
  }

  /** Where the directories were that are not there any more. */
  get lost(): readonly string[] {
    return [...this.known].filter(([id]) => !this.present.has(id)).map(([, path]) => path)
  }

  /**
   * Remembers what is there now, once for each start; `keepLost` as long as there are partitions that must lie elsewhere.
   * @throws KafkaError KAFKA_STORAGE_ERROR
   */
  async note(keepLost: boolean): Promise<void> {
    const directories = new Map([...(keepLost ? this.known : []), ...this.present])
    const value = encodeDirectories(directories)
    const { entry, path } = this
    if (entry !== null && Buffer.compare(entry.value, value) === 0) return
    await this.store
      .transaction([
        entry === null
          ? { kind: 'create', path, value }
          : { kind: 'put', path, value, expected: entry.version },
      ])
      .catch((error: unknown) => Promise.reject(refusalFor(error)))
  }
}
