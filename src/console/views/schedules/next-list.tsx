import { useWords } from '../../words/use-words.ts'
import { nextTimes } from './next-times.ts'
import { useZonedTime } from './use-cron-words.ts'
import type words from './words/en.ts'

const SHOWN = 3

/** The next times of an expression, so that one sees whether it is what was meant. */
export function NextList({ cron, timeZone }: { cron: string; timeZone: string }) {
  const t = useWords<typeof words>()
  const zoned = useZonedTime(timeZone)
  const times = nextTimes(cron, timeZone, SHOWN)
  if (times.length === 0) return <p className="text-ink-soft text-sm">{t('schedules.next.none')}</p>
  return (
    <div className="text-ink-soft text-sm">
      <p>{t('schedules.next.list')}</p>
      <ul className="flex flex-wrap gap-x-4">
        {times.map((at) => (
          <li key={at.getTime()}>
            <time dateTime={at.toISOString()}>{zoned(at)}</time>
          </li>
        ))}
      </ul>
    </div>
  )
}
