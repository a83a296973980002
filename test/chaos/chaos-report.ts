import { quantile } from '../bench/statistics.ts'
import { type Audit, countOf } from './audit.ts'
import { type Incident, isKill } from './incidents.ts'

/** What a run of chaos was and what came of it; as it stands in the JSON. Times are in ms. */
export interface ChaosRun {
  startedAt: string
  commit: string
  seed: number
  short: boolean
  seconds: number
  fleet: { webs: number; workers: number; guests: number }
  settings: Record<string, string>
  machine: { cores: number; node: string; loadBefore: number }
  incidents: Partial<Record<Incident, number>>
  /** Of each conversation with a run under way, from an incident's beginning to the next that was seen of it. */
  recoveries: Partial<Record<Incident, number[]>>
  /** From a worker's SIGKILL to the next attempt at a turn that was seen to begin. */
  takeovers: number[]
  stops: number[]
  longestPause: number
  crashes: number
  complaints: string[]
  uploads: number
  audit: Audit
}

const seconds = (ms: number): string => (Number.isFinite(ms) ? `${(ms / 1_000).toFixed(2)} s` : '')
const spread = (durations: number[]): string =>
  durations.length === 0 ? '' : [0.5, 0.99, 1].map((share) => seconds(quantile(durations, share))).join(' / ')

export const killsOf = ({ incidents }: ChaosRun): number =>
  kindsOf(incidents).reduce((sum, kind) => sum + (isKill(kind) ? (incidents[kind] ?? 0) : 0), 0)

const kindsOf = (incidents: ChaosRun['incidents']): Incident[] =>
  Object.keys(incidents).filter((kind): kind is Incident => kind in incidents)

export function table(head: string[], rows: string[][]): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(head), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

const counts = (lists: Record<string, string[]>): string =>
  table(
    ['', 'count'],
    Object.entries(lists).map(([what, list]) => [what, String(list.length)]),
  )

/** The report in Markdown, as `docs/chaos-report.md` has it. */
export function chaosReport(run: ChaosRun): string {
  const { audit, fleet, incidents, recoveries } = run
  const failed = Object.entries(audit.failedByProvider).map(([code, count]) => `${code} ${count}`)
  return `# Chaos report

\`npm run chaos${run.short ? ' -- --short' : ''}\` on ${run.startedAt.slice(0, 10)}, commit ${run.commit}, seed ${run.seed} (\`--seed\` deals the same incidents in the same order):
${fleet.webs} web processes behind a balancer, ${fleet.workers} workers, PostgreSQL synced to disk, Redis, a scripted provider; ${fleet.guests} conversations at a time, whose people look on
through the typed client and as an event stream, both through the balancer. ${run.machine.cores} cores that all of it shares, Node ${run.machine.node}, load ${run.machine.loadBefore.toFixed(1)} before it began. ${Math.round(run.seconds)} s.

**${audit.runs} runs, ${audit.turns} turns, ${audit.characters} characters, ${killsOf(run)} kills among ${kindsOf(incidents).reduce((sum, kind) => sum + (incidents[kind] ?? 0), 0)} incidents: ${countOf(audit.duplicates)} duplicates, ${countOf(audit.losses)} losses, ${countOf(audit.tools.breaches)} breaches with tools.**

${audit.spokenAgain} turns were spoken again by another attempt, ${audit.cancelled} runs were stopped, ${run.uploads} files were sent${failed.length > 0 ? `; runs that the provider's outages failed after their last attempt: ${failed.join(', ')}` : ''}.
${run.crashes} processes ended unasked.

## Duplicates

${counts(audit.duplicates)}

## Losses

${counts(audit.losses)}

## Tools

${audit.tools.calls} calls of tools, ${audit.tools.starts} starts, ${audit.tools.effects} effects at a server of tools that counts them outside of all this; people say yes or no to some.

${counts(audit.tools.breaches)}

## Incidents, and how soon words were seen again

Of every conversation with a run under way: from the incident's beginning (its own duration included) to the next change that its client saw,
p50 / p99 / slowest. Incidents overlap, so that one's figure holds some of another's.

${table(
  ['incident', 'times', 'words again'],
  kindsOf(incidents).map((kind) => [kind, String(incidents[kind]), spread(recoveries[kind] ?? [])]),
)}

${table(
  ['what', 'p50 / p99 / slowest'],
  [
    ["from a worker's SIGKILL to the next attempt at a turn", spread(run.takeovers)],
    ['from asking to stop until the client saw the end', spread(run.stops)],
    ['the longest that a client saw nothing new of a run under way', seconds(run.longestPause)],
  ],
)}

## What it cannot do here

The disk is slow by PostgreSQL's own \`commit_delay\` (each flush 100 ms later) and stands still by SIGSTOP of all its processes; the device itself is
not throttled. Clocks are wrong in one process of ours at a time (a preload moves \`Date\`), never in PostgreSQL or Redis.
Settings other than the defaults: ${Object.entries(run.settings)
    .map(([name, value]) => `\`${name}=${value}\``)
    .join(', ')}, and the limits of what one network may do, since everybody comes from one.
A file has three tries by default, for one that kills whoever reads it. So many kills use them up: here files have twenty, and a minute to be read.
`
}
