import { useMutation, useQueryClient } from '@tanstack/react-query'
import { LogIn, Power, RefreshCw, Trash2 } from 'lucide-react'
import { useLocation } from 'wouter'
import type { McpServerView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button, buttonClasses } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { SERVERS, type useRefresh, useSignIn } from './use-server.ts'
import type words from './words/en.ts'

/** Sign in, look again, switch off and on, delete. */
export function ServerActions({ server, refresh }: { server: McpServerView; refresh: ReturnType<typeof useRefresh> }) {
  const { id, name, auth, enabled } = server
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const onError = useErrorToast()
  const stale = () => queries.invalidateQueries({ queryKey: SERVERS })
  const signIn = useSignIn(id)
  const turn = useMutation({
    mutationFn: () => client.mcp.update(id, { enabled: !enabled }),
    onSuccess: (changed) => queries.setQueryData([...SERVERS, 'server', id], changed),
    onError,
    onSettled: stale,
  })
  const remove = useMutation({
    mutationFn: () => client.mcp.delete(id),
    onSuccess: () => {
      go('/servers')
      toast(t('servers.deleted', { name }))
      queries.removeQueries({ queryKey: [...SERVERS, 'server', id] })
      void queries.invalidateQueries({ queryKey: [...SERVERS, 'list'] })
    },
    onError,
  })
  const ask = async () => {
    const question = {
      title: t('servers.delete.title', { name }),
      text: t('servers.delete.text'),
      action: t('action.delete'),
    }
    if (await confirm({ ...question, danger: true })) remove.mutate()
  }
  const icon = 'size-4'
  return (
    <>
      {auth === 'oauth' &&
        enabled &&
        // The address is the other server's: it is opened by a link of the user's own click, in a tab that knows nothing of this one.
        (signIn.data ? (
          <a href={signIn.data} target="_blank" rel="noopener noreferrer" className={buttonClasses('primary')}>
            <LogIn aria-hidden="true" className={icon} />
            {t('servers.signIn.go', { host: new URL(signIn.data).host })}
          </a>
        ) : (
          <Button
            kind={server.status === 'ready' ? 'plain' : 'primary'}
            busy={signIn.isPending}
            icon={<LogIn aria-hidden="true" className={icon} />}
            onClick={() => signIn.mutate()}
          >
            {t('servers.signIn')}
          </Button>
        ))}
      {enabled && (
        <Button
          busy={refresh.isPending}
          icon={<RefreshCw aria-hidden="true" className={icon} />}
          onClick={() => refresh.mutate()}
        >
          {t('servers.refresh')}
        </Button>
      )}
      <Button
        kind={enabled ? 'danger' : 'primary'}
        busy={turn.isPending}
        icon={<Power aria-hidden="true" className={icon} />}
        onClick={() => turn.mutate()}
      >
        {enabled ? t('servers.off') : t('servers.on')}
      </Button>
      <Button
        kind="danger"
        busy={remove.isPending}
        icon={<Trash2 aria-hidden="true" className={icon} />}
        onClick={() => void ask()}
      >
        {t('action.delete')}
      </Button>
    </>
  )
}
