import type { ConversationEvent } from '../contract/events.ts'
import { toolEventOf } from '../contract/tool-names.ts'
import { isTerminal, type MessageView, type RunView, type SnapshotView } from '../contract/views.ts'
import type { StreamPosition } from './stream-position.ts'

const RUN_ENDS = { completed: 'run.completed', failed: 'run.failed', cancelled: 'run.cancelled' } as const

/** Runs of the past that are looked up for one replay: the latest of them. */
const MAX_RUNS = 20

/** The event that tells how a run stands. */
export function runEvent(run: RunView): ConversationEvent {
  const { status, conversationId } = run
  const isOver = status === 'completed' || status === 'failed' || status === 'cancelled'
  return { type: isOver ? RUN_ENDS[status] : 'run.updated', conversationId, run }
}

/** An event, and the client's position once it has it. */
export interface Placed {
  event: ConversationEvent
  id: string
}

/** Moves the position over the event; what of it is new, with the rest of a turn's text before the turn's end. */
export function place(position: StreamPosition, event: ConversationEvent): Placed[] {
  const events: ConversationEvent[] = []
  if (event.type === 'turn.completed' && event.message && !position.knows(event.message)) {
    const { conversationId, runId, turn, attempt, message } = event
    events.push({ type: 'turn.delta', conversationId, runId, turn, attempt, offset: 0, text: message.content })
  }
  return [...events, event].flatMap((one) => {
    const fresh = position.take(one)
    return fresh ? [{ event: fresh, id: position.toString() }] : []
  })
}

interface Missed {
  events: Placed[]
  /** Ended runs which this snapshot may be too old to show whole: they are told after the next. */
  unsure: string[]
}

/**
 * What a client at `position` lacks of the rows and live text of `snapshot`, as the events that it missed (their costs are
 * in the runs' receipts): the rest of each text as one `turn.delta` from the very character on, then its message, and how
 * runs ended. Moves the position. `run` answers undefined for a run that is gone; `ended` are runs that were over before the
 * snapshot was read.
 */
export async function missedEvents(
  position: StreamPosition,
  snapshot: SnapshotView,
  run: (runId: string) => Promise<RunView | undefined>,
  ended: ReadonlySet<string>,
): Promise<Missed> {
  const { conversation, activeRun, live } = snapshot
  const { conversationId } = position
  const unknown = new Set(snapshot.messages.filter((message) => !position.knows(message)))
  const runs = await findRuns(position, [...unknown], activeRun, run)
  const events: Placed[] = []
  const add = (event: ConversationEvent) => void events.push(...place(position, event))
  const isNewer = conversation.version > position.version
  if (isNewer && activeRun) add(runEvent(activeRun))
  for (const message of snapshot.messages) {
    // A status may change without a new `seq`.
    if (!unknown.has(message) && message.status !== 'superseded') continue
    const text = unknown.has(message) && wholeText(message, runs, position)
    for (const event of text ? spokenEvents(conversationId, message, text) : []) add(event)
    add({ type: 'message.created', conversationId, message })
  }
  const unsure: string[] = []
  // With messages still to come, no run's end is told: a stream of that run would end with it.
  for (const past of snapshot.more ? [] : runs.values()) {
    if (past.id === activeRun?.id || !isTerminal(past.status)) continue
    // One that has spoken and is not active had ended. Another may have begun and ended since the snapshot was read.
    const isSure = ended.has(past.id) || [...unknown].some(({ role, runId }) => role === 'agent' && runId === past.id)
    if (isSure) add(runEvent(past))
    else unsure.push(past.id)
  }
  for (const { runId, turn, attempt, text } of live) {
    add({ type: 'turn.delta', conversationId, runId, turn, attempt, offset: 0, text })
  }
  if (isNewer) {
    position.version = conversation.version
    add({ type: 'conversation.updated', conversationId, conversation })
  }
  return { events, unsure }
}

/** The runs that the client may lack news of, oldest first (ids are in the order of time). */
async function findRuns(
  position: StreamPosition,
  unknown: MessageView[],
  activeRun: RunView | null,
  run: (runId: string) => Promise<RunView | undefined>,
): Promise<Map<string, RunView>> {
  const named = unknown.flatMap(({ runId }) => runId ?? [])
  const ids = [...new Set([...position.openRuns, ...named])].toSorted().slice(-MAX_RUNS)
  const found = await Promise.all(ids.map((id) => (id === activeRun?.id ? activeRun : run(id))))
  return new Map(found.flatMap((view) => (view ? [[view.id, view]] : [])))
}

/** A message of an agent in one piece. */
interface WholeText {
  runId: string
  turn: number
  attempt: number
  offset: 0
  text: string
}

/** A message's words, and before them how its calls of tools ended, for those have their places in the words. To be told of one again changes nothing. */
function spokenEvents(
  conversationId: string,
  { agentId, toolCalls = [] }: MessageView,
  { text, offset, ...turn }: WholeText,
): ConversationEvent[] {
  const calls = toolCalls.flatMap((call): ConversationEvent[] =>
    agentId === null ? [] : [{ type: toolEventOf(call.status), conversationId, ...turn, agentId, call }],
  )
  return [...calls, { type: 'turn.delta', conversationId, ...turn, offset, text }]
}

/** A message of an agent as a delta, where the attempt that said it is known. */
function wholeText(message: MessageView, runs: Map<string, RunView>, position: StreamPosition): WholeText | undefined {
  const { runId, turn, content } = message
  if (message.role !== 'agent' || !runId || turn === null) return undefined
  const spoken = runs.get(runId)?.turns.find(({ index }) => index === turn)
  const attempt = spoken?.attempt || position.attemptOf({ runId, turn })
  return attempt ? { runId, turn, attempt, offset: 0, text: content } : undefined
}
