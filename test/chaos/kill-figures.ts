import type { Asked } from './asker.ts'
import { countOf } from './audit.ts'
import { table } from './chaos-report.ts'
import type { KillPoint } from './kill-points.ts'
import type { ToolAudit } from './tool-audit.ts'

/** What a run of the kill report was and what came of it; as it stands in the JSON. */
export interface KillFigures {
  profile: 'embedded' | 'redis'
  startedAt: string
  commit: string
  seed: number
  seconds: number
  machine: { cores: number; node: string; loadBefore: number }
  runs: number
  /** Attempts at turns that died. */
  lost: number
  /** Of every point, also where nobody was killed. */
  kills: Partial<Record<KillPoint, number>>
  complaints: string[]
  kinds: KindFigures[]
  breaches: Record<string, string[]>
}

interface KindFigures {
  name: string
  runs: number
  cancelled: number
  calls: number
  starts: number
  requests: number
  effects: number
  statuses: Partial<Record<string, number>>
}

const ENDS = ['done', 'failed', 'unknown', 'denied', 'expired', 'cancelled']

/** By kind of run: rows beside what the server has seen. */
export function figuresOf(asked: readonly Asked[], { rows, requests, effects }: ToolAudit): KindFigures[] {
  return [...new Set(asked.map(({ kind }) => kind.name))].sort().map((name) => {
    const runs = asked.filter(({ kind }) => kind.name === name)
    const calls = rows.filter(({ runId }) => runs.some((run) => run.runId === runId))
    const sum = (of: (row: (typeof calls)[number]) => number) => calls.reduce((total, row) => total + of(row), 0)
    return {
      name,
      runs: runs.length,
      cancelled: runs.filter(({ status }) => status === 'cancelled').length,
      calls: calls.length,
      starts: sum(({ starts }) => starts),
      requests: sum(({ id }) => requests.get(id) ?? 0),
      effects: sum(({ id }) => effects.get(id) ?? 0),
      statuses: Object.fromEntries(ENDS.map((end) => [end, sum(({ status }) => Number(status === end))])),
    }
  })
}

export const killsIn = ({ kills }: Pick<KillFigures, 'kills'>): number =>
  Object.values(kills).reduce((sum, count) => sum + count, 0)

/** One profile of the report, in Markdown. */
export function killSection(figures: KillFigures): string {
  const { profile, kinds, breaches, machine } = figures
  const total = (of: (kind: KindFigures) => number) => kinds.reduce((sum, kind) => sum + of(kind), 0)
  const where =
    profile === 'embedded'
      ? 'web and worker in one process, the queue on PostgreSQL'
      : 'a web process, two workers, the queue on Redis'
  return `## ${profile === 'embedded' ? 'Embedded' : 'Distributed'}: ${where}

${figures.startedAt.slice(0, 10)}, commit ${figures.commit}, seed ${figures.seed}, ${Math.round(figures.seconds)} s, ${machine.cores} cores that all of it shares, Node ${machine.node}, load ${machine.loadBefore.toFixed(1)} before it began.

**${figures.runs} runs, ${killsIn(figures)} kills by which ${figures.lost} attempts at turns died, ${total(({ calls }) => calls)} calls of tools, ${total(({ starts }) => starts)} starts, ${total(({ effects }) => effects)} effects: ${countOf(breaches)} breaches.**

${table(
  ['kind of run', 'runs', 'calls', 'starts', 'requests that the server got', 'effects', ...ENDS],
  kinds.map((kind) => [
    kind.name,
    ...[kind.runs, kind.calls, kind.starts, kind.requests, kind.effects].map(String),
    ...ENDS.map((end) => String(kind.statuses[end] ?? 0)),
  ]),
)}

${table(
  ['killed at', 'times'],
  Object.entries(figures.kills).map(([point, count]) => [point, String(count)]),
)}

${table(
  ['what must not be', 'count'],
  Object.entries(breaches).map(([what, list]) => [what, String(list.length)]),
)}
`
}
