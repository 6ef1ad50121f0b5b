// `odradek perf`: measures producing and consuming with this package's own client.
// Leaves the measuring to perf-produce.ts and perf-consume.ts, and comparisons with other brokers to bench/.
import { Command } from 'commander'
import type { Io } from './io.ts'
import { makePerfConsume } from './perf-consume.ts'
import { makePerfProduce } from './perf-produce.ts'

export function makeCommand(io: Io): Command {
  return new Command('perf')
    .description('Measure producing and consuming: throughput and percentiles of latency')
    .addCommand(makePerfProduce(io))
    .addCommand(makePerfConsume(io))
    .addHelpText(
      'after',
      '\nExamples:\n  $ odradek perf produce load --records 1000000 --size 100\n  $ odradek perf consume load',
    )
}
