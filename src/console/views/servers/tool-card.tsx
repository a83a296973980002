import { useMutation, useQueryClient } from '@tanstack/react-query'
import { ShieldCheck } from 'lucide-react'
import { ApiError, type McpDefinitionView, type McpToolChange, type McpToolView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { Button } from '../../parts/button.tsx'
import { classes } from '../../parts/class-names.ts'
import { SelectField } from '../../parts/field.tsx'
import { toast } from '../../parts/toast.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { SERVERS } from './use-server.ts'
import type words from './words/en.ts'

const LOOKS = {
  allowed: 'bg-accent-soft text-accent-strong',
  new: 'bg-warning-soft text-warning',
  changed: 'bg-warning-soft text-warning',
  vanished: 'bg-sunken text-ink-soft',
} as const

/** A tool as its server describes it, what changed of it, and its owner's word on it. */
export function ToolCard({ serverId, tool }: { serverId: string; tool: McpToolView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const sayError = useErrorToast()
  const stale = () => queries.invalidateQueries({ queryKey: [...SERVERS, 'tools', serverId] })
  const allow = useMutation({
    // With the hash of what is shown here: what it has become since is not allowed along with it.
    mutationFn: () => client.mcp.allowTool(serverId, tool.name, tool.hash),
    onSuccess: () => toast(t('servers.tool.allowedNow', { name: tool.name })),
    onError(error) {
      if (error instanceof ApiError && error.code === 'mcp.tool_changed') {
        toast(t('servers.tool.changedSince'), { kind: 'trouble' })
      } else sayError(error)
    },
    onSettled: stale,
  })
  const say = useMutation({
    mutationFn: (change: McpToolChange) => client.mcp.updateTool(serverId, tool.name, change),
    onError: sayError,
    onSettled: stale,
  })
  const { name, title, state, allowed, description } = tool
  const wants = state === 'new' || state === 'changed'
  return (
    <article
      aria-label={name}
      className={classes('rounded-card border bg-card p-4 shadow-card', wants ? 'border-warning' : 'border-line')}
    >
      <header className="flex flex-wrap items-center gap-2">
        <h3 className="min-w-0 font-semibold [overflow-wrap:anywhere]">
          <bdi>{title || name}</bdi>
        </h3>
        {title !== '' && title !== name && <code className="text-ink-soft text-sm">{name}</code>}
        <span className={classes('rounded-full px-2 py-0.5 text-xs', LOOKS[state])}>{t(`servers.tool.${state}`)}</span>
        {wants && (
          <Button
            small
            kind="primary"
            className="ms-auto"
            busy={allow.isPending}
            icon={<ShieldCheck aria-hidden="true" className="size-4" />}
            onClick={() => allow.mutate()}
          >
            {t(state === 'new' ? 'servers.tool.allow' : 'servers.tool.allowAnew')}
          </Button>
        )}
      </header>
      <p
        dir="auto"
        className="mt-1 line-clamp-3 text-ink-soft text-sm [overflow-wrap:anywhere] [text-align:match-parent]"
      >
        {description}
      </p>
      {state === 'changed' && allowed && (
        <div className="mt-3 grid gap-3 md:grid-cols-2">
          <Definition label={t('servers.tool.before')} of={allowed} />
          <Definition label={t('servers.tool.now')} of={tool} />
        </div>
      )}
      <details className="mt-3 text-sm">
        <summary className="w-fit cursor-pointer text-accent">{t('servers.tool.more')}</summary>
        <div className="mt-3 grid gap-4">
          {state !== 'changed' && <Definition label={t('servers.tool.definition')} of={tool} />}
          <div className="grid gap-4 sm:grid-cols-3">
            <SelectField
              label={t('servers.tool.effect')}
              value={tool.said.effect ?? ''}
              disabled={say.isPending}
              onChange={({ currentTarget: { value } }) =>
                say.mutate({ effect: value === 'reads' || value === 'writes' ? value : null })
              }
              options={[
                ['', t('servers.tool.itsWord', { word: t(`servers.tool.${tool.effect}`) })],
                ['reads', t('servers.tool.reads')],
                ['writes', t('servers.tool.writes')],
              ]}
            />
            <SelectField
              label={t('servers.tool.keyed')}
              value={tool.said.keyed === null ? '' : String(tool.said.keyed)}
              disabled={say.isPending}
              onChange={({ currentTarget: { value } }) => say.mutate({ keyed: value === '' ? null : value === 'true' })}
              options={[
                ['', t('servers.tool.itsWord', { word: t(tool.keyed ? 'servers.yes' : 'servers.no') })],
                ['true', t('servers.yes')],
                ['false', t('servers.no')],
              ]}
            />
            <SelectField
              label={t('servers.tool.onUnknown')}
              value={tool.onUnknown}
              disabled={say.isPending}
              onChange={({ currentTarget: { value } }) => say.mutate({ onUnknown: value === 'ask' ? 'ask' : 'tell' })}
              options={[
                ['tell', t('servers.tool.tell')],
                ['ask', t('servers.tool.ask')],
              ]}
            />
          </div>
        </div>
      </details>
    </article>
  )
}

/** All that a model is told of a tool, as plain text. */
function Definition({ label, of }: { label: string; of: McpDefinitionView }) {
  const { title, description, inputSchema, hints } = of
  return (
    <div className="min-w-0 text-sm">
      <p className="mb-1 font-medium">{label}</p>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls can be focused
        tabIndex={0}
        dir="ltr"
        className="max-h-72 overflow-auto whitespace-pre-wrap rounded-lg bg-sunken px-3 py-2 font-mono text-xs [overflow-wrap:anywhere]"
      >
        {[title, description, JSON.stringify({ inputSchema, hints }, null, 2)].filter(Boolean).join('\n\n')}
      </pre>
    </div>
  )
}
