/** @returns NaN for none */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const place = (sorted.length - 1) * share
  const below = sorted[Math.floor(place)] ?? Number.NaN
  const above = sorted[Math.ceil(place)] ?? Number.NaN
  return below + (above - below) * (place - Math.floor(place))
}

/** Of an even number of values the middle of the two in the middle. */
export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** The smallest and the largest: with a few rounds, a percentile would only hide them. */
export const interval = (values: readonly number[]): { low: number; high: number } => ({
  low: Math.min(...values),
  high: Math.max(...values),
})

/**
 * Round by round, so that a slow minute of the machine falls on both sides.
 * @throws Error when the two were not measured in the same rounds
 */
export function ratios(values: readonly number[], baseline: readonly number[]): number[] {
  if (values.length !== baseline.length)
    throw new Error(`${values.length} rounds cannot be compared with ${baseline.length}`)
  return values.map((value, round) => value / (baseline[round] ?? Number.NaN))
}
