// `odradek groups list`: the groups of all brokers, one line each.
// Promises members counted where the broker can tell. Leaves the calls to client/.
import { Command } from 'commander'
import { type GroupListing, listGroups } from '../client/group-admin.ts'
import { memberCounts } from '../client/group-describe.ts'
import { UsageError } from '../failure.ts'
import type { Io } from '../io.ts'
import { type ClusterFlags, inCluster, withCluster, withJson } from '../options.ts'
import { printJson, printTable } from '../output.ts'

interface ListFlags extends ClusterFlags {
  readonly json: boolean
  readonly state?: ReadonlySet<string>
  readonly type?: ReadonlySet<string>
}

const STATES = [
  'Stable',
  'Empty',
  'PreparingRebalance',
  'CompletingRebalance',
  'Assigning',
  'Reconciling',
  'NotReady',
  'Dead',
]
const TYPES = ['classic', 'consumer', 'share', 'streams']

export function makeList(io: Io): Command {
  const command = new Command('list')
    .description('List the groups of all brokers')
    .option('--state <list>', `only groups in these states: ${STATES.join(', ')}`, oneOf('--state', STATES))
    .option('--type <list>', `only groups of these types: ${TYPES.join(', ')}`, oneOf('--type', TYPES))
    .addHelpText(
      'after',
      `
Examples:
  $ odradek groups list
  $ odradek groups list --state empty
  $ odradek groups list --type consumer --json | jq -r .[].groupId`,
    )
  return withJson(withCluster(command)).action((flags: ListFlags) =>
    inCluster(flags, async (cluster) => {
      const isWanted = ({ state, type }: GroupListing) =>
        (flags.state === undefined || flags.state.has(plain(state))) &&
        (flags.type === undefined || flags.type.has(plain(type)))
      const listings = (await listGroups(cluster)).filter(isWanted)
      const members = await memberCounts(cluster, listings)
      const rows = listings.map((row) => ({ ...row, members: members.get(row.groupId) ?? null }))
      if (flags.json) return printJson(io, rows)
      const headings = ['GROUP', 'TYPE', 'STATE', 'PROTOCOL', 'MEMBERS', 'COORDINATOR']
      return printTable(
        io,
        headings,
        rows.map(({ groupId, type, state, protocolType, members, coordinator }) => [
          groupId,
          type || '-',
          state || '-',
          protocolType || '-',
          members,
          coordinator,
        ]),
      )
    }),
  )
}

/** Kafka's tools take `preparing_rebalance` for `PreparingRebalance`: letters alone count. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll(/[^a-z]/g, '')
}

function oneOf(option: string, known: readonly string[]): (text: string) => ReadonlySet<string> {
  return (text) => {
    const words = text.split(',').map((word) => word.trim())
    const unknown = words.find((word) => !known.some((one) => plain(one) === plain(word)))
    if (unknown !== undefined) {
      throw new UsageError(`${option} ${text}: '${unknown}' is not one of ${known.join(', ')}`)
    }
    return new Set(words.map(plain))
  }
}
