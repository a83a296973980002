import type { MessageView, RunView } from '../../contract/views.ts'

/** What stands before a turn's text in a UIMessage, as a `data-turn` part. */
export interface TurnData {
  /** Its place in the run, from 0. */
  turn: number
  agentId: string
  name: string
  attempt: number
  /** The message's id, and what it cost, once the turn is over. */
  messageId?: string
  credits?: string
}

/** What the metadata of an assistant's UIMessage say of its run; what is not known before its end is left out until then. */
export interface RunMetadata {
  conversationId: string
  runId: string
  status: RunView['status']
  createdAt: string
  stopReason?: string
  error?: { code: string; message: string }
  usage?: { inputTokens: number; outputTokens: number; totalTokens: number }
  credits?: string
}

export const turnData = (
  { turn, agentId, agentName, attempt }: { turn: number; agentId: string; agentName: string; attempt: number },
  message?: MessageView,
): TurnData => ({
  turn,
  agentId,
  name: agentName,
  attempt,
  ...(message && { messageId: message.id, ...(message.credits !== undefined && { credits: message.credits }) }),
})

export function runMetadata(run: RunView): RunMetadata {
  const { id: runId, conversationId, status, createdAt, stopReason, error, receipt, finishedAt } = run
  const metadata = { conversationId, runId, status, createdAt }
  if (finishedAt === null) return metadata
  const { inputTokens, outputTokens, credits } = receipt
  return {
    ...metadata,
    ...(stopReason !== null && { stopReason }),
    ...(error !== null && { error }),
    usage: { inputTokens, outputTokens, totalTokens: inputTokens + outputTokens },
    credits,
  }
}
