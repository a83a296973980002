import { useEffect, useState } from 'react'

/** The longest time that a browser's timer counts, in ms. */
const MOST_MS = 2 ** 31 - 1

/** Whether a moment has come, by the clock of this machine. */
export function useIsPast(at: string): boolean {
  const [now, setNow] = useState(() => Date.now())
  const left = new Date(at).getTime() - now
  useEffect(() => {
    if (left <= 0) return
    const timer = setTimeout(() => setNow(Date.now()), Math.min(left, MOST_MS))
    return () => clearTimeout(timer)
  }, [left])
  return left <= 0
}
