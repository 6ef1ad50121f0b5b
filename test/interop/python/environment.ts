// A Python with the Kafka clients of requirements.txt in it, made once per content of that file under .cache/.
// Promises one clear line when Python is missing (an error in CI), and never touches the system's own packages.
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDirectory, repositoryRoot } from '../../support/apache-kafka.ts'
import { installPackages, skipWithout } from '../support/languages.ts'
import { run, runOk } from '../support/processes.ts'

export const pythonSkipReason = (): string | false =>
  skipWithout('Python', ['python3'], ['python3', 'python3-venv'])

export const pythonSource = (file: string): string =>
  join(repositoryRoot(), 'test', 'interop', 'python', file)

/** What every Python process here runs with: no compiled files beside the sources. */
export const pythonEnvironment = { PYTHONDONTWRITEBYTECODE: '1' }

/** Path of the interpreter; fetches the clients the first time (a few seconds). */
export async function pythonInterpreter(): Promise<string> {
  const requirements = pythonSource('requirements.txt')
  const key = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12)
  const environment = join(cacheDirectory('interop'), `python-venv-${key}`)
  const interpreter = join(environment, 'bin', 'python')
  if (existsSync(interpreter)) return interpreter
  // Made aside and renamed, so that a half-made one is never taken for whole.
  const half = `${environment}-half-${process.pid}`
  let made = await run('python3', ['-m', 'venv', half])
  if (made.exitCode !== 0 && installPackages(['python3-venv']))
    made = await run('python3', ['-m', 'venv', half])
  if (made.exitCode !== 0) throw new Error(`python3 -m venv failed: ${made.stdout}${made.stderr}`)
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', requirements]
  await runOk(join(half, 'bin', 'python'), pip, { timeoutMs: 300_000 })
  if (existsSync(environment)) rmSync(half, { recursive: true })
  else renameSync(half, environment)
  return interpreter
}
