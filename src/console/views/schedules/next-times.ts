import { Cron } from 'croner'

/** Of an expression that the API takes; seconds and years are another language. */
const FIELDS = 5

/** The next times of an expression by the clocks of a time zone, as the server reckons them; none where it says none. */
export function nextTimes(cron: string, timeZone: string, count: number): Date[] {
  if (cron.trim().split(/\s+/).length !== FIELDS) return []
  try {
    return new Cron(cron, { timezone: timeZone, paused: true }).nextRuns(count)
  } catch {
    return []
  }
}
