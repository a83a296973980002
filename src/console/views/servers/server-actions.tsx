import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Pencil, Power, RefreshCw, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import type { McpServerView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { confirm } from '../../parts/confirm.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { EditServerDialog } from './edit-server-dialog.tsx'
import { SignInActions } from './sign-in-actions.tsx'
import { SERVERS, type useRefresh, useServerChange } from './use-server.ts'
import type words from './words/en.ts'

/** Sign in and out, look again, change, switch off and on, delete. */
export function ServerActions({ server, refresh }: { server: McpServerView; refresh: ReturnType<typeof useRefresh> }) {
  const { id, name, auth, enabled } = server
  const [isEditing, setEditing] = useState(false)
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const [, go] = useLocation()
  const onError = useErrorToast()
  const turn = useServerChange(id, () => client.mcp.update(id, { enabled: !enabled }))
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
  const askToDelete = async () => {
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
      {auth === 'oauth' && <SignInActions server={server} />}
      {enabled && (
        <Button
          busy={refresh.isPending}
          icon={<RefreshCw aria-hidden="true" className={icon} />}
          onClick={() => refresh.mutate()}
        >
          {t('servers.refresh')}
        </Button>
      )}
      <Button icon={<Pencil aria-hidden="true" className={icon} />} onClick={() => setEditing(true)}>
        {t('action.edit')}
      </Button>
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
        onClick={() => void askToDelete()}
      >
        {t('action.delete')}
      </Button>
      {isEditing && <EditServerDialog id={id} onClose={() => setEditing(false)} />}
    </>
  )
}
