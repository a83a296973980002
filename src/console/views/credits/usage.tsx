import { useQuery } from '@tanstack/react-query'
import { ChartColumn } from 'lucide-react'
import { useState } from 'react'
import type { UsageSumView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { DataTable } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { SelectField } from '../../parts/field.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { DayChart } from './day-chart.tsx'
import { sinceDays } from './days.ts'
import { ShareBars } from './share-bars.tsx'
import type words from './words/en.ts'

const GROUPS = ['day', 'model', 'agent', 'conversation'] as const
type Group = (typeof GROUPS)[number]
const DAYS = [7, 30, 90] as const

/** What was used in the last days: a picture of it, and the numbers. */
export function Usage() {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const client = useClient()
  const [by, setBy] = useState<Group>('day')
  const [days, setDays] = useState<number>(30)
  const from = sinceDays(days)
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['credits', 'usage', by, from],
    queryFn: ({ signal }) => client.credits.usage({ by, from, limit: 366 }, { signal }),
  })
  const sums = data?.data ?? []
  const nameOf = ({ key, name }: UsageSumView) =>
    by === 'day' && key ? formats.date(`${key}T12:00:00`) : (name ?? key ?? t('credits.deleted'))
  const total = sums.reduce((sum, { credits }) => sum + Number(credits), 0)
  const calls = sums.reduce((sum, one) => sum + one.calls, 0)
  return (
    <>
      <div className="mb-5 flex flex-wrap gap-4">
        <SelectField
          className="w-44"
          label={t('credits.by')}
          value={by}
          onChange={({ currentTarget: { value } }) => setBy(GROUPS.find((one) => one === value) ?? 'day')}
          options={GROUPS.map((one) => [one, t(`credits.by.${one}`)] as const)}
        />
        <SelectField
          className="w-56"
          label={t('credits.days')}
          value={String(days)}
          onChange={({ currentTarget: { value } }) => setDays(Number(value))}
          options={DAYS.map((one) => [String(one), t('credits.days.some', { days: one })] as const)}
        />
      </div>
      {error && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {isPending && <SkeletonList lines={1} className="h-56" />}
      {data && sums.length === 0 && (
        <EmptyState icon={<ChartColumn className="size-7" />} title={t('credits.usage.none')} />
      )}
      {sums.length > 0 && (
        <>
          <p className="mb-3 font-medium">{t('credits.usage.sum', { credits: formats.credits(total), calls })}</p>
          {by === 'day' ? <DayChart sums={sums} days={days} /> : <ShareBars sums={sums} nameOf={nameOf} />}
          <div className="mt-6">
            <DataTable
              caption={t('credits.usage.caption', { by: t(`credits.by.${by}`) })}
              rows={sums}
              rowKey={({ key }) => key ?? ''}
              columns={[
                { title: t(`credits.by.${by}`), cell: (sum) => <bdi>{nameOf(sum)}</bdi> },
                { title: t('credits.calls'), numeric: true, cell: (sum) => formats.number(sum.calls) },
                { title: t('credits.input'), numeric: true, cell: (sum) => formats.number(sum.inputTokens) },
                { title: t('credits.output'), numeric: true, cell: (sum) => formats.number(sum.outputTokens) },
                { title: t('nav.credits'), numeric: true, cell: (sum) => formats.credits(sum.credits) },
              ]}
            />
          </div>
        </>
      )}
    </>
  )
}
