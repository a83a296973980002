import { useQuery } from '@tanstack/react-query'
import type { ManagedUserView, SessionView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import type { Column } from '../../parts/data-table.tsx'
import { Dialog } from '../../parts/dialog.tsx'
import { PagedTable } from '../../parts/paged-table.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useChange } from '../../session/use-change.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import type words from './words/en.ts'

/** Credits and sessions of somebody. */
export function UserDialog({ user, onClose }: { user: ManagedUserView; onClose: () => void }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const formats = useFormats()
  const { data: balance, error } = useQuery({
    queryKey: ['credits', 'of', user.id],
    queryFn: ({ signal }) => client.users.credits(user.id, { signal }),
  })
  const sessions = usePaged<SessionView>(['users', user.id, 'sessions'], ({ cursor, signal }) =>
    client.users.sessions(user.id, { cursor }, { signal }),
  )
  const end = useChange('users', () => client.users.endSessions(user.id), t('admin.sessions.ended'))
  const columns: Column<SessionView>[] = [
    { title: t('admin.since'), cell: ({ createdAt }) => formats.time(createdAt) },
    { title: t('admin.seen'), cell: ({ lastUsedAt }) => formats.ago(lastUsedAt) },
    { title: t('admin.network'), cell: ({ network }) => (network ? <bdi>{network}</bdi> : '–') },
  ]
  return (
    <Dialog
      open
      wide
      onOpenChange={(open) => !open && onClose()}
      title={user.name}
      description={<code className="break-all text-xs">{user.id}</code>}
      footer={
        sessions.items.length > 0 && (
          <Button kind="danger" busy={end.isPending} onClick={() => end.mutate()}>
            {t('admin.sessions.end')}
          </Button>
        )
      }
    >
      <ErrorNotice error={error} />
      {balance && (
        <dl className="mb-5 grid grid-cols-2 gap-3 sm:grid-cols-4">
          {(['available', 'held', 'granted', 'spent'] as const).map((part) => (
            <div key={part}>
              <dt className="text-ink-soft text-sm">{t(`admin.credits.${part}`)}</dt>
              <dd className="tabular-nums">{formats.credits(balance[part])}</dd>
            </div>
          ))}
        </dl>
      )}
      <h3 className="mb-2 text-lg">{t('admin.sessions')}</h3>
      <PagedTable
        list={sessions}
        caption={t('admin.sessions')}
        columns={columns}
        rowKey={({ id }) => id}
        empty={<p className="text-ink-soft">{t('admin.nothing')}</p>}
      />
    </Dialog>
  )
}
