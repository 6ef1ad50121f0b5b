// Runs the tests: installs and builds what is needed, checks style, then hands the compiled tests to Node's runner.
// `--interop` runs test/interop (real clients in other languages) instead; other arguments are path filters.
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { build, buildTests, install, root } from './prepare.mjs'

const interop = process.argv.includes('--interop')
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))

function testFiles(directory) {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) return testFiles(path)
    return entry.name.endsWith('.test.js') ? [path] : []
  })
}

function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit' })
  if (done.status !== 0) process.exit(done.status ?? 1)
}

install()
build()
buildTests()
if (!interop && filters.length === 0) {
  run(process.execPath, [join(root, 'node_modules/@biomejs/biome/bin/biome'), 'check', '.'])
}

const files = testFiles(join(root, 'build/test'))
  .map((path) => relative(root, path))
  .filter((path) => path.split(sep).includes('interop') === interop)
  .filter((path) => filters.length === 0 || filters.some((filter) => path.includes(filter)))
  .sort()
if (files.length === 0) {
  console.error(`no test file matches ${filters.join(', ') || 'at all'}`)
  process.exit(1)
}
// Interop tests measure time-outs of real clients: one file at a time, so that they do not starve each other.
const flags = interop ? ['--test-concurrency=1'] : []
run(process.execPath, ['--test', '--test-reporter=spec', '--enable-source-maps', ...flags, ...files])
