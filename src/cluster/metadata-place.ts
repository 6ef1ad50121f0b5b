// Which of the log directories has the metadata: a file in each of the others says so.
// Promises that a broker whose disk with the metadata is not there does not begin with new ones: its topics would be there,
// but with the default settings, and retention would delete what was to be kept. Leaves reading it to embedded-store.ts.
//
//   odradek-metadata.place    directory.id and path of the log directory that has the metadata
import { type Files, writeAtomically } from '../lib/files/files.ts'
import type { Logger } from '../lib/logger.ts'
import { EmbeddedStore } from './embedded-store.ts'

const PLACE_NAME = 'odradek-metadata.place'

/** The metadata of these log directories lie in one that is not among them. */
export class MetadataMissingError extends Error {
  override readonly name = 'MetadataMissingError'
}

/**
 * The directory that has the metadata, or is to have it: the first, when they are all new or another broker's.
 * @throws MetadataMissingError, CorruptMetadataError when several have metadata
 */
export function metadataDirectory(files: Files, directories: readonly string[]): string {
  const found = EmbeddedStore.find(files, directories)
  if (found !== undefined) return found
  const pointing = directories.find((directory) => files.existsSync(`${directory}/${PLACE_NAME}`))
  if (pointing === undefined) return directories[0]!
  const [id, ...path] = files.readFileSync(`${pointing}/${PLACE_NAME}`).toString().trimEnd().split(' ')
  throw new MetadataMissingError(
    `the metadata of ${pointing} lie in another log directory, ${path.join(' ')} (directory.id=${id}), which is not there: ` +
      `add it to log.dirs or mount its disk. Without it only the names of topics are left: to go on with default ` +
      `settings all the same, remove ${PLACE_NAME} from ${directories.join(', ')}`,
  )
}

/** Writes into the other directories, known by their ids, where the metadata lie. A failure is told, and tried again by the next start. */
export function noteMetadataPlace(
  files: Files,
  directories: ReadonlyMap<string, string>,
  metadata: string,
  logger: Logger,
): void {
  const [id] = [...directories].find(([, path]) => path === metadata)!
  const text = Buffer.from(`${id} ${metadata}\n`)
  for (const directory of directories.values()) {
    const path = `${directory}/${PLACE_NAME}`
    try {
      if (directory === metadata) files.unlinkSync(path)
      else if (!files.existsSync(path) || Buffer.compare(files.readFileSync(path), text) !== 0) {
        writeAtomically(files, path, text)
      }
    } catch (error) {
      logger.warn('where the metadata lie could not be noted', { path, reason: (error as Error).message })
    }
  }
}
