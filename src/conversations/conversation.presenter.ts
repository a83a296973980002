import { MOST_DATA_CHARS } from '../contract/answer-form.ts'
import type { ConversationView, LastMessageView, MessageView, RunView, SpeakerView } from '../contract/views.ts'
import { shortened } from '../shared/errors.ts'
import { objectIn } from '../shared/json-in-text.ts'
import { formatCredits } from '../shared/money.ts'
import type { Conversation } from './conversation.entity.ts'
import type { ShownMessage } from './message.entity.ts'

/** What a conversation's row does not say, as `conversation_glances` answers it. */
export interface Glance {
  lastMessage: LastMessageView | null
  unread: number
  speakers: SpeakerView[]
}

/** Characters of the last words that lists show. */
const PREVIEW_CHARS = 200

/** With the run that is active, and its newest, whatever became of it. */
export const presentConversation = (
  conversation: Conversation,
  activeRun: RunView | null,
  lastRun: RunView | null,
  { lastMessage, unread, speakers }: Glance,
): ConversationView & { activeAt: string } => ({
  id: conversation.id,
  title: conversation.title,
  agentIds: conversation.agentIds,
  strategy: conversation.strategy,
  archived: conversation.archived,
  pinned: conversation.pinned,
  lastMessage: lastMessage && {
    ...lastMessage,
    preview: shortened(lastMessage.preview.replace(/\s+/g, ' ').trim(), PREVIEW_CHARS),
    createdAt: new Date(lastMessage.createdAt).toISOString(),
  },
  speakers,
  readSeq: conversation.readSeq,
  unread,
  version: Number(conversation.version),
  branchedFrom: originOf(conversation),
  activeAt: conversation.activeAt.toISOString(),
  createdAt: conversation.createdAt.toISOString(),
  updatedAt: conversation.updatedAt.toISOString(),
  activeRun,
  lastRun,
})

/** What of a conversation its user may change. */
export const conversationState = ({
  title,
  archived,
  pinned,
}: Pick<ConversationView, 'title' | 'archived' | 'pinned'>) => ({
  title,
  archived,
  pinned,
})

const originOf = ({ branchedFromConversationId: conversationId, branchedFromMessageId: messageId }: Conversation) =>
  conversationId === null || messageId === null ? null : { conversationId, messageId }

export function presentMessage({ cost, toolCalls = [], isData, ...message }: ShownMessage): MessageView {
  const isAnswer = isData === true && message.status === 'complete'
  // All that was said before an answer in a form is no part of it.
  const calls = isAnswer ? toolCalls.map((call) => ({ ...call, offset: 0 })) : toolCalls
  return {
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
    ...(message.feedback && { feedback: { value: message.feedback, comment: message.feedbackComment ?? null } }),
    ...(cost && { usage: cost.usage, credits: formatCredits(cost.credits) }),
    ...(calls.length > 0 && { toolCalls: calls }),
    ...(isAnswer && dataIn(message.content)),
  }
}

/** Of a worker of the version before, which does not know of forms, a message may be any words. */
function dataIn(content: string): Pick<MessageView, 'data'> {
  const found = content.length <= MOST_DATA_CHARS ? objectIn(content) : undefined
  return found?.json === content ? { data: found.value } : {}
}
