// The `odradek` command: finds the module of the command that was asked for and runs it.
// Promises an exit code and never a stack trace; loads nothing of the other commands, so that `start` starts fast.
// Leaves options and work to one file per command.
import { Command, CommanderError, Help, type Option } from 'commander'
import { exitCodeOf, exitCodes, explain } from './failure.ts'
import { type Io, keepAlive, packageVersion } from './io.ts'
import type { CommandModule } from './options.ts'

interface Entry {
  readonly summary: string
  readonly load: () => Promise<CommandModule>
}

const entries: Readonly<Record<string, Entry>> = {
  start: { summary: 'run a broker', load: () => import('./start.ts') },
  topics: { summary: 'list, create, describe, delete and alter topics', load: () => import('./topics.ts') },
  groups: {
    summary: 'list, describe and explain consumer groups, reset their offsets',
    load: () => import('./groups.ts'),
  },
  produce: { summary: 'write lines from standard input as records', load: () => import('./produce.ts') },
  consume: { summary: 'print records', load: () => import('./consume.ts') },
  perf: { summary: 'measure producing and consuming', load: () => import('./perf.ts') },
  'dump-log': {
    summary: 'show what is in the files of a log directory',
    load: () => import('./dump-log.ts'),
  },
}

const EXAMPLES = `
Examples:
  $ odradek start                                  a broker on 127.0.0.1:9092, its data in ./data
  $ odradek topics create orders --partitions 3
  $ echo 'first' | odradek produce orders
  $ odradek consume orders --from-beginning
  $ odradek help topics                            more about a command

Exit codes: 0 done, 1 failed, 2 called wrongly.`

/** Runs the command line `words` (without node and script) and answers the exit code. */
export async function run(words: readonly string[], io: Io): Promise<number> {
  const release = keepAlive()
  let code: number = exitCodes.ok
  try {
    const program = await makeProgram(words, io, (failed) => {
      code = failed
    })
    await program.parseAsync([...words], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    io.note(`odradek: ${explain(error)}`)
    if (io.environment.DEBUG?.includes('odradek') && error instanceof Error) io.note(error.stack ?? '')
    return exitCodeOf(error)
  } finally {
    release()
  }
}

async function makeProgram(
  words: readonly string[],
  io: Io,
  setExitCode: (code: number) => void,
): Promise<Command> {
  const program = new Command('odradek')
  program
    .description('A broker that speaks the Apache Kafka protocol, and a client for it')
    .version(packageVersion(), '-V, --version')
    .addHelpText('after', EXAMPLES)
    .configureOutput({
      writeOut: (text) => void io.print(text),
      writeErr: (text) => io.note(text.trimEnd()),
      outputError: (text, write) => write(`odradek: ${text.replace(/^error: /, '')}`),
    })
    .configureHelp({ optionDescription })
    .showHelpAfterError('(add --help for the options and examples)')
    .exitOverride()
  const asked = words.find((word) => Object.hasOwn(entries, word))
  for (const [name, { summary, load }] of Object.entries(entries)) {
    if (name !== asked) {
      program.command(name, { noHelp: false }).summary(summary).description(summary)
      continue
    }
    const command = (await load()).makeCommand(io)
    inherit(command.summary(summary), program)
    program.addCommand(command)
  }
  program.hook('postAction', (_, action) => {
    const code: unknown = action.getOptionValue('exitCode')
    if (typeof code === 'number') setExitCode(code)
  })
  return program
}

/** Commands that were made elsewhere take over how the program prints and exits. */
function inherit(command: Command, program: Command): void {
  command.copyInheritedSettings(program)
  for (const child of command.commands) inherit(child as Command, program)
}

/** The description of an option, with its default only where that says something: not for switches and empty lists. */
function optionDescription(option: Option): string {
  const { defaultValue, defaultValueDescription } = option
  const isText = typeof defaultValue === 'string'
  const isCount = typeof defaultValue === 'number' && defaultValue >= 0 && Number.isFinite(defaultValue)
  const isTold = defaultValueDescription !== undefined || isText || isCount
  const shown = isTold ? option : Object.create(option, { defaultValue: { value: undefined } })
  return Help.prototype.optionDescription.call(new Help(), shown)
}
