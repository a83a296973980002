import type { RunTurnView, RunView } from '../contract/views.ts'
import { fromJson } from '../database/json-row.ts'
import { formatCredits } from '../shared/money.ts'
import type { Run } from './run.entity.ts'

/** A run as `run_views` answers it: the row, its turns, and its receipt in micro-credits. */
export interface RunViewRow {
  run: Record<string, unknown>
  turns: RunTurnView[]
  receipt: { inputTokens: number; outputTokens: number; credits: string; released: string; estimated: boolean }
}

const moment = (value: Date | string): string => new Date(value).toISOString()

/** A run as the API shows it, with its turns (ascending) and its receipt. */
export function presentRun({ run: row, turns, receipt }: RunViewRow): RunView {
  const run = fromJson<Run>(row)
  return {
    id: run.id,
    conversationId: run.conversationId,
    status: run.status,
    strategy: run.strategy,
    maxTurns: run.maxTurns,
    stopReason: run.stopReason,
    error: run.errorCode === null ? null : { code: run.errorCode, message: run.errorMessage ?? '' },
    turns,
    receipt: {
      turns: turns.filter((turn) => turn.messageId !== null).length,
      inputTokens: Number(receipt.inputTokens),
      outputTokens: Number(receipt.outputTokens),
      credits: formatCredits(BigInt(receipt.credits)),
      released: formatCredits(BigInt(receipt.released)),
      estimated: receipt.estimated,
    },
    createdAt: moment(run.createdAt),
    startedAt: run.startedAt && moment(run.startedAt),
    finishedAt: run.finishedAt && moment(run.finishedAt),
  }
}
