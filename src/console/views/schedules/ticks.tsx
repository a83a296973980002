import { useLingui } from '@lingui/react'
import { useQuery } from '@tanstack/react-query'
import { ScrollText } from 'lucide-react'
import { Link } from 'wouter'
import type { TickView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { ButtonLink } from '../../parts/button.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { Page } from '../../parts/page.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { NextList } from './next-list.tsx'
import { When } from './when.tsx'
import type words from './words/en.ts'

/** The times at which a schedule began, latest first, and what came of each. */
export function Ticks({ id }: { id: string }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const schedule = useQuery({
    queryKey: ['schedules', id],
    queryFn: ({ signal }) => client.schedules.get(id, { signal }),
  })
  const list = usePaged<TickView>(['schedules', id, 'ticks'], ({ cursor, signal }) =>
    client.schedules.ticks(id, { cursor }, { signal }),
  )
  const columns: Column<TickView>[] = [
    { title: t('schedules.when'), cell: ({ at }) => formats.time(at) },
    { title: t('schedules.became'), cell: (tick) => <Became of={tick} /> },
    {
      title: t('schedules.conversation'),
      cell: ({ conversationId }) =>
        conversationId ? (
          <Link href={`/c/${conversationId}`} className="text-accent hover:underline">
            {t('schedules.conversation.open')}
          </Link>
        ) : (
          '–'
        ),
    },
  ]
  const { data } = schedule
  return (
    <Page
      title={data?.name ?? t('schedules.ticks')}
      lead={data && <When of={data} />}
      actions={<ButtonLink href="/schedules">{t('schedules.all')}</ButtonLink>}
    >
      {schedule.error ? (
        <ErrorNotice error={schedule.error} onRetry={() => void schedule.refetch()} />
      ) : (
        <>
          {data && !data.paused && (
            <div className="mb-6">
              <NextList cron={data.cron} timeZone={data.timeZone} />
            </div>
          )}
          <h2 className="mb-3 text-xl">{t('schedules.ticks')}</h2>
          <PagedTable
            list={list}
            caption={t('schedules.ticks')}
            columns={columns}
            rowKey={(tick) => tick.id}
            empty={
              <EmptyState icon={<ScrollText className="size-7" />} title={t('schedules.ticks.none')}>
                <p>{t('schedules.ticks.none.text')}</p>
              </EmptyState>
            }
          />
        </>
      )}
    </Page>
  )
}

/** Whether it began, and why not. The API's own words are more exact, and English. */
function Became({ of: { status, error } }: { of: TickView }) {
  const t = useWords<typeof words>()
  const { locale } = useLingui().i18n
  const why = () => {
    if (error?.code === 'schedule.missed') return t('schedules.why.missed')
    if (error?.code === 'schedule.month_spent') return t('schedules.why.spent')
    if (error?.code === 'credits.insufficient') return t('error.credits')
    return locale === 'en' ? error?.message : t('schedules.why.other', { code: error?.code ?? '' })
  }
  return (
    <span className={status === 'failed' ? 'text-danger' : undefined}>
      {t(`schedules.status.${status}`)}
      {error && <span className="block text-ink-soft">{why()}</span>}
    </span>
  )
}
