// docs/config.md from the tables of settings: one row for each, in groups.
// Promises a page that follows from the tables alone; leaves writing it to generate-docs.ts.
import { brokerKeyGroups } from '../src/config/broker-keys.ts'
import type { BrokerKeyDefinition, KeyDefinition } from '../src/config/definition.ts'
import { chainOf, groupRows, topicRows } from '../src/config/keys.ts'
import { allowedText, formatValue } from '../src/config/values.ts'

const intro = `# Settings

Names, ranges and defaults are those of Apache Kafka 4.3 wherever Kafka has the setting; \`odradek.\` marks our own. This page
is generated from the tables in \`src/config\` (\`npm run docs\`).

A broker takes its settings from, weakest first:

1. the defaults below;
2. a file in the format of Kafka's \`server.properties\`: \`odradek start --config FILE\`;
3. environment variables: \`ODRADEK_\` and the key in capitals with underscores for dots, as in
   \`ODRADEK_LOG_DIRS\`. Our own settings need their prefix only once: \`ODRADEK_LOG_TAIL_MEMORY_BYTES\`;
4. the command line: \`odradek start --set KEY=VALUE\`, as often as needed.

Of settings that say the same in other units (\`log.retention.ms\`, \`.minutes\`, \`.hours\`) the finest one counts; a stronger
place wins over a weaker one in whatever unit. An unknown key or a bad value stops the start, with every mistake
listed. A setting that Kafka knows and this broker does not use is passed over with a warning when it comes from a
file, so that a file from Kafka works, and refused when asked for by hand.

*Change*: *at start* is settled when the broker starts; *running* can be altered at any time for all brokers or for one,
with \`kafka-configs --entity-type brokers\`. What is altered for one broker is stronger than what is altered for all,
and both are stronger than the start.
`

const topicIntro = `## Topic settings

Given when a topic is created, altered at any time. A topic without a value of its own follows its broker's setting
(*From*), whenever that changes.
`

const groupIntro = `## Group settings

Of single consumer groups (KIP-848), altered at any time with \`kafka-configs --entity-type groups\`, also before the group is
there. The \`group.consumer.min.*\` and \`group.consumer.max.*\` settings of the broker bound them. A group without a value of
its own follows its broker's setting (*From*).
`

const pendingIntro = `*Waits for* marks settings that are checked, stored and told to clients, but do nothing until the named feature is there.
`

/** The whole page. */
export function configPage(): string {
  const broker = brokerKeyGroups.map(
    ([title, rows]) => `### ${title}\n\n${brokerTable(Object.entries(rows))}`,
  )
  const topic = [...topicRows].map(([name, row]) => [
    code(name),
    ...facts(name, row),
    row.brokerKey === undefined ? '' : code(row.brokerKey),
    meaning(row),
  ])
  const group = [...groupRows].map(([name, row]) => [
    code(name),
    ...facts(name, row),
    code(row.brokerKey),
    meaning(row),
  ])
  return [
    intro,
    pendingIntro,
    '## Broker settings\n',
    ...broker,
    topicIntro,
    table(['Key', 'Type', 'Default', 'Allowed', 'From', 'Meaning'], topic),
    groupIntro,
    table(['Key', 'Type', 'Default', 'Allowed', 'From', 'Meaning'], group),
  ].join('\n')
}

function brokerTable(rows: readonly [string, BrokerKeyDefinition][]): string {
  const cells = rows.map(([name, row]) => [
    code(name),
    ...facts(name, row),
    row.update === 'read-only' ? 'at start' : 'running',
    meaning(row),
  ])
  return table(['Key', 'Type', 'Default', 'Allowed', 'Change', 'Meaning'], cells)
}

function facts(name: string, row: KeyDefinition): string[] {
  const isBounded = row.type !== 'string' && row.type !== 'list'
  const allowed = row.allowed !== undefined || row.form !== undefined || isBounded ? allowedText(row) : ''
  const short = allowed.replaceAll('-9223372036854775808', '−2⁶³').replaceAll('9223372036854775807', '2⁶³−1')
  return [row.type, defaultText(name, row), short]
}

function meaning(row: KeyDefinition): string {
  return row.pending === undefined ? row.doc : `${row.doc} *Waits for ${row.pending}.*`
}

function defaultText(name: string, row: KeyDefinition): string {
  const text = formatValue(row, row.default)
  const [, standIn] = chainOf(name)
  if (text === null) return standIn === undefined ? 'none' : `that of ${code(standIn)}`
  if (text === '') return 'empty'
  if (text === '9223372036854775807') return '2⁶³−1 (never)'
  const rounded = typeof row.default === 'number' ? inWords(name, row.default) : undefined
  return rounded === undefined ? code(text) : `${code(text)} (${rounded})`
}

const timeUnits = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1000, 's'],
] as const
const byteUnits = [
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
] as const

/** 604800000 milliseconds as `7 d`, 1073741824 bytes as `1 GiB`; undefined where that says no more than the number. */
function inWords(name: string, value: number): string | undefined {
  const units = name.endsWith('.ms') ? timeUnits : name.endsWith('.bytes') ? byteUnits : []
  const unit = units.find(([size]) => value >= size && value % size === 0)
  return unit === undefined ? undefined : `${value / unit[0]} ${unit[1]}`
}

function code(text: string): string {
  return `\`${text}\``
}

/** A table in Markdown; a bar in a cell would end the cell. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heads), line(heads.map(() => '---')), ...rows.map(line), ''].join('\n')
}
