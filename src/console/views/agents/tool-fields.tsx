import { useQuery } from '@tanstack/react-query'
import { type BuiltinTool, builtinTools } from '../../../contract/tool-names.ts'
import { ErrorNotice } from '../../errors/error-notice.tsx'
import { ButtonLink } from '../../parts/button.tsx'
import { TextField } from '../../parts/field.tsx'
import { Card } from '../../parts/page.tsx'
import { useClient } from '../../session/session.ts'
import { useMe } from '../../session/use-me.ts'
import { useWords } from '../../words/use-words.ts'
import type { AgentDraft } from './agent-draft.ts'
import { type Choosing, PolicyField, type Tools } from './policy-field.tsx'
import { ServerToolFields } from './server-tool-fields.tsx'
import type words from './words/en.ts'

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
      {data?.data.map(({ id, name, enabled }) => (
        <ServerToolFields key={id} id={id} name={name} isOff={!enabled} {...choosing} />
      ))}
      {data && <GoneTools servers={data.data.map(({ id }) => id)} {...choosing} />}
      <ErrorNotice error={error} onRetry={() => void refetch()} />
      <TextField
        className="sm:max-w-xs"
        label={t('agents.field.maxSteps')}
        hint={t('agents.maxSteps.hint')}
        type="number"
        inputMode="numeric"
        min={1}
        max={50}
        step={1}
        placeholder={t('agents.maxSteps.usual')}
        value={draft.maxSteps}
        onChange={({ currentTarget: { value } }) => onChange({ maxSteps: value })}
        error={wrong.maxSteps}
      />
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
