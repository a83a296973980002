import { UsersRound } from 'lucide-react'
import { useDeferredValue, useState } from 'react'
import type { ManagedUserView } from '../../../client/client.ts'
import type { Column } from '../../parts/data-table.tsx'
import { EmptyState } from '../../parts/empty-state.tsx'
import { CheckboxField, TextField } from '../../parts/field.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { UserMenu } from './user-menu.tsx'
import type words from './words/en.ts'

/** Everybody who has an account. */
export function Users() {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const [q, setQ] = useState('')
  const sought = useDeferredValue(q.trim())
  const [onlySuspended, setOnlySuspended] = useState(false)
  const list = usePaged<ManagedUserView>(['users', sought, onlySuspended], ({ cursor, signal }) =>
    client.users.list(
      { cursor, limit: 50, ...(sought !== '' && { q: sought }), ...(onlySuspended && { suspended: true }) },
      { signal },
    ),
  )
  const columns: Column<ManagedUserView>[] = [
    { title: t('admin.name'), cell: ({ name }) => <bdi className="font-medium">{name}</bdi> },
    {
      title: t('admin.email'),
      cell: ({ email, guest }) => (guest ? <em>{t('admin.guest')}</em> : <bdi className="break-all">{email}</bdi>),
    },
    { title: t('admin.role'), cell: ({ role }) => t(`admin.role.${role}`) },
    { title: t('admin.state'), cell: (user) => <State of={user} /> },
    { title: t('admin.since'), cell: ({ createdAt }) => formats.date(createdAt) },
    { title: t('action.more'), hideTitle: true, numeric: true, cell: (user) => <UserMenu user={user} /> },
  ]
  return (
    <>
      <TextField
        className="mb-3 max-w-md"
        label={t('action.search')}
        hint={t('admin.search.hint')}
        type="search"
        maxLength={254}
        value={q}
        onChange={({ currentTarget: { value } }) => setQ(value)}
      />
      <CheckboxField
        className="mb-4"
        label={t('admin.onlySuspended')}
        checked={onlySuspended}
        onChange={({ currentTarget }) => setOnlySuspended(currentTarget.checked)}
      />
      <PagedTable
        list={list}
        caption={t('admin.users')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<EmptyState icon={<UsersRound className="size-7" />} title={t('admin.users.none')} />}
      />
    </>
  )
}

function State({ of: { suspendedAt, suspendedReason } }: { of: ManagedUserView }) {
  const t = useWords<typeof words>()
  if (suspendedAt === null) return t('admin.state.active')
  return <span className="text-danger">{t('admin.state.suspended', { reason: suspendedReason ?? '–' })}</span>
}
