import type { ConversationEvent, EventOf } from '../contract/events.ts'
import type {
  SharedConversationView,
  SharedEnd,
  SharedEvent,
  SharedMessageView,
  SharedRunView,
} from '../contract/share-views.ts'
import type { ConversationView, MessageView, RunView, StopReason } from '../contract/views.ts'

/** Of limits it is not said which: some are about credits. */
const ENDS: Record<StopReason, SharedEnd> = {
  finished: 'finished',
  phrase: 'finished',
  supervisor_done: 'finished',
  all_passed: 'finished',
  max_turns: 'limit',
  max_rounds: 'limit',
  max_credits: 'limit',
  max_seconds: 'limit',
  credits_exhausted: 'limit',
  cancelled: 'stopped',
  interrupted: 'stopped',
  failed: 'failed',
}

/** A message without the words that were taken back: a link shows a conversation as it stands. */
export const asItStands = <M extends Pick<MessageView, 'status' | 'content'>>(message: M): M =>
  message.status === 'superseded' ? { ...message, content: '' } : message

export function presentSharedMessage(message: MessageView): SharedMessageView {
  const { id, seq, role, agentId, agentName, status, runId, turn, fileIds, createdAt } = message
  const { content } = asItStands(message)
  return { id, seq, role, agentId, agentName, content, status, runId, turn, fileCount: fileIds.length, createdAt }
}

export function presentSharedRun(run: RunView): SharedRunView {
  const { id, status, stopReason, createdAt, startedAt, finishedAt } = run
  const turns = run.turns.map(({ index, agentId, status, attempt, messageId }) => ({
    index,
    agentId,
    status,
    attempt,
    messageId,
  }))
  return { id, status, turns, end: stopReason && ENDS[stopReason], createdAt, startedAt, finishedAt }
}

export const presentSharedConversation = (conversation: ConversationView): SharedConversationView => ({
  title: conversation.title,
  strategy: conversation.strategy,
  version: conversation.version,
  createdAt: conversation.createdAt,
  activeAt: conversation.activeAt ?? conversation.updatedAt,
  speakers: (conversation.speakers ?? []).map(({ id, name, avatar, color }) => ({ id, name, avatar, color })),
  activeRun: conversation.activeRun && presentSharedRun(conversation.activeRun),
  lastRun: conversation.lastRun ? presentSharedRun(conversation.lastRun) : null,
})

/** What of an event a link shows; undefined for what it does not. Named one by one: what is new is not shown before somebody says so. */
export function presentSharedEvent(event: ConversationEvent): SharedEvent | undefined {
  switch (event.type) {
    case 'conversation.snapshot':
      return presentSnapshot(event)
    case 'conversation.updated':
      return { type: event.type, conversation: presentSharedConversation(event.conversation) }
    case 'message.created':
      return { type: event.type, message: presentSharedMessage(event.message) }
    case 'run.updated':
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
      return { type: event.type, run: presentSharedRun(event.run) }
    case 'turn.started':
      return { type: event.type, ...turnOf(event), agentId: event.agentId, agentName: event.agentName }
    case 'turn.delta':
      return { type: event.type, ...turnOf(event), offset: event.offset, text: event.text }
    case 'turn.completed':
      return { type: event.type, ...turnOf(event), message: event.message && presentSharedMessage(event.message) }
    case 'turn.failed':
      return { type: event.type, ...turnOf(event), willRetry: event.willRetry }
    default:
      return undefined
  }
}

const presentSnapshot = (snapshot: EventOf<'conversation.snapshot'>): SharedEvent => ({
  type: snapshot.type,
  conversation: presentSharedConversation(snapshot.conversation),
  messages: snapshot.messages.map(presentSharedMessage),
  activeRun: snapshot.activeRun && presentSharedRun(snapshot.activeRun),
  live: snapshot.live.map(({ agentId, text, ...live }) => ({ ...turnOf(live), agentId, text })),
  more: snapshot.more ?? false,
})

const turnOf = ({ runId, turn, attempt }: { runId: string; turn: number; attempt: number }) => ({
  runId,
  turn,
  attempt,
})
