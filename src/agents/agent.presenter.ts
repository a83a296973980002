import type { AgentView } from '../contract/agent-views.ts'
import type { Agent } from './agent.entity.ts'

/** What of an agent its owner may change. */
export const agentState = ({ createdAt: _, updatedAt: __, scope: ___, ...state }: AgentView) => state

/** An agent as the API shows it. `scope` tells the platform's agents from one's own. */
export const presentAgent = (agent: Agent): AgentView => ({
  id: agent.id,
  name: agent.name,
  instructions: agent.instructions,
  characteristics: agent.characteristics,
  chatStyle: agent.chatStyle,
  connectionId: agent.connectionId,
  model: agent.model,
  fallbackConnectionId: agent.fallbackConnectionId,
  fallbackModel: agent.fallbackModel,
  temperature: agent.temperature,
  maxOutputTokens: agent.maxOutputTokens,
  reasoningEffort: agent.reasoningEffort,
  tools: agent.tools,
  maxSteps: agent.maxSteps,
  avatar: agent.avatar,
  color: agent.color,
  scope: agent.userId === null ? 'platform' : 'user',
  createdAt: agent.createdAt.toISOString(),
  updatedAt: agent.updatedAt.toISOString(),
})
