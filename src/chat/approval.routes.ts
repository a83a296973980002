import { z } from 'zod'
import { approvalView, decisionBody, runToolCallView, waitingView } from '../contract/approval-views.ts'
import { idInput } from '../contract/inputs.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { type ApprovalService, presentRunToolCall } from './approval.service.ts'

/** Few at once: each has all of its arguments, and a schema or a result. */
const fewQuery = pageQuery.extend({ limit: z.coerce.number().int().min(1).max(20).default(10) })
const approvalQuery = fewQuery.extend({ conversationId: idInput.optional() })

export const approvalRoutes = (approvals: ApprovalService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/chat/approvals',
    access: 'user',
    scope: 'read',
    guests: true,
    summary: 'Calls of tools that one is to decide on, newest first; of one conversation, where one is named',
    response: listOf(approvalView),
    errors: [],
    query: approvalQuery,
    handler: async ({ user, query: { limit, cursor, conversationId } }) =>
      page(
        await approvals.list(user.id, { limit: limit + 1, before: cursor, conversationId }),
        limit,
        (approval) => approval,
      ),
  }),
  defineRoute({
    method: 'get',
    path: '/api/chat/approvals/count',
    access: 'user',
    scope: 'read',
    guests: true,
    summary: 'How many calls of tools one is to decide on',
    response: waitingView,
    errors: [],
    handler: ({ user }) => approvals.count(user.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/chat/approvals/:id',
    access: 'user',
    // Whoever may have agents speak, and spend, for a user may say what they do: a program that shows people its own buttons.
    scope: 'chat',
    guests: true,
    summary: 'A call of a tool, decided on once; its agent goes on',
    response: runToolCallView,
    errors: ['approval.not_found', 'approval.over', 'approval.asked_again'],
    params: idParams,
    body: decisionBody,
    example: { decision: 'approve' },
    handler: ({ user, params, body }) => approvals.decide(user.id, params.id, body),
  }),
  defineRoute({
    method: 'get',
    path: '/api/chat/runs/:id/tool-calls',
    access: 'user',
    scope: 'read',
    guests: true,
    summary: 'All that the agents of a run did with tools, in order',
    response: listOf(runToolCallView),
    errors: ['run.not_found'],
    params: idParams,
    query: fewQuery,
    handler: async ({ user, params, query }) =>
      page(await approvals.ofRun(user.id, params.id, query.limit + 1, query.cursor), query.limit, presentRunToolCall),
  }),
]
