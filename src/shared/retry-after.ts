/** What a `Retry-After` asks for, in ms from `now` (ms since 1970): seconds, or an HTTP date. Undefined where it says nothing that can be read. */
export function retryAfterMs(header: string | null | undefined, now: number): number | undefined {
  const said = header?.trim()
  if (!said) return undefined
  const seconds = Number(said)
  const ms = Number.isFinite(seconds) ? seconds * 1_000 : Date.parse(said) - now
  return Number.isFinite(ms) ? Math.max(0, Math.ceil(ms)) : undefined
}
