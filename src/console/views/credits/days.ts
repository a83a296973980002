const DAY_MS = 86_400_000

/** The UTC day, as the API names it, with which the last `days` days began. */
export const sinceDays = (days: number, now = Date.now()): string => dayOf(now - (days - 1) * DAY_MS)

/** Each of the last `days` days, oldest first. */
export const lastDays = (days: number, now = Date.now()): string[] =>
  Array.from({ length: days }, (_, ago) => dayOf(now - (days - 1 - ago) * DAY_MS))

const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
