import type { ReceiptView, RunView } from '../contract/views.ts'
import type { Run } from './run.entity.ts'
import type { Turn } from './turn.entity.ts'

/** A run as the API shows it, with its turns (ascending) and its receipt. */
export const presentRun = (run: Run, turns: Turn[], receipt: Omit<ReceiptView, 'turns'>): RunView => ({
  id: run.id,
  conversationId: run.conversationId,
  status: run.status,
  strategy: run.strategy,
  maxTurns: run.maxTurns,
  stopReason: run.stopReason,
  error: run.errorCode === null ? null : { code: run.errorCode, message: run.errorMessage ?? '' },
  turns: turns.map((turn) => ({
    index: turn.index,
    agentId: turn.agentId,
    status: turn.status,
    attempt: turn.attempt,
    messageId: turn.messageId,
  })),
  receipt: { turns: turns.filter((turn) => turn.messageId !== null).length, ...receipt },
  createdAt: run.createdAt.toISOString(),
  startedAt: run.startedAt?.toISOString() ?? null,
  finishedAt: run.finishedAt?.toISOString() ?? null,
})
