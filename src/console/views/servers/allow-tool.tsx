import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import { ApiError, type McpToolView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { classes } from '../../parts/class-names.ts'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { Definition } from './definition.tsx'
import { DefinitionChanges } from './definition-changes.tsx'
import { SERVERS } from './use-server.ts'
import type words from './words/en.ts'

const LOOKS = {
  allowed: 'bg-accent-soft text-accent-strong',
  new: 'bg-warning-soft text-warning',
  changed: 'bg-warning-soft text-warning',
  vanished: 'bg-sunken text-ink-soft',
} as const

/** Whether agents may use a tool as it is now. */
export function ToolState({ tool: { state } }: { tool: McpToolView }) {
  const t = useWords<typeof words>()
  return <span className={classes('rounded-full px-2 py-0.5 text-xs', LOOKS[state])}>{t(`servers.tool.${state}`)}</span>
}

/** The button that allows a new or changed tool as it is shown here: what it has become since is not allowed along with it. */
export function AllowTool({ serverId, tool, className }: { serverId: string; tool: McpToolView; className?: string }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const sayError = useErrorToast()
  const { name, hash, state } = tool
  const allow = useMutation({
    mutationFn: () => client.mcp.allowTool(serverId, name, hash),
    onSuccess: () => toast(t('servers.tool.allowedNow', { name })),
    onError(error) {
      if (error instanceof ApiError && error.code === 'mcp.tool_changed') {
        toast(t('servers.tool.changedSince'), { kind: 'trouble' })
      } else sayError(error)
    },
    onSettled: () => queries.invalidateQueries({ queryKey: [...SERVERS, 'tools', serverId] }),
  })
  if (state !== 'new' && state !== 'changed') return null
  return (
    <Button
      small
      kind="primary"
      className={className}
      busy={allow.isPending}
      icon={<ShieldCheck aria-hidden="true" className="size-4" />}
      onClick={() => allow.mutate()}
    >
      {t(state === 'new' ? 'servers.tool.allow' : 'servers.tool.allowAnew')}
    </Button>
  )
}

/** What was allowed of a changed tool, and what its server says of it now: the difference, and all of both. */
export function ToolChange({ tool }: { tool: McpToolView }) {
  const t = useWords<typeof words>()
  if (tool.state !== 'changed' || !tool.allowed) return null
  return (
    <div className="mt-3 grid gap-3">
      <DefinitionChanges before={tool.allowed} now={tool} />
      <details className="text-sm">
        <summary className="w-fit cursor-pointer text-accent">{t('servers.tool.whole')}</summary>
        <div className="mt-3 grid gap-3 md:grid-cols-2">
          <Definition label={t('servers.tool.before')} of={tool.allowed} />
          <Definition label={t('servers.tool.now')} of={tool} />
        </div>
      </details>
    </div>
  )
}
