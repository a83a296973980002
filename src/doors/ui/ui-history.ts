import type { MessageView, RunView } from '../../contract/views.ts'
import { type RunMetadata, runMetadata, type TurnData, turnData } from './ui-message.ts'

export type UiPart =
  | { type: 'step-start' }
  | { type: 'data-turn'; id: string; data: TurnData }
  | { type: 'text'; text: string; state: 'done' }

/** A UIMessage of the AI SDK, as a stream of the same run leaves it with its client. */
export interface UiMessage {
  id: string
  role: 'user' | 'assistant' | 'system'
  metadata: RunMetadata | { createdAt: string; fileIds?: string[] }
  parts: UiPart[]
}

/**
 * Messages of a conversation, ascending, as UIMessages, but for those that were superseded. What a run's agents said is one, behind the
 * words that it answers; what was said elsewhere before stands alone. Of a run that is not over, or came to nothing, there is one
 * without parts: streams go on in it, and its metadata say what went wrong.
 */
export function uiMessages(messages: MessageView[], runs: ReadonlyMap<string, RunView>): UiMessage[] {
  const shown: UiMessage[] = []
  const ofRuns = new Map<string, UiMessage>()
  const answerOf = (run: RunView): UiMessage => {
    const known = ofRuns.get(run.id)
    if (known) return known
    const answer: UiMessage = { id: run.id, role: 'assistant', metadata: runMetadata(run), parts: [] }
    ofRuns.set(run.id, answer)
    shown.push(answer)
    return answer
  }
  const standing = messages.filter(({ status }) => status !== 'superseded')
  for (const message of standing) {
    const run = message.runId === null ? undefined : runs.get(message.runId)
    if (message.role !== 'agent' || !run) shown.push(said(message))
    if (run) answerOf(run)
  }
  const spoken = Map.groupBy(
    standing.filter(({ role }) => role === 'agent'),
    ({ runId }) => runId,
  )
  for (const [runId, answer] of ofRuns) {
    const turns = spoken.get(runId)?.toSorted((one, other) => (one.turn ?? 0) - (other.turn ?? 0)) ?? []
    answer.parts = turns.flatMap((message) => stepOf(message, runs.get(runId)))
  }
  return shown.filter(
    ({ role, parts, id }) => role !== 'assistant' || parts.length > 0 || runs.get(id)?.status !== 'completed',
  )
}

const ROLES = { user: 'user', agent: 'assistant', system: 'system' } as const

function said(message: MessageView): UiMessage {
  const { id, role, content, createdAt, fileIds } = message
  return {
    id,
    role: ROLES[role],
    metadata: { createdAt, ...(fileIds.length > 0 && { fileIds }) },
    parts: role === 'agent' ? stepOf(message, undefined) : [{ type: 'text', text: content, state: 'done' }],
  }
}

function stepOf(message: MessageView, run: RunView | undefined): UiPart[] {
  const turn = message.turn ?? 0
  const attempt = run?.turns.find(({ index }) => index === turn)?.attempt ?? 1
  const speaker = { agentId: message.agentId ?? '', agentName: message.agentName ?? '' }
  return [
    { type: 'step-start' },
    { type: 'data-turn', id: String(turn), data: turnData({ turn, attempt, ...speaker }, message) },
    { type: 'text', text: message.content, state: 'done' },
  ]
}
