// Decides whether a client's language is there: a missing one skips its tests at home and fails them in CI.
// Promises one clear line that names the missing command, and tries Debian's packages first where that is allowed (CI, root).
// Leaves Java to test/support/apache-kafka.ts, and fetching the client itself to its environment file.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** True when `command` is an executable on the PATH. */
export function commandExists(command: string): boolean {
  for (const directory of (process.env.PATH ?? '').split(delimiter)) {
    try {
      accessSync(join(directory, command), constants.X_OK)
      return true
    } catch {
      // not in this directory
    }
  }
  return false
}

/** Installs Debian packages if this is a Debian with root (or, in CI, sudo without a password). True when it was tried. */
export function installPackages(packages: readonly string[]): boolean {
  if (!commandExists('apt-get')) return false
  const isRoot = process.getuid?.() === 0
  if (!isRoot && !process.env.CI) return false
  const prefix = isRoot ? [] : ['sudo', '-n']
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const words of [
    ['apt-get', 'update', '-qq'],
    ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages],
  ]) {
    const [command, ...args] = [...prefix, ...words]
    spawnSync(command!, args, { env, stdio: ['ignore', 'ignore', 'inherit'] })
  }
  return true
}

/**
 * The `skip` option of a test that needs `commands`: false when all are there, else the line to show.
 * `packages` are Debian packages that bring them, installed when allowed. Throws when CI is set: there nothing is left out.
 */
export function skipWithout(
  language: string,
  commands: readonly string[],
  packages: readonly string[] = [],
): string | false {
  const missing = () => commands.filter((command) => !commandExists(command))
  if (missing().length > 0 && packages.length > 0) installPackages(packages)
  const gone = missing()
  if (gone.length === 0) return false
  const line = `${language} is not installed here (no \`${gone.join('`, no `')}\` on the PATH)`
  if (process.env.CI) throw new Error(`${line}; CI must have it`)
  return line
}
