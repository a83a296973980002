import { useEffect, useState } from 'react'

/** What is said of the time that is left is looked at again so often, in ms: at its end each second, and before it each half minute. */
const AT_THE_END = { withinMs: 120_000, eachMs: 1_000 }
const BEFORE_MS = 30_000

/** Whether a moment has come, by the clock of this machine. Whoever asks is shown anew as time goes by. */
export function useIsPast(at: string): boolean {
  const [now, setNow] = useState(() => Date.now())
  const left = new Date(at).getTime() - now
  useEffect(() => {
    if (left <= 0) return
    const step = left <= AT_THE_END.withinMs ? AT_THE_END.eachMs : BEFORE_MS
    const timer = setTimeout(() => setNow(Date.now()), Math.min(left, step))
    return () => clearTimeout(timer)
  }, [left])
  return left <= 0
}
