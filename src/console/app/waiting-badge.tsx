import { useWaiting } from '../session/use-waiting.ts'
import { useWords } from '../words/use-words.ts'

/** How much waits for a decision; nothing where nothing does. */
export function WaitingBadge() {
  const t = useWords()
  const { count, shown } = useWaiting()
  if (count === 0) return null
  return (
    <>
      <span
        aria-hidden="true"
        className="ms-auto grid h-5 min-w-5 place-items-center rounded-full bg-warning px-1.5 font-semibold text-card text-xs tabular-nums"
      >
        {shown}
      </span>
      <span className="sr-only">{t('nav.waiting', { count })}</span>
    </>
  )
}
