import {
  type ApprovalView,
  approvalView,
  type DecisionInput,
  type RunToolCallView,
  runToolCallView,
  type WaitingView,
  waitingView,
} from '../contract/approval-views.ts'
import { listOf, type ToolCallView } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

export interface ApprovalQuery extends PageQuery {
  /** Of this conversation alone. */
  conversationId?: string | undefined
}

/** What whoever decides has seen of a call. A server that is older than the client knows no `startedAt`: it is said only where there is one. */
const seenOf = ({ startedAt }: Pick<ToolCallView, 'startedAt'>): Pick<DecisionInput, 'wasStarted' | 'startedAt'> =>
  startedAt === null ? { wasStarted: false } : { wasStarted: true, startedAt }

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

  /**
   * Decides on a call, once. Give it as it was shown (an approval's `call`, or an event's): then a yes is one to what was asked there, and never to
   * starting it again, which is asked where nobody knows what came of it. By its id alone `body` has to say so (`wasStarted`).
   * @throws ApiError 409 `approval.over` where it was decided, has expired, or is asked about anew; `approval.asked_again` for a yes that says not to what
   */
  decide(
    asked: string | Pick<ToolCallView, 'id' | 'startedAt'>,
    body: DecisionInput,
    options: CallOptions = {},
  ): Promise<RunToolCallView> {
    const call = typeof asked === 'string' ? undefined : asked
    const request = {
      params: { id: typeof asked === 'string' ? asked : asked.id },
      body: { ...(call && seenOf(call)), ...body },
      ...options,
    }
    return this.rest.call('POST /api/chat/approvals/:id', runToolCallView, request)
  }

  /** All that a run's agents did with tools, in order. */
  toolCalls(runId: string, query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<RunToolCallView>> {
    const request = { params: { id: runId }, query, ...options }
    return this.rest.call('GET /api/chat/runs/:id/tool-calls', listOf(runToolCallView), request)
  }
}
