#!/usr/bin/env node
// The binary. Promises an exit code once everything printed has left. Leaves the rest to program.ts.
import { processIo } from './io.ts'
import { run } from './program.ts'

process.exitCode = await run(process.argv.slice(2), processIo())
