import { Tag } from 'lucide-react'
import type { PriceView } from '../../../client/client.ts'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** What models cost, as of now. */
export function Prices() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const list = usePaged<PriceView>(['credits', 'models'], ({ cursor, signal }) =>
    client.credits.models({ cursor, limit: 50 }, { signal }),
  )
  const columns: Column<PriceView>[] = [
    {
      title: t('credits.model'),
      cell: ({ provider, model }) => (
        <bdi>
          {model} <span className="text-ink-soft">{provider}</span>
        </bdi>
      ),
    },
    { title: t('credits.input'), numeric: true, cell: ({ inputPerMTok }) => formats.credits(inputPerMTok) },
    { title: t('credits.output'), numeric: true, cell: ({ outputPerMTok }) => formats.credits(outputPerMTok) },
    { title: t('credits.perCall'), numeric: true, cell: ({ perCall }) => formats.credits(perCall) },
    { title: t('credits.since'), numeric: true, cell: ({ effectiveFrom }) => formats.date(effectiveFrom) },
  ]
  return (
    <>
      <p className="mb-3 text-ink-soft text-sm">{t('credits.prices.hint')}</p>
      <PagedTable
        list={list}
        caption={t('credits.prices')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<EmptyState icon={<Tag className="size-7" />} title={t('credits.prices.none')} />}
      />
    </>
  )
}
