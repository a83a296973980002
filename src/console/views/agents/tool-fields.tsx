import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { type BuiltinTool, builtinTools, type ToolPolicy, toolPolicies } from '../../../contract/tool-names.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { ButtonLink } from '../../parts/button.tsx'
import { SelectField } from '../../parts/field.tsx'
import { Card } from '../../parts/page.tsx'
import { SkeletonList } from '../../parts/skeleton.tsx'
import { useClient } from '../../session/session.ts'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import type { AgentDraft } from './agent-draft.ts'
import type words from './words/en.ts'

type Tools = AgentDraft['tools']
interface ToolName {
  serverId: string | null
  name: string
}
const isSame = (one: ToolName, other: ToolName) => one.serverId === other.serverId && one.name === other.name

interface Choosing {
  tools: Tools
  onChange: (tools: Tools) => void
}

/** What the agent may use: built-in tools, and those of one's MCP servers, each with what is done before it runs. */
export function ToolFields({
  draft,
  onChange,
  wrong,
}: {
  draft: AgentDraft
  onChange: (part: Partial<AgentDraft>) => void
  wrong: Record<string, string>
}) {
  const t = useWords<typeof words>()
  const client = useClient()
  const { data: me } = useMe()
  const { data, error, refetch } = useQuery({
    queryKey: ['mcp', 'choice'],
    queryFn: ({ signal }) => client.mcp.list({ limit: 100 }, { signal }),
    enabled: me?.guest === false,
  })
  const problem = Object.entries(wrong).find(([path]) => path === 'tools' || path.startsWith('tools.'))?.[1]
  const choosing = { tools: draft.tools, onChange: (tools: Tools) => onChange({ tools }) }
  return (
    <Card className="grid gap-5">
      <div>
        <h2 className="text-lg">{t('agents.field.tools')}</h2>
        <p className="text-ink-soft text-sm">{t('agents.tools.hint')}</p>
        {problem && <p className="mt-1 text-danger text-sm">{problem}</p>}
      </div>
      <div className="grid gap-4 sm:grid-cols-2">
        {builtinTools.map((name) => (
          <PolicyField
            key={name}
            of={{ serverId: null, name }}
            label={t(`agents.tool.${name satisfies BuiltinTool}`)}
            {...choosing}
          />
        ))}
      </div>
      {data?.data.map(({ id, name }) => (
        <ServerTools key={id} id={id} name={name} {...choosing} />
      ))}
      {data && <GoneTools servers={data.data.map(({ id }) => id)} {...choosing} />}
      <ErrorNotice error={error} onRetry={() => void refetch()} />
      {me?.guest === false && (
        <ButtonLink small kind="quiet" href="/servers" className="justify-self-start">
          {t('agents.tools.servers')}
        </ButtonLink>
      )}
    </Card>
  )
}

/** Tools of servers that are gone: the agent is not saved with them, so that they have to be taken away here. */
function GoneTools({ servers, ...choosing }: { servers: readonly string[] } & Choosing) {
  const t = useWords<typeof words>()
  const gone = choosing.tools.filter(({ serverId }) => serverId !== null && !servers.includes(serverId))
  if (gone.length === 0) return null
  return (
    <div className="grid gap-4">
      <p className="text-sm text-warning">{t('agents.tools.gone')}</p>
      {gone.map(({ serverId, name }) => (
        <PolicyField key={`${serverId} ${name}`} of={{ serverId, name }} label={name} {...choosing} />
      ))}
    </div>
  )
}

/** A server's tools are asked for when they are looked at; what the agent has of them is there before. */
function ServerTools({ id, name, ...choosing }: { id: string; name: string } & Choosing) {
  const t = useWords<typeof words>()
  const client = useClient()
  const [isOpen, setOpen] = useState(false)
  const { data, error, isPending, refetch } = useQuery({
    queryKey: ['mcp', 'tools', id, 'choice'],
    // As many as a server may have, and more.
    queryFn: async ({ signal }) => {
      const first = await client.mcp.tools(id, { limit: 100 }, { signal })
      if (first.nextCursor === null) return first.data
      const second = await client.mcp.tools(id, { limit: 100, cursor: first.nextCursor }, { signal })
      return [...first.data, ...second.data]
    },
    enabled: isOpen,
  })
  const chosen = choosing.tools.filter(({ serverId }) => serverId === id)
  const names = [...new Set([...chosen.map((tool) => tool.name), ...(data ?? []).map((tool) => tool.name)])].sort()
  return (
    <details
      className="rounded-lg border border-line px-3 py-2"
      onToggle={({ currentTarget }) => setOpen(currentTarget.open)}
    >
      <summary className="cursor-pointer [overflow-wrap:anywhere]">
        <bdi className="font-medium">{name}</bdi>{' '}
        <span className="text-ink-soft text-sm">{t('agents.tools.given', { count: chosen.length })}</span>
      </summary>
      <div className="mt-3 grid gap-4 sm:grid-cols-2">
        {names.map((tool) => (
          <PolicyField key={tool} of={{ serverId: id, name: tool }} label={tool} {...choosing} />
        ))}
      </div>
      {isOpen && isPending && <SkeletonList lines={2} className="h-10" />}
      {isOpen && <ErrorNotice error={error} onRetry={() => void refetch()} />}
      {data && names.length === 0 && <p className="text-ink-soft text-sm">{t('agents.tools.none')}</p>}
    </details>
  )
}

const policyOf = (value: string): ToolPolicy | null => toolPolicies.find((policy) => policy === value) ?? null

function PolicyField({ of, label, tools, onChange }: { of: ToolName; label: string } & Choosing) {
  const t = useWords<typeof words>()
  const has = tools.find((tool) => isSame(tool, of))
  const choose = (value: string) => {
    const policy = policyOf(value)
    if (value === 'no') onChange(tools.filter((tool) => !isSame(tool, of)))
    else if (has) onChange(tools.map((tool) => (isSame(tool, of) ? { ...tool, policy } : tool)))
    else onChange([...tools, { ...of, policy }])
  }
  return (
    <SelectField
      label={label}
      value={has ? (has.policy ?? 'usual') : 'no'}
      onChange={({ currentTarget: { value } }) => choose(value)}
      options={[
        ['no', t('agents.policy.no')],
        ['usual', t(of.serverId === null ? 'agents.policy.usual.allow' : 'agents.policy.usual.ask')],
        ['allow', t('agents.policy.allow')],
        ['ask', t('agents.policy.ask')],
        ['deny', t('agents.policy.deny')],
      ]}
    />
  )
}
