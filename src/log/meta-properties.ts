// The file meta.properties of a log directory: whose it is.
// Promises to read version 1 (KRaft) and version 0 (ZooKeeper) of Apache Kafka's file, and to write version 1. Leaves
// comparing it with the broker's own settings to log-directory.ts.
//
//   version=1
//   cluster.id=22 characters    node.id=1    directory.id=22 characters       (version 0: broker.id instead of node.id)
import { join } from 'node:path'
import { formatProperties, parseProperties } from '../config/properties.ts'
import { type Files, writeAtomically } from '../lib/files/files.ts'

export const META_PROPERTIES = 'meta.properties'

export interface MetaProperties {
  /** Undefined in files of old brokers. */
  readonly clusterId: string | undefined
  readonly nodeId: number | undefined
  readonly directoryId: string | undefined
}

/** A log directory does not belong to this broker, or cannot be told whose it is. */
export class MetaPropertiesError extends Error {
  override readonly name = 'MetaPropertiesError'
}

/** Undefined when the directory has no such file, being new. Throws MetaPropertiesError. */
export function readMetaProperties(files: Files, directory: string): MetaProperties | undefined {
  const path = join(directory, META_PROPERTIES)
  if (!files.existsSync(path)) return undefined
  const entries = parseProperties(files.readFileSync(path).toString('latin1'))
  const properties = new Map(entries.map(({ key, value }) => [key, value]))
  const version = properties.get('version')
  if (version !== '0' && version !== '1') {
    throw new MetaPropertiesError(`${path}: version ${version ?? '(none)'}, but only 0 and 1 are known`)
  }
  const key = version === '0' ? 'broker.id' : 'node.id'
  const id = properties.get(key)
  if (id !== undefined && !/^\d+$/.test(id)) {
    throw new MetaPropertiesError(`${path}: ${key}=${id}, expected a number`)
  }
  if (version === '1' && (id === undefined || !properties.has('cluster.id'))) {
    throw new MetaPropertiesError(`${path}: cluster.id and node.id have to be there`)
  }
  return {
    clusterId: properties.get('cluster.id'),
    nodeId: id === undefined ? undefined : Number(id),
    directoryId: properties.get('directory.id'),
  }
}

export function writeMetaProperties(
  files: Files,
  directory: string,
  properties: { readonly clusterId: string; readonly nodeId: number; readonly directoryId: string },
): void {
  const { clusterId, nodeId, directoryId } = properties
  const text = formatProperties([
    ['cluster.id', clusterId],
    ['directory.id', directoryId],
    ['node.id', String(nodeId)],
    ['version', '1'],
  ])
  writeAtomically(files, join(directory, META_PROPERTIES), Buffer.from(text))
}
