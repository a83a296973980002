import type { AgentInput, AgentView } from '../../../client/client.ts'
import { differencesOf } from '../../parts/differences.ts'

export const TRAITS = ['friendliness', 'humor', 'formality', 'verbosity'] as const
export const LEVELS = ['low', 'medium', 'high'] as const

/** An agent as the editor's fields have it; empty: as the connection or the provider has it. */
export interface AgentDraft {
  name: string
  instructions: string
  characteristics: string
  chatStyle: AgentView['chatStyle']
  avatar: string
  color: string
  connectionId: string
  model: string
  fallbackConnectionId: string
  fallbackModel: string
  temperature: string
  maxOutputTokens: string
  reasoningEffort: NonNullable<AgentView['reasoningEffort']> | ''
  tools: NonNullable<AgentView['tools']>
  maxSteps: string
}

export const NEW_DRAFT: AgentDraft = {
  name: '',
  instructions: '',
  characteristics: '',
  chatStyle: { friendliness: 'medium', humor: 'medium', formality: 'medium', verbosity: 'medium' },
  avatar: '',
  color: '',
  connectionId: '',
  model: '',
  fallbackConnectionId: '',
  fallbackModel: '',
  temperature: '',
  maxOutputTokens: '',
  reasoningEffort: '',
  tools: [],
  maxSteps: '',
}

export const draftOf = (agent: AgentView): AgentDraft => ({
  name: agent.name,
  instructions: agent.instructions,
  characteristics: agent.characteristics,
  chatStyle: agent.chatStyle,
  avatar: agent.avatar ?? '',
  color: agent.color ?? '',
  connectionId: agent.connectionId ?? '',
  model: agent.model ?? '',
  fallbackConnectionId: agent.fallbackConnectionId ?? '',
  fallbackModel: agent.fallbackModel ?? '',
  temperature: agent.temperature === null ? '' : String(agent.temperature),
  maxOutputTokens: agent.maxOutputTokens === null ? '' : String(agent.maxOutputTokens),
  reasoningEffort: agent.reasoningEffort ?? '',
  tools: agent.tools ?? [],
  maxSteps: agent.maxSteps == null ? '' : String(agent.maxSteps),
})

const textOf = (text: string): string | null => text.trim() || null
const numberOf = (text: string): number | null => (text.trim() === '' ? null : Number(text))

/** As the API takes it. */
export const inputOf = (draft: AgentDraft): AgentInput => ({
  name: draft.name,
  instructions: draft.instructions,
  characteristics: draft.characteristics,
  chatStyle: draft.chatStyle,
  avatar: textOf(draft.avatar),
  color: textOf(draft.color),
  connectionId: textOf(draft.connectionId),
  model: textOf(draft.model),
  fallbackConnectionId: textOf(draft.fallbackConnectionId),
  fallbackModel: textOf(draft.fallbackModel),
  temperature: numberOf(draft.temperature),
  maxOutputTokens: numberOf(draft.maxOutputTokens),
  reasoningEffort: draft.reasoningEffort === '' ? null : draft.reasoningEffort,
  tools: draft.tools,
  maxSteps: numberOf(draft.maxSteps),
})

const FIELDS = [
  'name',
  'instructions',
  'characteristics',
  'chatStyle',
  'avatar',
  'color',
  'connectionId',
  'model',
  'fallbackConnectionId',
  'fallbackModel',
  'temperature',
  'maxOutputTokens',
  'reasoningEffort',
  'tools',
  'maxSteps',
] as const satisfies (keyof AgentDraft)[]

/** Fields that are different. */
export const differences = differencesOf(FIELDS)
