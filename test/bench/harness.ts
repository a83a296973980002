import { interval, median, quantile, ratios } from './statistics.ts'

/** What a figure is held against: its own median, or the median of its ratios to the baseline. */
export interface Target {
  of: 'value' | 'ratio'
  atLeast?: number
  atMost?: number
}

type Verdict = 'met' | 'missed'

/** One figure as a bench reports it. */
export interface Figure {
  /** Unique in its bench, with the baseline's name. */
  name: string
  unit: string
  /** One number a round, in the order of the rounds. */
  samples: number[]
  /** Measured in the same rounds, so that whatever else the machine did falls on both. */
  baseline?: { name: string; samples: number[] }
  target?: Target
}

/** A figure with what follows from its samples; as it stands in the JSON. */
export interface ReportedFigure extends Figure {
  bench: string
  median: number
  low: number
  high: number
  baselineMedian?: number
  /** Of the ratios round by round, not of the medians. */
  ratio?: { median: number; low: number; high: number }
  verdict?: Verdict
}

/** `>= 0.7 x` of the baseline, `<= 22 ms` of itself. */
export const atLeast = (limit: number, of: Target['of'] = 'value'): Target => ({ of, atLeast: limit })
export const atMost = (limit: number, of: Target['of'] = 'value'): Target => ({ of, atMost: limit })

/** @throws Error when there are no samples, or when they cannot be compared with the baseline's: then the bench itself broke. */
export function assess(bench: string, figure: Figure): ReportedFigure {
  const { samples, baseline, target } = figure
  if (samples.length === 0 || samples.some((sample) => !Number.isFinite(sample)))
    throw new Error(`${bench}: "${figure.name}" has the samples [${samples.join(', ')}]`)
  if (target?.of === 'ratio' && !baseline) throw new Error(`${bench}: "${figure.name}" has no baseline to compare with`)
  const reported: ReportedFigure = { bench, ...figure, median: median(samples), ...interval(samples) }
  if (baseline) {
    const paired = ratios(samples, baseline.samples)
    if (!paired.every(Number.isFinite))
      throw new Error(`${bench}: "${figure.name}" cannot be compared with [${baseline.samples.join(', ')}]`)
    reported.baselineMedian = median(baseline.samples)
    reported.ratio = { median: median(paired), ...interval(paired) }
  }
  if (target) {
    const judged = target.of === 'ratio' ? (reported.ratio?.median ?? Number.NaN) : reported.median
    const isMet =
      judged >= (target.atLeast ?? Number.NEGATIVE_INFINITY) && judged <= (target.atMost ?? Number.POSITIVE_INFINITY)
    reported.verdict = isMet ? 'met' : 'missed'
  }
  return reported
}

/**
 * Measures every subject once a round, one after the other, in an order that turns by one each round. The first round warms up
 * and is thrown away.
 *
 * @returns tells the measurements of a subject, in the order of the rounds
 */
export async function interleave<N extends string, T>(
  subjects: readonly N[],
  rounds: number,
  measure: (subject: N, round: number) => Promise<T>,
  { warmUp = true } = {},
): Promise<(subject: N) => T[]> {
  const results = new Map<N, T[]>(subjects.map((subject) => [subject, []]))
  for (let round = warmUp ? -1 : 0; round < rounds; round++) {
    const first = Math.max(0, round) % subjects.length
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      const measured = await measure(subject, round)
      if (round >= 0) results.get(subject)?.push(measured)
    }
  }
  return (subject) => results.get(subject) ?? []
}

/** The middle of some latencies, in the unit they came in. */
export const p50 = (values: number[]): number => quantile(values, 0.5)
export const p99 = (values: number[]): number => quantile(values, 0.99)

/** About three significant digits; never an exponent. */
export function shown(value: number): string {
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toFixed(digits)
}

const spread = ({ low, high }: { low: number; high: number }): string => `${shown(low)}-${shown(high)}`

function asked({ target, unit }: Figure): string {
  if (!target) return ''
  const limit = target.atLeast ?? target.atMost ?? Number.NaN
  return `${target.atLeast === undefined ? '<=' : '>='} ${limit}${target.of === 'ratio' ? ' x' : ` ${unit}`}`
}

const HEAD = ['figure', 'median', 'spread', 'unit', 'baseline', 'its median', 'ratio', 'spread', 'asked', 'verdict']

/** The figures as a Markdown table, padded so that a terminal reads it too. */
export function table(figures: ReportedFigure[]): string {
  const rows = figures.map((figure) => [
    `${figure.bench}: ${figure.name}`,
    shown(figure.median),
    spread(figure),
    figure.unit,
    figure.baseline?.name ?? '',
    figure.baselineMedian === undefined ? '' : shown(figure.baselineMedian),
    figure.ratio ? `${figure.ratio.median.toFixed(2)} x` : '',
    figure.ratio ? `${figure.ratio.low.toFixed(2)}-${figure.ratio.high.toFixed(2)}` : '',
    asked(figure),
    figure.verdict ?? '',
  ])
  const widths = HEAD.map((title, column) =>
    Math.max(...[HEAD, ...rows].map((row) => row[column]?.length ?? title.length)),
  )
  const line = (cells: string[]) => `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`
  return [line(HEAD), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}

/** `3 of 5 targets met; missed:`, and a line for each, such as `turns: embedded: 0.42 x, asked >= 0.7 x`. */
export function summary(figures: ReportedFigure[]): string {
  const judged = figures.filter(({ verdict }) => verdict)
  const missed = judged.filter(({ verdict }) => verdict === 'missed')
  const has = ({ target, ratio, median: own, unit }: ReportedFigure) =>
    target?.of === 'ratio' ? `${(ratio?.median ?? Number.NaN).toFixed(2)} x` : `${shown(own)} ${unit}`
  const lines = missed.map((figure) => `  ${figure.bench}: ${figure.name}: ${has(figure)}, asked ${asked(figure)}`)
  return [
    `${judged.length - missed.length} of ${judged.length} targets met${missed.length > 0 ? '; missed:' : '.'}`,
    ...lines,
  ].join('\n')
}
