import { Cron } from 'croner'

/** Fields of an expression: with seconds or years it would be another language. */
const FIELDS = 5

/** How far back the last time is looked for, step by step: a minute, an hour, a day, a month, four years and a day. */
const LOOKS_BACK_MS = [60_000, 3_600_000, 86_400_000, 31 * 86_400_000, 1_462 * 86_400_000]

/**
 * Times of a cron expression in a time zone. Where clocks are set forward a time that does not exist is left out or moved as
 * croner does it; where they are set back each time is once.
 */
export class CronTimes {
  readonly #cron: Cron

  /** @throws Error in words when the expression or the time zone is none. */
  constructor(expression: string, timeZone: string) {
    if (expression.trim().split(/\s+/).length !== FIELDS) {
      throw new Error('must have five fields: minute, hour, day of the month, month, day of the week')
    }
    this.#cron = new Cron(expression, { timezone: timeZone, paused: true })
    // The zone is looked at when a time is asked for.
    this.after(new Date())
  }

  /** The first time after a moment; null when there is none any more. */
  after(moment: Date): Date | null {
    return this.#cron.nextRun(moment)
  }

  /**
   * The last time that has come by now, of those from `first` on, which has. It looks back ever further until there is one, so that it
   * takes few steps (each a fraction of a millisecond) however many there were.
   */
  last(first: Date, now: Date): Date {
    let from = first
    for (const span of LOOKS_BACK_MS) {
      const start = new Date(now.getTime() - span)
      if (start <= first) break
      const next = this.after(start)
      if (!next || next > now) continue
      from = next
      break
    }
    for (let next = this.after(from); next && next <= now; next = this.after(next)) from = next
    return from
  }
}

/** The beginning of the month that a moment is in, by the clocks of a time zone. */
export function monthStart(moment: Date, timeZone: string): Date {
  // From the first of the month before, whichever it is, the first midnight of a first day that is not after the moment.
  const firsts = new Cron('0 0 1 * *', { timezone: timeZone, paused: true })
  const before = new Date(moment.getTime() - 40 * 86_400_000)
  let start = before
  for (let next = firsts.nextRun(before); next && next <= moment; next = firsts.nextRun(next)) start = next
  return start
}
