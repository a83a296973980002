import { Plus, Tag } from 'lucide-react'
import { useState } from 'react'
import type { PriceView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { PriceDialog } from './price-dialog.tsx'
import type words from './words/en.ts'

type Open = { kind: 'new' } | { kind: 'change' | 'versions'; price: PriceView }

/** What models cost. A price is never edited: it gets another version, from a moment on. */
export function Prices() {
  const t = useWords<typeof words>()
  const client = useClient()
  const [open, setOpen] = useState<Open>()
  const list = usePaged<PriceView>(['credits', 'models'], ({ cursor, signal }) =>
    client.credits.models({ cursor, limit: 50 }, { signal }),
  )
  const actions: Column<PriceView> = {
    title: t('action.more'),
    hideTitle: true,
    numeric: true,
    cell: (price) => (
      <span className="flex justify-end gap-2">
        <Button
          small
          aria-label={t('admin.price.change.label', { model: price.model })}
          onClick={() => setOpen({ kind: 'change', price })}
        >
          {t('admin.price.change')}
        </Button>
        <Button
          small
          kind="quiet"
          aria-label={t('admin.price.versions.label', { model: price.model })}
          onClick={() => setOpen({ kind: 'versions', price })}
        >
          {t('admin.price.versions')}
        </Button>
      </span>
    ),
  }
  const close = () => setOpen(undefined)
  return (
    <>
      <div className="mb-4 flex flex-wrap items-center justify-between gap-3">
        <p className="text-ink-soft text-sm">{t('admin.price.hint')}</p>
        <Button icon={<Plus aria-hidden="true" className="size-4" />} onClick={() => setOpen({ kind: 'new' })}>
          {t('admin.price.new')}
        </Button>
      </div>
      <PagedTable
        list={list}
        caption={t('admin.prices')}
        columns={[...usePriceColumns(), actions]}
        rowKey={({ id }) => id}
        empty={<EmptyState icon={<Tag className="size-7" />} title={t('admin.nothing')} />}
      />
      {open?.kind === 'new' && <PriceDialog onClose={close} />}
      {open?.kind === 'change' && <PriceDialog price={open.price} onClose={close} />}
      {open?.kind === 'versions' && <Versions of={open.price} onClose={close} />}
    </>
  )
}

function usePriceColumns(): Column<PriceView>[] {
  const t = useWords<typeof words>()
  const formats = useFormats()
  return [
    {
      title: t('admin.model'),
      cell: ({ provider, model }) => (
        <bdi>
          {model} <span className="text-ink-soft">{provider}</span>
        </bdi>
      ),
    },
    { title: t('admin.version'), numeric: true, cell: ({ version }) => formats.number(version) },
    { title: t('admin.price.input'), numeric: true, cell: ({ inputPerMTok }) => formats.credits(inputPerMTok) },
    { title: t('admin.price.output'), numeric: true, cell: ({ outputPerMTok }) => formats.credits(outputPerMTok) },
    { title: t('admin.price.call'), numeric: true, cell: ({ perCall }) => formats.credits(perCall) },
    { title: t('admin.since'), cell: ({ effectiveFrom }) => formats.time(effectiveFrom) },
  ]
}

function Versions({ of: { id, model }, onClose }: { of: PriceView; onClose: () => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const list = usePaged<PriceView>(['credits', 'models', id, 'versions'], ({ cursor, signal }) =>
    client.credits.versions(id, { cursor }, { signal }),
  )
  const title = t('admin.price.versions.label', { model })
  return (
    <Dialog open wide onOpenChange={(open) => !open && onClose()} title={title}>
      <PagedTable
        list={list}
        caption={title}
        columns={usePriceColumns()}
        rowKey={({ version }) => String(version)}
        empty={null}
      />
    </Dialog>
  )
}
