// Runs the micro benchmarks of bench/micro, each in a process of its own so that none is compiled for another's types.
// A micro benchmark either runs when it is the main module or default-exports a function; both forms print what they find.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

const program = (file: string) => `
process.argv[1] = ${JSON.stringify(file)}
const module = await import(${JSON.stringify(pathToFileURL(file).href)})
if (typeof module.default === 'function') await module.default()
`

/** Runs those whose name contains `pattern`, one after the other. Gives an exit code: 1 if any failed or none was found. */
export function runMicro(benchDirectory: string, pattern = ''): number {
  const directory = join(benchDirectory, 'micro')
  const names = existsSync(directory) ? readdirSync(directory) : []
  const files = names.filter((name) => name.endsWith('.js') && name.includes(pattern)).sort()
  if (files.length === 0) {
    console.error(`no micro benchmark's name contains "${pattern}" (they are the files of bench/micro)`)
    return 1
  }
  let exitCode = 0
  for (const name of files) {
    console.log(`\n${name.replace(/\.js$/, '')}`)
    const args = ['--expose-gc', '--input-type=module', '--eval', program(join(directory, name))]
    if (spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0) exitCode = 1
  }
  return exitCode
}
