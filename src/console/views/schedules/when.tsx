import type { ScheduleView } from '../../../client/client.ts'
import { useCronWords } from './use-cron-words.ts'

/** The rhythm of a schedule in words, and by which clocks. */
export function When({ of: { cron, timeZone } }: { of: ScheduleView }) {
  const cronWords = useCronWords()
  return (
    <>
      <bdi>{cronWords(cron)}</bdi>
      <bdi className="block text-ink-soft">{timeZone.replaceAll('_', ' ')}</bdi>
    </>
  )
}
