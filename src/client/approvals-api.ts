import {
  type ApprovalView,
  approvalView,
  type DecisionInput,
  type RunToolCallView,
  runToolCallView,
  type WaitingView,
  waitingView,
} from '../contract/approval-views.ts'
import { listOf } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

export interface ApprovalQuery extends PageQuery {
  /** Of this conversation alone. */
  conversationId?: string | undefined
}

/** `/api/chat/approvals`: what agents ask for before they use tools, and what they did with them. */
export class ApprovalsApi extends ApiPart {
  /** What waits for a decision, newest first; at most 20 at once. */
  list(query: ApprovalQuery = {}, options: CallOptions = {}): Promise<ListOf<ApprovalView>> {
    return this.rest.call('GET /api/chat/approvals', listOf(approvalView), { query, ...options })
  }

  /** How much waits; `approvals.updated` tells when that changes (`client.onUserEvent`). */
  count(options: CallOptions = {}): Promise<WaitingView> {
    return this.rest.call('GET /api/chat/approvals/count', waitingView, options)
  }

  /** Decides on a call, once. @throws ApiError 409 `approval.over` where it was decided, or has expired, before */
  decide(id: string, body: DecisionInput, options: CallOptions = {}): Promise<RunToolCallView> {
    return this.rest.call('POST /api/chat/approvals/:id', runToolCallView, { params: { id }, body, ...options })
  }

  /** All that a run's agents did with tools, in order. */
  toolCalls(runId: string, query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<RunToolCallView>> {
    const request = { params: { id: runId }, query, ...options }
    return this.rest.call('GET /api/chat/runs/:id/tool-calls', listOf(runToolCallView), request)
  }
}
