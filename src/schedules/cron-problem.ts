import { CronTimes } from './cron.ts'

/** Whether there are such times at all; the path is that of what is wrong. */
export function cronProblem(cron: string, timeZone: string): { path: string[]; message: string } | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch {
    return { path: ['timeZone'], message: 'must be the name of a time zone, such as Europe/Berlin' }
  }
  try {
    const times = new CronTimes(cron, timeZone)
    return times.after(new Date()) ? undefined : { path: ['cron'], message: 'names no time that is still to come' }
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    return {
      path: ['cron'],
      message: why.startsWith('must') ? why : 'must be a cron expression, such as "0 9 * * 1-5"',
    }
  }
}
