/** Exponential, with jitter up to a quarter; the provider's own wish wins when it is longer, up to `maxMs`. Milliseconds. */
export function backoffMs(
  failures: number,
  { baseMs, maxMs }: { baseMs: number; maxMs: number },
  retryAfterMs = 0,
  random: () => number = Math.random,
): number {
  const exponential = baseMs * 2 ** failures * (1 + random() / 4)
  return Math.round(Math.min(Math.max(exponential, retryAfterMs), maxMs))
}
