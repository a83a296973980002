/** The times that most people want, as a form has them, and as the cron expressions that the API takes. */

export const RHYTHMS = ['hour', 'day', 'weekdays', 'week', 'month'] as const
export type Rhythm = (typeof RHYTHMS)[number]

export interface Plan {
  rhythm: Rhythm
  /** 0 to 59. */
  minute: number
  /** 0 to 23; not of `hour`. */
  hour: number
  /** 0 is Sunday; of `week` alone. */
  weekday: number
  /** 1 to 28, which every month has; of `month` alone. */
  day: number
}

export const USUAL: Plan = { rhythm: 'weekdays', minute: 0, hour: 9, weekday: 1, day: 1 }

export function cronOf({ rhythm, minute, hour, weekday, day }: Plan): string {
  switch (rhythm) {
    case 'hour':
      return `${minute} * * * *`
    case 'day':
      return `${minute} ${hour} * * *`
    case 'weekdays':
      return `${minute} ${hour} * * 1-5`
    case 'week':
      return `${minute} ${hour} * * ${weekday}`
    case 'month':
      return `${minute} ${hour} ${day} * *`
  }
}

/** What an expression says, when a form can say it too; otherwise it is shown as it was written. */
export function planOf(cron: string): Plan | undefined {
  const fields = cron.trim().split(/\s+/)
  const [minute, hour, day, weekday] = [fields[0], fields[1], fields[2], fields[4]].map(Number)
  const plans = RHYTHMS.map((rhythm) => ({
    rhythm,
    minute: within(minute, 0, 59) ?? USUAL.minute,
    hour: within(hour, 0, 23) ?? USUAL.hour,
    weekday: within(weekday, 0, 6) ?? USUAL.weekday,
    day: within(day, 1, 28) ?? USUAL.day,
  }))
  return plans.find((plan) => cronOf(plan) === fields.join(' '))
}

const within = (value: number | undefined, from: number, to: number): number | undefined =>
  value !== undefined && Number.isInteger(value) && value >= from && value <= to ? value : undefined
