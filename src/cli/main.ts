#!/usr/bin/env node
// The binary. Promises an exit code once everything printed has left. Leaves the rest to program.ts.
// Node 22.8 and later keep compiled code between runs, which saves a third of the time to start; Node's own
// NODE_DISABLE_COMPILE_CACHE=1 turns that off. So nothing is imported before it is asked for.
import * as module from 'node:module'

const { enableCompileCache } = module as { enableCompileCache?: () => unknown }
enableCompileCache?.()

const { processIo } = await import('./io.ts')
const { run } = await import('./program.ts')
process.exitCode = await run(process.argv.slice(2), processIo())
