import { useLingui } from '@lingui/react'
import { useWords } from '../../words/use-words.ts'
import { planOf } from './cron-plan.ts'
import type words from './words/en.ts'

/** A Sunday, from which the days of a week are counted. */
const SUNDAY = Date.UTC(2026, 0, 4)
const DAY_MS = 86_400_000

export function useDayNames(): string[] {
  const format = new Intl.DateTimeFormat(useLingui().i18n.locale, { weekday: 'long', timeZone: 'UTC' })
  return Array.from({ length: 7 }, (_, weekday) => format.format(SUNDAY + weekday * DAY_MS))
}

/** Says when an expression is; one that has no such words is shown as it is. */
export function useCronWords(): (cron: string) => string {
  const t = useWords<typeof words>()
  const { locale } = useLingui().i18n
  const days = useDayNames()
  return (cron) => {
    const plan = planOf(cron)
    if (!plan) return cron
    const { rhythm, minute, hour, weekday, day } = plan
    const time = new Intl.DateTimeFormat(locale, { timeStyle: 'short', timeZone: 'UTC' })
    const values = { minute, time: time.format(Date.UTC(2026, 0, 1, hour, minute)), weekday: days[weekday] ?? '', day }
    return t(`schedules.at.${rhythm}`, values)
  }
}

/** A moment by the clocks of a time zone, such as `Mon, 30 Nov, 09:00`. */
export function useZonedTime(timeZone: string): (at: string | Date) => string {
  const { locale } = useLingui().i18n
  const look = { weekday: 'short', day: 'numeric', month: 'short', hour: 'numeric', minute: '2-digit' } as const
  return (at) => new Intl.DateTimeFormat(locale, { ...look, timeZone }).format(new Date(at))
}
