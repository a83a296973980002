import { z } from 'zod'
import { INT4_MAX } from '../../contract/inputs.ts'
import { clientNetwork } from '../../http/client-network.ts'
import { idempotencyKeyOf } from '../../http/idempotency-key.ts'
import { emptyBody } from '../../http/input.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES, StreamReply } from '../../http/route.ts'
import type { EventStreams } from '../../realtime/sse.ts'
import { HISTORY_SHAPE } from '../earlier-words.ts'
import type { RunAnswers } from '../run-answer.ts'
import { uiChatBody, uiChatParams, uiStreamQuery } from './ui.schemas.ts'
import type { UiChatService } from './ui-chat.service.ts'
import { UiStream } from './ui-stream.ts'

/** Names the protocol, as the AI SDK's own servers do. */
const HEADERS = { 'x-vercel-ai-ui-message-stream': 'v1' }
const historyQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(100),
  cursor: z.coerce.number('is not a cursor of this list').int().min(1).max(INT4_MAX).optional(),
})

interface UiRouteServices {
  chats: UiChatService
  answers: RunAnswers
  streams: Pick<EventStreams, 'place'>
}

/** The chats of the AI SDK's `useChat`. */
export const uiRoutes = ({ chats, answers, streams }: UiRouteServices): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/ui/chat',
    access: 'user',
    body: uiChatBody,
    bodyShape: HISTORY_SHAPE,
    handler: async ({ user, body, headers, ip }) => {
      const reader = { userId: user.id, sessionId: user.sessionId, network: clientNetwork(ip) }
      // Before anything is said: who cannot be told is not listened to.
      const leave = streams.place(reader)
      try {
        const { runId } = await chats.accept(user.id, body, idempotencyKeyOf(headers['idempotency-key']))
        return tell(answers, reader, runId, leave)
      } catch (error) {
        leave()
        throw error
      }
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/ui/chat/:id',
    access: 'user',
    params: uiChatParams,
    query: historyQuery,
    handler: ({ user, params, query }) =>
      chats.history(user.id, params.id, { limit: query.limit, beforeSeq: query.cursor }),
  }),
  defineRoute({
    method: 'get',
    path: '/api/ui/chat/:id/stream',
    access: 'user',
    params: uiChatParams,
    query: uiStreamQuery,
    handler: async ({ user, params, query, ip }) => {
      const runId = await chats.current(user.id, params.id, query.runId)
      if (runId === undefined) return undefined
      const reader = { userId: user.id, sessionId: user.sessionId, network: clientNetwork(ip) }
      return tell(answers, reader, runId, streams.place(reader))
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/ui/chat/:id/stop',
    access: 'user',
    params: uiChatParams,
    body: emptyBody,
    bodyMaxBytes: SMALL_BODY_BYTES,
    handler: ({ user, params }) => chats.stop(user.id, params.id),
  }),
]

/** Broken off, the answer is an error of the network to the client, which it comes back from. */
const tell = (answers: RunAnswers, reader: { userId: string; sessionId: string }, runId: string, leave: () => void) =>
  new StreamReply((res) =>
    answers.tell({ reader, runId, translator: new UiStream(), res, headers: HEADERS, mark: '[DONE]' }).finally(leave),
  )
