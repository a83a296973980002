import { useQuery } from '@tanstack/react-query'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { classes } from '../../parts/class-names.ts'
import { Card } from '../../parts/page.tsx'
import { Skeleton } from '../../parts/skeleton.tsx'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

const PARTS = ['available', 'held', 'granted', 'spent'] as const

/** The account's four sums; they change while agents speak. */
export function Balance() {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const { data, error, refetch } = useQuery({
    queryKey: ['credits', 'balance'],
    queryFn: ({ signal }) => client.credits.balance({ signal }),
  })
  if (error && !data) return <ErrorNotice error={error} onRetry={() => void refetch()} />
  return (
    <dl className="mb-8 grid grid-cols-2 gap-3 lg:grid-cols-4">
      {PARTS.map((part) => (
        <Card key={part} className={classes('flex flex-col p-4', part === 'available' && 'border-accent')}>
          <dt className="text-ink-soft text-sm">{t(`credits.${part}`)}</dt>
          <dd className="mt-1 font-display text-2xl tabular-nums">
            {data ? formats.credits(data[part]) : <Skeleton className="h-8 w-28" />}
          </dd>
          <dd className="mt-1 text-ink-soft text-sm">{t(`credits.${part}.hint`)}</dd>
        </Card>
      ))}
    </dl>
  )
}
