import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { McpToolChange, McpToolView } from '../../../client/client.ts'
import { useErrorToast } from '../../errors/error-notice.tsx'
import { classes } from '../../parts/class-names.ts'
import { SelectField } from '../../parts/field.tsx'
import { useClient } from '../../session/session.ts'
import { useWords } from '../../words/use-words.ts'
import { AllowTool, ToolChange, ToolState } from './allow-tool.tsx'
import { Definition } from './definition.tsx'
import { SERVERS } from './use-server.ts'
import type words from './words/en.ts'

/** A tool as its server describes it, what changed of it, and its owner's word on it. */
export function ToolCard({ serverId, tool }: { serverId: string; tool: McpToolView }) {
  const t = useWords<typeof words>()
  const client = useClient()
  const queries = useQueryClient()
  const sayError = useErrorToast()
  const stale = () => queries.invalidateQueries({ queryKey: [...SERVERS, 'tools', serverId] })
  const say = useMutation({
    mutationFn: (change: McpToolChange) => client.mcp.updateTool(serverId, tool.name, change),
    onError: sayError,
    onSettled: stale,
  })
  const { name, title, state, description } = tool
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
        <ToolState tool={tool} />
        <AllowTool serverId={serverId} tool={tool} className="ms-auto" />
      </header>
      <p
        dir="auto"
        className="mt-1 line-clamp-3 text-ink-soft text-sm [overflow-wrap:anywhere] [text-align:match-parent]"
      >
        {description}
      </p>
      <ToolChange tool={tool} />
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
