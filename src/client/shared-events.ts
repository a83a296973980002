/** What a link shows, in the words in which conversations are followed. No Node-only imports: browsers run it too. */
import type { ConversationEvent } from '../contract/events.ts'
import type {
  SharedConversationView,
  SharedEnd,
  SharedEvent,
  SharedMessageView,
  SharedRunView,
} from '../contract/share-views.ts'
import type { ConversationView, MessageView, RunView, StopReason } from '../contract/views.ts'

/** A link does not say which conversation it shows. */
const UNNAMED = ''
const NOTHING = '0.000000'
const NO_TOKENS = {
  ...{ inputTokens: 0, outputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0 },
  estimated: false,
}
/** A reason that means as much as the link tells. */
const REASONS: Record<SharedEnd, StopReason> = {
  finished: 'finished',
  limit: 'max_turns',
  stopped: 'cancelled',
  failed: 'failed',
}
const FAILED = { code: 'run.failed', message: '' }

/** The same event as somebody who has the conversation is told of it; what a link does not show is empty, zero or null. */
export function wholeEvent(event: SharedEvent): ConversationEvent {
  const conversationId = UNNAMED
  switch (event.type) {
    case 'conversation.snapshot':
      return {
        ...event,
        conversationId,
        conversation: wholeConversation(event.conversation),
        messages: event.messages.map(wholeMessage),
        activeRun: event.activeRun && wholeRun(event.activeRun),
      }
    case 'conversation.updated':
      return { type: event.type, conversationId, conversation: wholeConversation(event.conversation) }
    case 'message.created':
      return { type: event.type, conversationId, message: wholeMessage(event.message) }
    case 'run.updated':
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return { type: event.type, conversationId, run: wholeRun(event.run) }
    case 'turn.completed': {
      const message = event.message && wholeMessage(event.message)
      return { ...event, conversationId, message, usage: NO_TOKENS, credits: NOTHING }
    }
    case 'turn.failed':
      return { ...event, conversationId, error: FAILED }
    default:
      return { ...event, conversationId }
  }
}

/** A message of a link as one of a conversation; its files are not named. */
export const wholeMessage = ({ fileCount: _, ...message }: SharedMessageView): MessageView => ({
  ...message,
  fileIds: [],
})

const wholeRun = ({ end, ...run }: SharedRunView): RunView => ({
  ...run,
  conversationId: UNNAMED,
  strategy: 'round_robin',
  maxTurns: Math.max(run.turns.length, 1),
  stopReason: end && REASONS[end],
  error: end === 'failed' ? FAILED : null,
  receipt: {
    turns: run.turns.filter(({ messageId }) => messageId !== null).length,
    ...{ inputTokens: 0, outputTokens: 0, credits: NOTHING, released: NOTHING, estimated: false },
  },
})

const wholeConversation = (shared: SharedConversationView): ConversationView => ({
  ...shared,
  id: UNNAMED,
  agentIds: shared.speakers.map(({ id }) => id),
  archived: false,
  updatedAt: shared.activeAt,
  activeRun: shared.activeRun && wholeRun(shared.activeRun),
  lastRun: shared.lastRun && wholeRun(shared.lastRun),
})
