import { ScrollText } from 'lucide-react'
import { type FormEvent, useState } from 'react'
import type { AuditEntryView } from '../../../client/client.ts'
import { Button } from '../../parts/button.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { TextField } from '../../parts/field.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'
import { written } from './written.ts'

/** Who did what, when and from where; newest first. */
export function AuditLog() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const [wanted, setWanted] = useState<{ action?: string; actorId?: string }>({})
  const list = usePaged<AuditEntryView>(['audit', wanted], ({ cursor, signal }) =>
    client.admin.audit({ ...wanted, cursor, limit: 50 }, { signal }),
  )
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = new FormData(event.currentTarget)
    const [action, actorId] = [written(form, 'action'), written(form, 'actorId')]
    setWanted({ ...(action !== '' && { action }), ...(actorId !== '' && { actorId }) })
  }
  const columns: Column<AuditEntryView>[] = [
    { title: t('admin.when'), cell: ({ createdAt }) => formats.time(createdAt) },
    { title: t('admin.action'), cell: ({ action }) => <code className="text-xs">{action}</code> },
    { title: t('admin.actor'), cell: ({ actorId }) => <Id of={actorId} /> },
    { title: t('admin.target'), cell: ({ targetId }) => <Id of={targetId} /> },
    { title: t('admin.details'), cell: (entry) => <Details of={entry} /> },
    { title: t('admin.network'), cell: ({ network }) => (network ? <bdi>{network}</bdi> : '–') },
  ]
  return (
    <>
      <form onSubmit={submit} className="mb-4 flex flex-wrap items-end gap-3">
        <TextField label={t('admin.action')} name="action" placeholder="user.suspended" dir="ltr" />
        <TextField label={t('admin.actor')} name="actorId" className="basis-72" dir="ltr" />
        <Button type="submit">{t('action.search')}</Button>
      </form>
      <PagedTable
        list={list}
        caption={t('admin.log')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<EmptyState icon={<ScrollText className="size-7" />} title={t('admin.nothing')} />}
      />
    </>
  )
}

const Id = ({ of }: { of: string | null }) => (of ? <code className="text-xs">{of}</code> : '–')

function Details({ of: { details } }: { of: AuditEntryView }) {
  const said = Object.entries(details).filter(([, value]) => value !== null)
  if (said.length === 0) return '–'
  return <span className="text-xs">{said.map(([name, value]) => `${name}: ${value}`).join(', ')}</span>
}
