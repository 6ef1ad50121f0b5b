// Who may import whom: the layers of docs/architecture.md.
// Promises a violation for every import that goes up or sideways; leaves packages from npm alone.
import { dirname, join } from 'node:path/posix'
import { eachLine, type Rule } from './source-file.ts'

const everything = [
  'lib',
  'wire',
  'config',
  'net',
  'log',
  'cluster',
  'security',
  'partition',
  'coordinator',
  'api',
  'console',
  'cli',
]

/** For each layer the layers it may import besides itself. A file directly under src/ is a layer of its own. */
const layers: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  wire: ['lib'],
  // Only for the catalogue of errors: a refused setting is an outcome of the protocol.
  config: ['lib', 'wire'],
  net: ['lib', 'wire', 'config'],
  log: ['lib', 'wire', 'config'],
  cluster: ['lib', 'wire', 'config'],
  security: ['lib', 'wire', 'config', 'cluster'],
  partition: ['lib', 'wire', 'config', 'log', 'cluster'],
  coordinator: ['lib', 'wire', 'config', 'log', 'cluster', 'partition'],
  api: ['lib', 'wire', 'config', 'log', 'cluster', 'partition', 'coordinator', 'security'],
  'broker.ts': everything.filter((layer) => layer !== 'console' && layer !== 'cli'),
  'index.ts': [...everything.filter((layer) => layer !== 'console' && layer !== 'cli'), 'broker.ts'],
  console: ['lib', 'wire', 'net', 'index.ts'],
  cli: ['lib', 'wire', 'net', 'index.ts'],
}

const imported = /(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']*)'/

/** Relative imports of src/ go only to the layers below, and say `.ts`. */
export const importDirection: Rule = (file) =>
  eachLine(file, file.uncommented, (line) => {
    const target = imported.exec(line)?.[1]
    return target === undefined ? undefined : problemOf(file.path, target)
  })

function problemOf(path: string, target: string): string | undefined {
  if (!/\.(ts|json)$/.test(target)) return `import '${target}' has to end in .ts`
  const from = layerOf(path)
  const to = layerOf(join(dirname(path), target))
  const allowed = layers[from]
  if (allowed === undefined) return `${from} is not a layer of docs/architecture.md`
  if (from === to || allowed.includes(to)) return undefined
  return `${from} must not import ${to} (${target}); it may import ${['itself', ...allowed].join(', ')}`
}

function layerOf(path: string): string {
  const [, layer = ''] = path.split('/')
  return layer
}
