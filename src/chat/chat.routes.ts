import { z } from 'zod'
import type { ChatSchemas } from '../contract/chat.schemas.ts'
import { conversationChangeBody, readBody } from '../contract/conversation.schemas.ts'
import { INT4_MAX } from '../contract/inputs.ts'
import {
  type AcceptedView,
  acceptedView,
  conversationPageView,
  conversationView,
  listedConversationView,
  listOf,
  type OutcomeView,
  outcomeView,
  readMarkView,
  runView,
} from '../contract/views.ts'
import { conversationState, presentMessage } from '../conversations/conversation.presenter.ts'
import { emptyBody, idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, Reply, type Route, type RouteInput, SMALL_BODY_BYTES } from '../http/route.ts'
import type { CancelService } from '../runs/cancel.service.ts'
import type { RunViews } from '../runs/run-views.ts'
import { ACCEPT_ERRORS, AGAIN_ERRORS } from './accept-errors.ts'
import type { ChatService } from './chat.service.ts'
import type { ConversationService } from './conversation.service.ts'
import { conversationCursor, cursorBehind } from './conversation-cursor.ts'
import type { RegenerateService } from './regenerate.service.ts'
import type { RetryService } from './retry.service.ts'
import { type RunWait, waitOf } from './run-wait.ts'

/** A page of what was found has at most so many: each is shown with where. */
const FOUND_AT_ONCE = 20

const listQuery = pageQuery.extend({
  cursor: conversationCursor.optional(),
  archived: z.enum(['true', 'false']).optional(),
  /** Words to look for. */
  q: z.string().trim().min(1).max(200).optional(),
})
export const messagesQuery = z
  .strictObject({
    limit: z.coerce.number().int().min(1).max(100).default(20),
    beforeSeq: z.coerce.number().int().min(1).max(INT4_MAX).optional(),
    afterSeq: z.coerce.number().int().min(0).max(INT4_MAX).optional(),
    /** The `nextCursor` of the page before, which was asked for with the same query. */
    cursor: z.coerce.number('is not a cursor of this list').int().min(1).max(INT4_MAX).optional(),
  })
  .refine((query) => query.beforeSeq === undefined || query.afterSeq === undefined, {
    path: ['afterSeq'],
    message: 'cannot be combined with beforeSeq',
  })
  .transform(({ cursor, ...query }) => {
    if (cursor === undefined) return query
    return query.afterSeq === undefined ? { ...query, beforeSeq: cursor } : { ...query, afterSeq: cursor }
  })
/** 202 with what was accepted, or, with `Prefer: wait=N`, 200 with the run and its messages when it ends in time. */
async function answer(
  waits: RunWait,
  { user, headers, signal }: Pick<RouteInput<'user', undefined, undefined, undefined>, 'user' | 'headers' | 'signal'>,
  accepted: AcceptedView,
): Promise<AcceptedView | Reply<AcceptedView | OutcomeView>> {
  const seconds = waitOf(headers.prefer)
  const leave = seconds === undefined ? undefined : waits.enter(user.id)
  if (seconds === undefined || !leave) return accepted
  const outcome = await waits.outcome(user.id, accepted, seconds, signal).finally(leave)
  return new Reply(outcome ? 200 : 202, outcome ?? accepted, { 'preference-applied': `wait=${seconds}` })
}

interface ChatRouteServices {
  chat: ChatService
  waits: RunWait
  cancels: CancelService
  regenerations: RegenerateService
  retries: RetryService
  conversations: ConversationService
  views: RunViews
  schemas: ChatSchemas
}

export const chatRoutes = ({
  chat,
  waits,
  cancels,
  regenerations,
  retries,
  conversations,
  views,
  schemas,
}: ChatRouteServices): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/chat',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A message to one agent, accepted',
    response: acceptedView,
    others: { 200: outcomeView },
    headers: ['Idempotency-Key', 'Prefer'],
    errors: ACCEPT_ERRORS,
    body: schemas.single,
    example: { agentId: '01990000-0000-7000-8000-0000000000a1', message: 'Should a startup use microservices?' },
    status: 202,
    handler: async (input) => {
      return answer(waits, input, await chat.single(input.user.id, input.body, input.idempotencyKey))
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/chat/multi-agent',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A message to a party of agents, accepted',
    response: acceptedView,
    others: { 200: outcomeView },
    headers: ['Idempotency-Key', 'Prefer'],
    errors: ACCEPT_ERRORS,
    body: schemas.party,
    example: {
      agentIds: ['01990000-0000-7000-8000-0000000000a1', '01990000-0000-7000-8000-0000000000a2'],
      message: 'Should a startup use microservices?',
      strategy: 'round_robin',
      stop: { maxRounds: 2 },
    },
    status: 202,
    handler: async (input) => {
      return answer(waits, input, await chat.party(input.user.id, input.body, input.idempotencyKey))
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/chat/runs/:id',
    access: 'user',
    scope: 'read',
    summary: 'A run, with its turns and what it cost',
    response: runView,
    errors: ['run.not_found'],
    params: idParams,
    handler: ({ user, params }) => views.run(user.id, params.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/chat/runs/:id/cancel',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A run that is stopped; what was said stays',
    response: runView,
    errors: ['run.not_found'],
    params: idParams,
    handler: ({ user, params }) => cancels.cancel(user.id, params.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/chat/runs/:id/retry',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: "The newest run once more from its user's message on, accepted",
    response: acceptedView,
    others: { 200: outcomeView },
    headers: ['Idempotency-Key', 'Prefer'],
    errors: [...AGAIN_ERRORS, 'run.not_found', 'run.not_last', 'run.not_failed'],
    params: idParams,
    body: emptyBody,
    example: {},
    bodyMaxBytes: SMALL_BODY_BYTES,
    status: 202,
    handler: async (input) => {
      return answer(waits, input, await retries.retry(input.user.id, input.params.id, input.idempotencyKey))
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/chat/messages/:id/regenerate',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'The last words of an agent said anew, accepted',
    response: acceptedView,
    headers: ['Idempotency-Key'],
    errors: [...AGAIN_ERRORS, 'message.not_found', 'chat.not_last'],
    params: idParams,
    body: emptyBody,
    example: {},
    bodyMaxBytes: SMALL_BODY_BYTES,
    status: 202,
    handler: ({ user, params, idempotencyKey }) => regenerations.regenerate(user.id, params.id, idempotencyKey),
  }),
  defineRoute({
    method: 'get',
    path: '/api/chat/conversations',
    access: 'user',
    scope: 'read',
    summary: "One's own conversations, last spoken in first",
    response: listOf(listedConversationView),
    errors: ['search.too_many', 'server.busy'],
    query: listQuery,
    handler: async ({ user, query }) => {
      const archived = query.archived === undefined ? undefined : query.archived === 'true'
      if (query.q !== undefined) {
        const limit = Math.min(query.limit, FOUND_AT_ONCE)
        const found = await conversations.find(user.id, query.q, { archived }, limit + 1, query.cursor)
        return page(found, limit, (view) => view, cursorBehind)
      }
      const listed = await conversations.list(user.id, { archived }, query.limit + 1, query.cursor)
      return page(listed, query.limit, (view) => view, cursorBehind)
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/chat/conversations/:id',
    access: 'user',
    scope: 'read',
    summary: 'A conversation with a page of its messages',
    response: conversationPageView,
    state: conversationState,
    errors: ['conversation.not_found'],
    params: idParams,
    query: messagesQuery,
    handler: async ({ user, params, query }) => {
      const { conversation, messages, nextCursor } = await conversations.get(user.id, params.id, query)
      const files = await conversations.files(conversation.id)
      return { ...conversation, files, messages: { data: messages.map(presentMessage), nextCursor } }
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/chat/conversations/:id/runs',
    access: 'user',
    scope: 'read',
    summary: 'Runs of a conversation, newest first',
    response: listOf(runView),
    errors: ['conversation.not_found'],
    params: idParams,
    query: pageQuery,
    handler: async ({ user, params, query }) =>
      page(await views.list(user.id, params.id, query.limit + 1, query.cursor), query.limit, (view) => view),
  }),
  defineRoute({
    method: 'patch',
    path: '/api/chat/conversations/:id',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A conversation, named or put away',
    response: conversationView,
    state: conversationState,
    headers: ['If-Match'],
    errors: ['request.precondition_failed', 'conversation.not_found'],
    params: idParams,
    body: conversationChangeBody,
    example: { title: 'Microservices' },
    handler: ({ user, params, body, ifMatch }) =>
      conversations.change(user.id, params.id, body, (current) => ifMatch(conversationState(current))),
  }),
  defineRoute({
    method: 'put',
    path: '/api/chat/conversations/:id/read',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'How far a conversation was read',
    response: readMarkView,
    errors: ['conversation.not_found'],
    params: idParams,
    body: readBody,
    example: { seq: 12 },
    bodyMaxBytes: SMALL_BODY_BYTES,
    handler: ({ user, params, body }) => conversations.read(user.id, params.id, body.seq),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/chat/conversations/:id',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A conversation that is gone, with all that was said',
    response: null,
    errors: ['conversation.not_found'],
    params: idParams,
    handler: ({ user, params }) => conversations.delete(user.id, params.id),
  }),
]
