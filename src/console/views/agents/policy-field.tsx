import { type ToolPolicy, toolPolicies } from '../../../contract/tool-names.ts'
import { SelectField } from '../../parts/field.tsx'
import { useWords } from '../../words/use-words.ts'
import type { AgentDraft } from './agent-draft.ts'
import type words from './words/en.ts'

export type Tools = AgentDraft['tools']

export interface ToolName {
  serverId: string | null
  name: string
}

export interface Choosing {
  tools: Tools
  onChange: (tools: Tools) => void
}

const isSame = (one: ToolName, other: ToolName) => one.serverId === other.serverId && one.name === other.name

const policyOf = (value: string): ToolPolicy | null => toolPolicies.find((policy) => policy === value) ?? null

/** What happens where its owner has said nothing of a tool: servers' ask, what is built in runs, but for addresses that nobody wrote. */
function usualOf({ serverId, name }: ToolName) {
  if (serverId !== null) return 'agents.policy.usual.ask'
  return name === 'web_fetch' ? 'agents.policy.usual.written' : 'agents.policy.usual.allow'
}

/** Whether the agent has a tool, and what is done before it runs. */
export function PolicyField({
  of,
  label,
  hint,
  tools,
  onChange,
}: { of: ToolName; label: string; hint?: string | undefined } & Choosing) {
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
      hint={hint}
      value={has ? (has.policy ?? 'usual') : 'no'}
      onChange={({ currentTarget: { value } }) => choose(value)}
      options={[
        ['no', t('agents.policy.no')],
        ['usual', t(usualOf(of))],
        ['allow', t('agents.policy.allow')],
        ['ask', t('agents.policy.ask')],
        ['deny', t('agents.policy.deny')],
      ]}
    />
  )
}
