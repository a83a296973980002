import { useWords } from '../words/use-words.ts'
import { classes } from './class-names.ts'

/** The shape of what is loading. */
export const Skeleton = ({ className }: { className?: string }) => (
  <div aria-hidden="true" className={classes('animate-pulse rounded-lg bg-sunken', className)} />
)

/** Lines of a list that is loading; says so to screen readers. */
export function SkeletonList({ lines = 4, className = 'h-16' }: { lines?: number; className?: string }) {
  const t = useWords()
  return (
    <div role="status" className="grid gap-3">
      <span className="sr-only">{t('state.loading')}</span>
      {Array.from({ length: lines }, (_, line) => line).map((line) => (
        <Skeleton key={line} className={className} />
      ))}
    </div>
  )
}
