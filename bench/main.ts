// `npm run bench`: side by side with Apache Kafka 4.3.0 on this machine; or `micro`, our own parts alone; `copies`, what
// is copied in user space; `report`, a stored result shown again. Prints a table, writes bench/results/<date>-<name>.json
// and .svg. See docs/benchmarks.md.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { apacheKafkaVersion, cacheDirectory, repositoryRoot } from '../test/support/apache-kafka.ts'
import type { SideName } from './broker-process.ts'
import { runCopies } from './copies.ts'
import { runMicro } from './micro-runner.ts'
import { writePlot } from './plot.ts'
import { createProgress } from './progress.ts'
import type { Row } from './row.ts'
import { groupRows } from './rows/groups.ts'
import { javaRows } from './rows/java.ts'
import { lifecycleRows } from './rows/lifecycle.ts'
import { rawRows } from './rows/raw.ts'
import { Bench, type RowResult } from './run.ts'
import { type Labels, markdownTable, summary, terminalTable } from './table.ts'

const usage = `npm run bench -- [options]              all rows, ours against Apache Kafka ${apacheKafkaVersion}
npm run bench -- micro [pattern]         the micro benchmarks of bench/micro
npm run bench -- copies                  bytes copied in user space per byte produced and fetched
npm run bench -- report FILE.json        a stored result again, with its plot

  --only PATTERN[,PATTERN]  rows whose id contains a pattern (--list names them)
  --list                    the ids of the rows, and nothing is run
  --quick                   a fifth of the work and 2 rounds: a rough answer
  --rounds N                pairs of runs of each row (default 5, --quick 2)
  --name NAME               last part of the result's file name (default "all")
  --json                    the result as JSON on standard output instead of a table
  --markdown                the table in Markdown
  --sides ours,kafka        what to compare; kafka,kafka shows what the harness itself adds
  --broker PATH             compiled entry of our broker (default dist/cli/main.js)
  --profile DIRECTORY       writes CPU profiles of our broker there
  --data-dir DIRECTORY      where both keep their data (default .cache/bench/data)
  --heap MB                 heap of Kafka's JVM (default 1024)
  --no-write                no files in bench/results`

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    list: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    name: { type: 'string' },
    json: { type: 'boolean', default: false },
    markdown: { type: 'boolean', default: false },
    sides: { type: 'string', default: 'ours,kafka' },
    broker: { type: 'string' },
    profile: { type: 'string' },
    'data-dir': { type: 'string' },
    heap: { type: 'string', default: '1024' },
    'no-write': { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

interface Report {
  readonly date: string
  readonly name: string
  readonly commit: string
  readonly machine: Readonly<Record<string, string | number>>
  readonly labels: Labels
  readonly quick: boolean
  readonly rounds: number
  readonly rows: readonly RowResult[]
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

function said(command: string, args: readonly string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8', cwd: repositoryRoot() })
  return `${done.stdout}${done.stderr}`.trim().split('\n')[0] ?? ''
}

function positiveInteger(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1)
    fail(`--${option} must be a whole number of at least 1, not ${text}`)
  return value
}

function chosenSides(): [SideName, SideName] {
  const sides = values.sides.split(',')
  const isKnown = (side: string): side is SideName => side === 'ours' || side === 'kafka'
  if (sides.length !== 2 || !sides.every(isKnown))
    fail(`--sides must be two of ours and kafka, not ${values.sides}`)
  return sides as [SideName, SideName]
}

function chosenRows(): Row[] {
  const patterns = values.only?.split(',') ?? ['']
  const rows = [...rawRows, ...javaRows, ...groupRows, ...lifecycleRows].filter((row) =>
    patterns.some((pattern) => row.id.includes(pattern)),
  )
  if (rows.length === 0) fail(`no row's id contains ${values.only}; --list names them`)
  return rows
}

function show(report: Report): void {
  if (values.json) console.log(JSON.stringify(report, null, 2))
  else if (values.markdown) console.log(markdownTable(report.rows, report.labels))
  else console.log(terminalTable(report.rows, report.labels))
  if (values.json || values.markdown) return
  const { aim, must, missed } = summary(report.rows)
  console.log(`${aim} figures met their aim, ${must} their must, ${missed} missed it`)
}

function write(report: Report): void {
  const results = join(repositoryRoot(), 'bench/results')
  mkdirSync(results, { recursive: true })
  const path = join(results, `${report.date.slice(0, 10)}-${report.name}`)
  writeFileSync(`${path}.json`, `${JSON.stringify(report, null, 1)}\n`)
  writePlot(`${path}.svg`, report.rows, title(report))
  console.error(`written: bench/results/${basename(path)}.json and .svg`)
}

const title = (report: Report): string => {
  const { labels, date, rounds, quick } = report
  return `${labels.ours} and ${labels.theirs}, ${date.slice(0, 10)}, ${rounds} rounds${quick ? ', quick' : ''}`
}

/** Data of runs that were killed; they may hold gigabytes. */
function removeLeftOvers(directory: string): void {
  if (!existsSync(directory)) return
  for (const name of readdirSync(directory)) {
    const pid = /^run-(\d+)$/.exec(name)?.[1]
    if (pid !== undefined && !existsSync(`/proc/${pid}`)) rmSync(join(directory, name), { recursive: true })
  }
}

async function compare(): Promise<void> {
  const rows = chosenRows()
  const sides = chosenSides()
  const rounds =
    values.rounds === undefined ? (values.quick ? 2 : 5) : positiveInteger('rounds', values.rounds)
  const profile =
    values.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(values.profile)}`]
  const dataDir = join(values['data-dir'] ?? cacheDirectory('bench', 'data'), `run-${process.pid}`)
  removeLeftOvers(dirname(dataDir))
  const bench = new Bench({
    rounds,
    sides,
    quick: values.quick,
    entry: resolve(values.broker ?? join(repositoryRoot(), 'dist/cli/main.js')),
    nodeArgs: profile,
    dataDir,
    heapMb: positiveInteger('heap', values.heap),
  })
  const names = { ours: 'Odradek', kafka: `Apache Kafka ${apacheKafkaVersion}` }
  try {
    const report: Report = {
      date: new Date().toISOString(),
      name: values.name ?? 'all',
      commit: said('git', ['rev-parse', '--short', 'HEAD']),
      machine: {
        processor: cpus()[0]?.model.trim() ?? 'unknown',
        cores: cpus().length,
        memoryGb: Math.round(totalmem() / 1e9),
        node: process.version,
        java: said('java', ['-version']),
      },
      labels: {
        ours: names[sides[0]],
        theirs: sides[0] === sides[1] ? `${names[sides[1]]} again` : names[sides[1]],
      },
      quick: values.quick,
      rounds,
      rows: await bench.run(rows, createProgress(rows.length)),
    }
    show(report)
    if (!values['no-write']) write(report)
    if (report.rows.some((row) => row.errors.length > 0)) process.exitCode = 1
  } finally {
    rmSync(dataDir, { recursive: true, force: true })
  }
}

const [command, argument] = positionals
if (values.help) console.log(usage)
else if (values.list) for (const row of chosenRows()) console.log(row.id)
else if (command === undefined) await compare()
else if (command === 'micro') process.exitCode = runMicro(dirname(import.meta.filename), argument)
else if (command === 'copies') await runCopies(values.json)
else if (command === 'report' && argument !== undefined) {
  const report = JSON.parse(readFileSync(argument, 'utf8')) as Report
  show(report)
  writePlot(argument.replace(/\.json$/, '.svg'), report.rows, title(report))
} else fail(`unknown: ${positionals.join(' ')}\n${usage}`)
