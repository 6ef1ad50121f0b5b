// docs/api-support.md from the schemas and the table of handlers: which APIs are served, in which versions.
// Promises a row for every API key of Apache Kafka 4.3; leaves writing the page to generate-docs.ts.
import type { Api, VersionRange } from '../src/wire/api.ts'
import { absentApis } from './absent-apis.ts'
import { table } from './config-page.ts'

const intro = `# APIs of the protocol

Generated from the schemas in \`src/wire/apis\` and the table in \`src/api/handlers.ts\` (\`npm run docs\`). *Told* is what
ApiVersions tells clients: with Produce it begins at 0, because older librdkafka otherwise takes compression for
unsupported. What is not served is not told, and a request for it ends the connection.
`

/** The whole page. `servedKeys` are the APIs that have a handler. */
export function apiSupportPage(apis: Iterable<Api>, servedKeys: ReadonlySet<number>): string {
  const sorted = [...apis].sort((one, other) => one.key - other.key)
  const served = sorted
    .filter(({ key }) => servedKeys.has(key))
    .map(({ key, name, versions, advertised }) => [
      `${key}`,
      name,
      range(both(versions, advertised)),
      range(advertised),
    ])
  const waiting = sorted
    .filter(({ key }) => !servedKeys.has(key))
    .map(({ key, name, versions }) => [`${key}`, name, range(versions)])
  const absent = absentApis.map(({ key, name, versions, area }) => [
    `${key}`,
    name,
    versions === null ? 'none' : range(versions),
    area,
  ])
  return [
    intro,
    `## Served (${served.length})\n`,
    table(['Key', 'API', 'Served', 'Told'], served),
    `## Declared, not served yet (${waiting.length})\n`,
    'Their messages can be read and written in every version; no handler answers them.\n',
    table(['Key', 'API', 'Versions'], waiting),
    `## Not declared (${absent.length})\n`,
    table(['Key', 'API', 'Versions in Kafka 4.3', 'Belongs to'], absent),
  ].join('\n')
}

/** A request is served when its version has a schema and clients are told of it; unstable versions are not told. */
function both(one: VersionRange, other: VersionRange): VersionRange {
  return [Math.max(one[0], other[0]), Math.min(one[1], other[1])]
}

function range([first, last]: VersionRange): string {
  return first === last ? `${first}` : `${first}–${last}`
}
