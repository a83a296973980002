import type { Env } from '../config/env.ts'
import { type ToolFileDependencies, ToolFiles } from '../runs/tool-files.ts'
import { type ToolTurnDependencies, ToolTurns } from '../runs/tool-turns.ts'
import { type ResumeTerms, ToolCallRepository } from '../tools/tool-call.repository.ts'
import { type ApprovalDependencies, ApprovalService } from './approval.service.ts'

interface ToolDomainDependencies
  extends Omit<
    ToolTurnDependencies & ToolFileDependencies & ApprovalDependencies,
    'toolCalls' | 'runDeadlineMs' | keyof ResumeTerms
  > {
  db: ConstructorParameters<typeof ToolCallRepository>[0]
  env: Env
}

/** Servers remember a key for a day, as is usual; an hour of it is for what is between our looking and their being asked. */
const KEY_MS = 23 * 3_600_000

/** The tool ledger, for what settles turns besides. */
export const createToolCalls = (db: ToolDomainDependencies['db']) => new ToolCallRepository(db)

/** Everything of calls of tools, for the composition root. */
export function createToolDomain({ db, env, ...rest }: ToolDomainDependencies) {
  const common = { ...rest, toolCalls: new ToolCallRepository(db), runDeadlineMs: env.RUN_DEADLINE_MS }
  return {
    toolCalls: common.toolCalls,
    toolTurns: new ToolTurns({
      ...common,
      approvalMs: env.APPROVAL_MS,
      mostUnanswered: env.TURN_MAX_ATTEMPTS,
      keyMs: KEY_MS,
    }),
    toolFiles: new ToolFiles(common),
    approvalService: new ApprovalService(common),
  }
}
