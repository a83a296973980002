import { z } from 'zod'
import { INT4_MAX } from '../../contract/inputs.ts'
import { runView } from '../../contract/views.ts'
import { emptyBody } from '../../http/input.ts'
import { readerOf } from '../../http/reader.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES, StreamReply } from '../../http/route.ts'
import type { EventStreams } from '../../realtime/sse.ts'
import type { ErrorCode } from '../../shared/error-words.ts'
import { READING_ERRORS, SPEAKING_ERRORS } from '../door-errors.ts'
import { HISTORY_SHAPE } from '../earlier-words.ts'
import type { RunAnswers } from '../run-answer.ts'
import { uiChatBody, uiChatParams, uiStreamQuery } from './ui.schemas.ts'
import type { UiChatService } from './ui-chat.service.ts'
import { UiStream } from './ui-stream.ts'
import { uiHistoryView } from './ui-views.ts'

const STREAM = { types: ['text/event-stream'], says: 'Chunks of a UI message stream, and `[DONE]`.' }
/** Of having something said once more. */
const REVISION_ERRORS = [
  'chat.not_last',
  'chat.not_last_of_user',
  'run.not_last',
  'run.not_failed',
] as const satisfies ErrorCode[]
/** Names the protocol, as the AI SDK's own servers do. */
const HEADERS = { 'x-vercel-ai-ui-message-stream': 'v1' }
const historyQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(100).default(100),
  cursor: z.coerce.number('is not a cursor of this list').int().min(1).max(INT4_MAX).optional(),
})

interface UiRouteServices {
  chats: UiChatService
  answers: RunAnswers
  streams: Pick<EventStreams, 'place' | 'placed'>
}

/** The chats of the AI SDK's `useChat`. */
export const uiRoutes = ({ chats, answers, streams }: UiRouteServices): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/ui/chat',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'What an agent or a party says, as a stream of the AI SDK',
    response: STREAM,
    headers: ['Idempotency-Key'],
    errors: [...SPEAKING_ERRORS, 'message.not_found', 'approval.not_found', ...REVISION_ERRORS],
    body: uiChatBody,
    example: {
      id: 'tea',
      agentId: '01990000-0000-7000-8000-0000000000a1',
      messages: [{ role: 'user' as const, parts: [{ type: 'text', text: 'Tea or coffee?' }] }],
    },
    bodyShape: HISTORY_SHAPE,
    handler: async ({ user, body, idempotencyKey, ip }) => {
      const reader = readerOf({ user, ip })
      return streams.placed(reader, async (leave) => {
        const { runId, from } = await chats.answer(user.id, body, idempotencyKey)
        return tell(answers, reader, runId, leave, from)
      })
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/ui/chat/:id',
    access: 'user',
    scope: 'read',
    summary: 'A chat with the latest page of its messages',
    response: uiHistoryView,
    errors: ['conversation.not_found'],
    params: uiChatParams,
    query: historyQuery,
    handler: ({ user, params, query }) =>
      chats.history(user.id, params.id, { limit: query.limit, beforeSeq: query.cursor }),
  }),
  defineRoute({
    method: 'get',
    path: '/api/ui/chat/:id/stream',
    access: 'user',
    scope: 'read',
    summary: 'The rest of what is being said in a chat; nothing where nobody speaks',
    response: STREAM,
    errors: [...READING_ERRORS, 'conversation.not_found'],
    params: uiChatParams,
    query: uiStreamQuery,
    handler: async ({ user, params, query, ip }) => {
      const runId = await chats.current(user.id, params.id, query.runId)
      if (runId === undefined) return undefined
      const reader = readerOf({ user, ip })
      return tell(answers, reader, runId, streams.place(reader))
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/ui/chat/:id/stop',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A chat in which nobody speaks any more; what was said stays',
    response: runView,
    others: { 204: null },
    errors: ['run.not_found', 'conversation.not_found'],
    params: uiChatParams,
    body: emptyBody,
    example: {},
    bodyMaxBytes: SMALL_BODY_BYTES,
    handler: ({ user, params }) => chats.stop(user.id, params.id),
  }),
]

/** Broken off, the answer is an error of the network to the client, which it comes back from. */
const tell = (
  answers: RunAnswers,
  reader: { userId: string; sessionId: string },
  runId: string,
  leave: () => void,
  from?: number,
) =>
  new StreamReply((res) =>
    answers
      .tell({ reader, runId, translator: new UiStream(from), res, headers: HEADERS, mark: '[DONE]' })
      .finally(leave),
  )
