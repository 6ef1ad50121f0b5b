// Makes a fresh clone ready: installs dependencies and compiles, each only when its inputs have changed.
// Promises that `npm start`, `npm test` and `npm run bench` need no command before them.
// --build compiles dist/ even when it looks fresh; --tests compiles build/ (src, test, bench) as well.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))

function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (done.status !== 0) {
    console.error(`\`${command} ${args.join(' ')}\` failed (exit code ${done.status ?? done.signal})`)
    process.exit(done.status ?? 1)
  }
}

function newestChangeMs(path) {
  if (!existsSync(path)) return 0
  const status = statSync(path)
  if (!status.isDirectory()) return status.mtimeMs
  let newest = status.mtimeMs
  for (const name of readdirSync(path)) newest = Math.max(newest, newestChangeMs(join(path, name)))
  return newest
}

function isOlder(target, sources) {
  if (!existsSync(join(root, target))) return true
  const made = statSync(join(root, target)).mtimeMs
  return sources.some((source) => newestChangeMs(join(root, source)) > made)
}

export function install() {
  const lock = 'node_modules/.package-lock.json'
  if (isOlder(lock, ['package-lock.json'])) {
    run('npm', [existsSync(join(root, 'package-lock.json')) ? 'ci' : 'install', '--no-audit', '--no-fund'])
  }
}

function compile(project) {
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', project])
}

export function build(always = false) {
  const sources = ['src', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json']
  if (!always && !isOlder('dist/index.js', sources)) return
  // Files that were renamed away must not linger in what gets packed.
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  compile('tsconfig.build.json')
  // `npx odradek` in this folder runs the file itself.
  chmodSync(join(root, 'dist/cli/main.js'), 0o755)
}

export function buildTests() {
  rmSync(join(root, 'build'), { recursive: true, force: true })
  compile('tsconfig.json')
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  install()
  build(process.argv.includes('--build'))
  if (process.argv.includes('--tests')) buildTests()
}
