import type { Agent } from '../../src/agents/agent.entity.ts'
import { traitsOf } from '../../src/connections/provider-factory.ts'
import type { ModelTerms } from './model-terms.ts'

/** Families that think before they speak, on wires that do not show it. */
const FAMILIES = ['o1', 'o3', 'o4', 'gpt-5', 'gemini-2.5', 'gemini-3', 'deepseek-reasoner', 'grok-4']
/** Those of them that do not. */
const SPEAKS_AT_ONCE = 'chat'

/**
 * Whether a model may use tokens that nobody sees until it reports them; a stopped one never does. Only of the platform's
 * connections: what an owner's own server does in silence costs the platform nothing.
 */
export function thinksUnseen({ connection, modelId }: ModelTerms, effort: Agent['reasoningEffort'] = null): boolean {
  if (connection.scope !== 'platform' || connection.provider === 'demo' || effort === 'none') return false
  if (effort !== null || traitsOf(connection, modelId).includes('thinks')) return true
  const name = modelId.slice(modelId.lastIndexOf('/') + 1)
  return FAMILIES.some((family) => name.startsWith(family)) && !name.includes(SPEAKS_AT_ONCE)
}
