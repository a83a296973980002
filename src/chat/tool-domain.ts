import type { Env } from '../config/env.ts'
import { type ToolFileDependencies, ToolFiles } from '../runs/tool-files.ts'
import { type ToolTurnDependencies, ToolTurns } from '../runs/tool-turns.ts'
import { ToolCallRepository } from '../tools/tool-call.repository.ts'
import { type ApprovalDependencies, ApprovalService } from './approval.service.ts'

interface ToolDomainDependencies
  extends Omit<
    ToolTurnDependencies & ToolFileDependencies & ApprovalDependencies,
    'toolCalls' | 'approvalMs' | 'runDeadlineMs' | 'mostStarts'
  > {
  db: ConstructorParameters<typeof ToolCallRepository>[0]
  env: Env
}

/** A tool that takes our key, or only reads, is started so often in all where workers die, or its answers are lost. */
const MOST_STARTS = 3

/** The tool ledger, for what settles turns besides. */
export const createToolCalls = (db: ToolDomainDependencies['db']) => new ToolCallRepository(db)

/** Everything of calls of tools, for the composition root. */
export function createToolDomain({ db, env, ...rest }: ToolDomainDependencies) {
  const common = { ...rest, toolCalls: new ToolCallRepository(db), runDeadlineMs: env.RUN_DEADLINE_MS }
  return {
    toolCalls: common.toolCalls,
    toolTurns: new ToolTurns({ ...common, approvalMs: env.APPROVAL_MS, mostStarts: MOST_STARTS }),
    toolFiles: new ToolFiles(common),
    approvalService: new ApprovalService(common),
  }
}
