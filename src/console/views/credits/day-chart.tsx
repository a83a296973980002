import type { UsageSumView } from '../../../client/client.ts'
import { useFormats } from '../../words/formats.ts'
import { lastDays } from './days.ts'

const HEIGHT = 160
const STEP = 20

/** A column a day, also for days without use. The table beneath says the same to who cannot see it. */
export function DayChart({ sums, days }: { sums: readonly UsageSumView[]; days: number }) {
  const formats = useFormats()
  const used = new Map(sums.map(({ key, credits }) => [key, Number(credits)]))
  const columns = lastDays(days).map((day) => ({ day, credits: used.get(day) ?? 0 }))
  const most = Math.max(...columns.map(({ credits }) => credits), Number.MIN_VALUE)
  const [first, last] = [columns[0], columns.at(-1)]
  return (
    // Time runs from left to right in charts of every language.
    <figure aria-hidden="true" dir="ltr" className="rounded-card border border-line bg-card p-4">
      <p className="mb-1 text-ink-soft text-xs tabular-nums">{formats.credits(most)}</p>
      <svg
        role="presentation"
        viewBox={`0 0 ${columns.length * STEP} ${HEIGHT}`}
        preserveAspectRatio="none"
        className="h-40 w-full border-line border-b"
      >
        {columns.map(({ day, credits }, at) => {
          const height = credits === 0 ? 0 : Math.max(2, (credits / most) * HEIGHT)
          return (
            <g key={day}>
              <title>{`${formats.date(`${day}T12:00:00`)}: ${formats.credits(credits)}`}</title>
              <rect x={at * STEP} y={0} width={STEP} height={HEIGHT} className="fill-transparent" />
              <rect x={at * STEP + 3} y={HEIGHT - height} width={STEP - 6} height={height} className="fill-accent" />
            </g>
          )
        })}
      </svg>
      <figcaption className="mt-2 flex justify-between text-ink-soft text-xs">
        <span>{first && formats.date(`${first.day}T12:00:00`)}</span>
        <span>{last && formats.date(`${last.day}T12:00:00`)}</span>
      </figcaption>
    </figure>
  )
}
