import type { MessageView, RunTurnView, RunView, ToolCallView } from '../../contract/views.ts'
import { type RunMetadata, runMetadata, type TurnData, turnData } from './ui-message.ts'
import { toolPart, type UiToolPart } from './ui-tool.ts'

export type UiPart =
  | { type: 'step-start' }
  | { type: 'data-turn'; id: string; data: TurnData }
  | { type: 'text'; text: string; state: 'done' }
  | UiToolPart

/** A UIMessage of the AI SDK, as a stream of the same run leaves it with its client. */
export interface UiMessage {
  id: string
  role: 'user' | 'assistant' | 'system'
  metadata: RunMetadata | { createdAt: string; fileIds?: string[] }
  parts: UiPart[]
}

/** A turn that waits for somebody's decision, with what it has said and done. */
export interface WaitingTurn extends Omit<RunTurnView, 'messageId' | 'status'> {
  agentName: string
  text: string
  calls: ToolCallView[]
}

/**
 * Messages of a conversation, ascending, as UIMessages, but for those that were superseded. What a run's agents said is one, behind the
 * words that it answers; what was said elsewhere before stands alone. Of a run that is not over, or came to nothing, there is one
 * without parts: streams go on in it, and its metadata say what went wrong. `waiting`, by the run: what somebody is to decide on is shown.
 */
export function uiMessages(
  messages: MessageView[],
  runs: ReadonlyMap<string, RunView>,
  waiting: ReadonlyMap<string, WaitingTurn> = new Map(),
): UiMessage[] {
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
    const asks = waiting.get(runId)
    if (asks)
      answer.parts.push(
        ...partsOf(turnData({ ...asks, turn: asks.index, agentId: asks.agentId ?? '' }), asks.text, asks.calls),
      )
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
  return partsOf(turnData({ turn, attempt, ...speaker }, message), message.content, message.toolCalls ?? [])
}

/** A turn's step: its words, with the tools that it used between them. */
function partsOf(data: TurnData, text: string, calls: ToolCallView[]): UiPart[] {
  const parts: UiPart[] = [{ type: 'step-start' }, { type: 'data-turn', id: String(data.turn), data }]
  let said = 0
  const sayUpTo = (to: number) => {
    if (to > said) parts.push({ type: 'text', text: text.slice(said, to), state: 'done' })
    said = Math.max(said, to)
  }
  for (const call of calls) {
    sayUpTo(Math.min(call.offset ?? 0, text.length))
    parts.push(toolPart(call))
  }
  sayUpTo(text.length)
  return parts
}
