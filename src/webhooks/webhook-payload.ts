import { presentTransaction } from '../credits/credits.presenter.ts'
import type { StatementRepository } from '../credits/statement.repository.ts'
import type { RunViews } from '../runs/run-views.ts'
import { AppError, notFound } from '../shared/errors.ts'
import type { FileService } from '../storage/file.service.ts'
import { presentToolCall } from '../tools/tool-call.presenter.ts'
import type { ToolCallRepository } from '../tools/tool-call.repository.ts'
import type { ClaimedDelivery } from './webhook-delivery.repository.ts'

interface PayloadDependencies {
  runViews: Pick<RunViews, 'run'>
  files: Pick<FileService, 'get'>
  statements: Pick<StatementRepository, 'find'>
  toolCalls: Pick<ToolCallRepository, 'findOwned'>
}

/**
 * What a receiver is sent: the event, when it happened, and what it tells of as the API shows it; `data` has only the id of what
 * is gone by now.
 */
export async function payloadOf(
  { event, subjectId, userId, createdAt }: ClaimedDelivery,
  dependencies: PayloadDependencies,
): Promise<string> {
  const data = await dataOf(event, subjectId, userId, dependencies).catch((error: unknown) => {
    if (error instanceof AppError && error.status === 404) return { id: subjectId, deleted: true }
    throw error
  })
  return JSON.stringify({ type: event, timestamp: createdAt.toISOString(), data })
}

async function dataOf(
  event: ClaimedDelivery['event'],
  subjectId: string,
  userId: string,
  { runViews, files, statements, toolCalls }: PayloadDependencies,
): Promise<object> {
  switch (event) {
    case 'run.completed':
    case 'run.failed':
    case 'run.cancelled':
    case 'credits.exhausted': {
      const run = await runViews.run(userId, subjectId)
      return { conversationId: run.conversationId, run }
    }
    case 'file.ready':
    case 'file.failed':
      return { file: await files.get(userId, subjectId) }
    case 'tool.approval_requested':
    case 'tool.approved':
    case 'tool.denied':
    case 'tool.expired': {
      const call = await toolCalls.findOwned(userId, subjectId)
      if (!call) throw notFound('approval')
      const { runId, turn, agentId, expiresAt } = call
      const { conversationId } = await runViews.run(userId, runId)
      return { conversationId, runId, turn, agentId, call: presentToolCall(call), expiresAt }
    }
    case 'credits.added': {
      const line = await statements.find(userId, subjectId)
      return { transaction: line && presentTransaction(line) }
    }
  }
}
