import { type ConversationView, isOpenTurn, type RunTurnView, type RunView } from '../../../client/client.ts'
import { type RoomState, type TurnTrouble, turnKey } from './room-store.ts'

/** What goes on in a room, for one line of words. `next` are agents' ids; null is one who is not known yet. */
export type RoomStatus =
  | { kind: 'idle' }
  | { kind: 'files' }
  /** Somebody is to say whether a tool may run. */
  | { kind: 'approval' }
  | { kind: 'place' }
  | { kind: 'choosing' }
  | { kind: 'stopping' }
  | { kind: 'thinking'; agents: string[] }
  | { kind: 'speaking'; agents: string[] }
  | { kind: 'retrying'; agent: string | null; trouble: TurnTrouble }

export interface RoomNow {
  status: RoomStatus
  /** Who speaks after those who speak now, where it is certain. */
  next: string | null
  run: RunView | null
}

/** What the run that is not over does now, and who comes after. */
export function roomNow(
  { conversation, speaking, trouble }: Pick<RoomState, 'conversation' | 'speaking' | 'trouble'>,
  stopping: string | null,
): RoomNow {
  const run = conversation?.activeRun ?? null
  if (!conversation || !run) return { status: { kind: 'idle' }, next: null, run: null }
  const status: RoomStatus = stopping === run.id ? { kind: 'stopping' } : statusOf(run, speaking, trouble)
  return { status, next: nextOf(conversation, run), run }
}

function statusOf(run: RunView, all: RoomState['speaking'], trouble: RoomState['trouble']): RoomStatus {
  // Files are waited for between turns, people within one.
  const isWithinTurn = run.turns.some(({ status, attempt }) => isOpenTurn(status) && attempt > 0)
  if (run.status === 'waiting' && isWithinTurn) return { kind: 'approval' }
  const own = all.filter(({ runId }) => runId === run.id)
  const speaking = own.flatMap(({ hasWords, agentId }) => (hasWords && agentId ? [agentId] : []))
  if (speaking.length > 0) return { kind: 'speaking', agents: speaking }
  if (run.status === 'waiting') return { kind: 'files' }
  const open = run.turns.filter(({ status }) => isOpenTurn(status))
  for (const { index, agentId } of open) {
    const late = trouble.get(turnKey({ runId: run.id, turn: index }))
    if (late) return { kind: 'retrying', agent: agentId, trouble: late }
  }
  const thinking = [
    ...own.flatMap(({ agentId }) => agentId ?? []),
    ...open.flatMap(({ status, agentId }) => (status === 'running' && agentId ? [agentId] : [])),
  ]
  if (thinking.length > 0) return { kind: 'thinking', agents: [...new Set(thinking)] }
  if (open.some(({ status }) => status === 'running')) return { kind: 'choosing' }
  return { kind: 'place' }
}

/** A turn that waits behind those that run; in a round, whoever sits next. */
function nextOf(conversation: ConversationView, run: RunView): string | null {
  const running = run.turns.filter(({ status }) => status === 'running')
  const waiting = run.turns.find(({ status, attempt }) => status === 'queued' && attempt === 0)
  if (running.length > 0 && waiting) return waiting.agentId
  if (run.strategy !== 'round_robin' || run.turns.length >= run.maxTurns || conversation.agentIds.length < 2)
    return null
  const now: RunTurnView | undefined = running.at(-1) ?? waiting
  const seat = conversation.agentIds.indexOf(now?.agentId ?? '')
  return seat < 0 ? null : (conversation.agentIds[(seat + 1) % conversation.agentIds.length] ?? null)
}
