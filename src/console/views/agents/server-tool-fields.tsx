import { useQuery } from '@tanstack/react-query'
import { lazy, Suspense, useState } from 'react'
import type { McpToolView } from '../../../client/client.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { collect } from '../../session/collect.ts'
import { useClient } from '../../session/session.ts'
import { loadWords } from '../../words/language.ts'
import { useWords } from '../../words/use-words.ts'
import { type Choosing, PolicyField } from './policy-field.tsx'
import type words from './words/en.ts'

const UnusableTool = lazy(async () => {
  const [module] = await Promise.all([import('../servers/unusable-tool.tsx'), loadWords('servers')])
  return module
})

/** A server's tools: asked for when they are looked at, or the agent has any of them, for one of those may have changed. */
export function ServerToolFields({
  id,
  name,
  isOff,
  ...choosing
}: { id: string; name: string; isOff: boolean } & Choosing) {
  const t = useWords<typeof words>()
  const client = useClient()
  const [isOpen, setOpen] = useState(false)
  const chosen = choosing.tools.filter(({ serverId }) => serverId === id)
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['mcp', 'tools', id, 'choice'],
    queryFn: ({ signal }) => collect((cursor) => client.mcp.tools(id, { cursor, limit: 100 }, { signal })),
    enabled: isOpen || chosen.length > 0,
  })
  const known = new Map((data ?? []).map((tool) => [tool.name, tool]))
  const names = [...new Set([...chosen.map((tool) => tool.name), ...known.keys()])].sort()
  const unusable = data ? chosen.filter((tool) => known.get(tool.name)?.state !== 'allowed').length : 0
  return (
    <details
      className="rounded-lg border border-line px-3 py-2"
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary className="cursor-pointer [overflow-wrap:anywhere]">
        <bdi className="font-medium">{name}</bdi>{' '}
        <span className="text-ink-soft text-sm">{t('agents.tools.given', { count: chosen.length })}</span>
        {(isOff || unusable > 0) && (
          <span className="ms-2 rounded-full bg-warning-soft px-2 py-0.5 text-warning text-xs">
            {isOff ? t('agents.tools.off') : t('agents.tools.unusable', { count: unusable })}
          </span>
        )}
      </summary>
      <ul className="mt-3 grid grid-cols-1 gap-4 sm:grid-cols-2">
        {names.map((tool) => (
          <ToolField
            key={tool}
            serverId={id}
            name={tool}
            tool={known.get(tool)}
            isKnown={data !== undefined}
            {...choosing}
          />
        ))}
      </ul>
      {isOpen && isPending && <SkeletonList lines={2} className="h-10" />}
      {isOpen && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {data && names.length === 0 && <p className="text-ink-soft text-sm">{t('agents.tools.none')}</p>}
    </details>
  )
}

/** Titles are the server's to choose, and two tools may have one. */
const labelOf = (name: string, tool: McpToolView | undefined): string =>
  tool && tool.title !== '' && tool.title !== name ? `${tool.title} (${name})` : name

/** One tool; where it is given and cannot be used, why, over the whole width. */
function ToolField({
  serverId,
  name,
  tool,
  isKnown,
  ...choosing
}: { serverId: string; name: string; tool: McpToolView | undefined; isKnown: boolean } & Choosing) {
  const t = useWords<typeof words>()
  const isGiven = choosing.tools.some((one) => one.serverId === serverId && one.name === name)
  const shown = isGiven && tool?.state !== 'allowed' ? tool : undefined
  const hint = tool ? t(`agents.tool.${tool.effect}`) : isKnown ? t('agents.tool.gone') : undefined
  return (
    <li className={shown && shown.state !== 'vanished' ? 'min-w-0 sm:col-span-2' : 'min-w-0'}>
      <PolicyField of={{ serverId, name }} label={labelOf(name, tool)} hint={hint} {...choosing} />
      {shown && (
        <Suspense fallback={null}>
          <UnusableTool serverId={serverId} tool={shown} />
        </Suspense>
      )}
    </li>
  )
}
