// `npm run bench`: makes the builds ready and runs the compiled bench with the arguments given (`-- --help` lists them).
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { build, buildTests, install, root } from './prepare.mjs'

install()
build()
buildTests()
const args = [join(root, 'build/bench/main.js'), ...process.argv.slice(2)]
const done = spawnSync(process.execPath, ['--enable-source-maps', ...args], { cwd: root, stdio: 'inherit' })
process.exit(done.status ?? 1)
