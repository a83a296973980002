import type { UsageSumView } from '../../../client/client.ts'
import { useFormats } from '../../words/formats.ts'

const MOST = 12

/** The largest shares as bars. The table beneath says the same, of all of them. */
export function ShareBars({ sums, nameOf }: { sums: readonly UsageSumView[]; nameOf: (sum: UsageSumView) => string }) {
  const formats = useFormats()
  const largest = [...sums].sort((a, b) => Number(b.credits) - Number(a.credits)).slice(0, MOST)
  const most = Math.max(...largest.map(({ credits }) => Number(credits)), Number.MIN_VALUE)
  return (
    <div aria-hidden="true" className="grid gap-2.5 rounded-card border border-line bg-card p-4">
      {largest.map((sum) => (
        <div key={sum.key ?? ''}>
          <div className="flex justify-between gap-4 text-sm">
            <bdi className="min-w-0 truncate">{nameOf(sum)}</bdi>
            <span className="shrink-0 tabular-nums">{formats.credits(sum.credits)}</span>
          </div>
          <div className="mt-1 h-2 rounded-full bg-sunken">
            <div
              className="h-2 rounded-full bg-accent"
              style={{ width: `${Math.max(0.5, (Number(sum.credits) / most) * 100)}%` }}
            />
          </div>
        </div>
      ))}
    </div>
  )
}
