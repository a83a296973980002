import { useMutation, useQueryClient } from '@tanstack/react-query'
import { MonitorSmartphone } from 'lucide-react'
import type { SessionView } from '../../../client/client.ts'
import { ErrorNotice, useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { LoadMore } from '../../parts/load-more.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { toast } from '../../parts/toast.tsx'
import { usePaged } from '../../parts/use-paged.ts'
import { useClient } from '../../session/session.ts'
import { useFormats } from '../../words/formats.ts'
import { useWords } from '../../words/use-words.ts'
import { browserOf } from './browser-name.ts'
import type words from './words/en.ts'

/** Where one is signed in; each can be ended, and all others at once. */
export function Sessions() {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const list = usePaged<SessionView>(['sessions'], ({ cursor, signal }) => client.sessions.list({ cursor }, { signal }))
  const end = useMutation({
    mutationFn: (id: string | undefined) =>
      id === undefined ? client.sessions.deleteOthers() : client.sessions.delete(id),
    onSuccess: () => toast(t('profile.sessions.ended')),
    onError: useErrorToast(),
    onSettled: () => queries.invalidateQueries({ queryKey: ['sessions'] }),
  })
  const endOthers = async () => {
    const question = { title: t('profile.sessions.endOthers'), text: t('profile.sessions.endOthers.text') }
    if (await confirm({ ...question, action: t('profile.sessions.endOthers'), danger: true })) end.mutate(undefined)
  }
  if (list.isPending) return <SkeletonList lines={2} className="h-12" />
  if (list.error) return <ErrorNotice error={list.error} onRetry={() => void list.refetch()} />
  return (
    <div className="grid gap-3">
      <ul className="divide-y divide-line">
        {list.items.map((session) => (
          <Session key={session.id} session={session} isEnding={end.isPending} onEnd={() => end.mutate(session.id)} />
        ))}
      </ul>
      <div className="flex flex-wrap gap-2">
        <LoadMore list={list} />
        {list.items.length > 1 && (
          <Button kind="danger" onClick={() => void endOthers()}>
            {t('profile.sessions.endOthers')}
          </Button>
        )}
      </div>
    </div>
  )
}

function Session({ session, isEnding, onEnd }: { session: SessionView; isEnding: boolean; onEnd: () => void }) {
  const t = useWords<typeof words>()
  const formats = useFormats()
  const name = browserOf(session.userAgent) ?? t('profile.sessions.unknown')
  return (
    <li className="flex flex-wrap items-center gap-3 py-3">
      <MonitorSmartphone aria-hidden="true" className="size-5 shrink-0 text-ink-soft" />
      <div className="min-w-0 flex-1">
        <p className="break-words">
          <bdi>{name}</bdi>
          {session.current && <span className="ms-2 text-good text-sm">{t('profile.sessions.this')}</span>}
        </p>
        <p className="text-ink-soft text-sm">
          {session.network && (
            <>
              <bdi>{session.network}</bdi> ·{' '}
            </>
          )}
          {formats.ago(session.lastUsedAt)}
        </p>
      </div>
      {!session.current && (
        <Button small busy={isEnding} aria-label={t('profile.sessions.endOne', { name })} onClick={onEnd}>
          {t('profile.sessions.end')}
        </Button>
      )}
    </li>
  )
}
