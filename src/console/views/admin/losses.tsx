import { useQuery } from '@tanstack/react-query'
import { CircleCheckBig } from 'lucide-react'
import type { LossView } from '../../../client/client.ts'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** What the platform paid itself, call by call. */
export function Losses() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const { data: sum } = useQuery({
    queryKey: ['credits', 'losses', 'total'],
    queryFn: ({ signal }) => client.credits.losses({ limit: 1 }, { signal }),
  })
  const list = usePaged<LossView>(['credits', 'losses'], ({ cursor, signal }) =>
    client.credits.losses({ cursor, limit: 50 }, { signal }),
  )
  const columns: Column<LossView>[] = [
    { title: t('admin.when'), cell: ({ createdAt }) => formats.time(createdAt) },
    { title: t('admin.why'), cell: ({ outcome }) => t(`admin.loss.${outcome}`) },
    { title: t('admin.model'), cell: ({ model }) => <bdi>{model}</bdi> },
    { title: t('admin.run'), cell: ({ runId }) => (runId ? <code className="text-xs">{runId}</code> : '–') },
    { title: t('nav.credits'), numeric: true, cell: ({ amount }) => formats.credits(amount) },
  ]
  return (
    <>
      {sum && <p className="mb-4 font-medium">{t('admin.losses.total', { credits: formats.credits(sum.total) })}</p>}
      <PagedTable
        list={list}
        caption={t('admin.losses')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<EmptyState icon={<CircleCheckBig className="size-7" />} title={t('admin.losses.none')} />}
      />
    </>
  )
}
