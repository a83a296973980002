import type { ConversationView, MessageView, RunView } from '../contract/views.ts'
import { formatCredits } from '../shared/money.ts'
import type { Conversation } from './conversation.entity.ts'
import type { ShownMessage } from './message.entity.ts'

/** With the run that is active, and its newest, whatever became of it. */
export const presentConversation = (
  conversation: Conversation,
  activeRun: RunView | null,
  lastRun: RunView | null,
): ConversationView & { activeAt: string } => ({
  id: conversation.id,
  title: conversation.title,
  agentIds: conversation.agentIds,
  strategy: conversation.strategy,
  archived: conversation.archived,
  version: Number(conversation.version),
  activeAt: conversation.activeAt.toISOString(),
  createdAt: conversation.createdAt.toISOString(),
  updatedAt: conversation.updatedAt.toISOString(),
  activeRun,
  lastRun,
})

export const presentMessage = ({ cost, ...message }: ShownMessage): MessageView => ({
  id: message.id,
  seq: message.seq,
  role: message.role,
  agentId: message.agentId,
  agentName: message.agentName,
  content: message.content,
  status: message.status,
  runId: message.runId,
  turn: message.turn,
  fileIds: message.fileIds,
  createdAt: message.createdAt.toISOString(),
  ...(cost && { usage: cost.usage, credits: formatCredits(cost.credits) }),
})
