import { runView } from '../../contract/views.ts'
import { readerOf } from '../../http/reader.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES, StreamReply } from '../../http/route.ts'
import type { EventStreams } from '../../realtime/sse.ts'
import { AppError } from '../../shared/errors.ts'
import { SPEAKING_ERRORS } from '../door-errors.ts'
import { HISTORY_SHAPE } from '../earlier-words.ts'
import type { RunAnswers } from '../run-answer.ts'
import { agUiCancelBody, agUiQuery, runAgentInput } from './ag-ui.schemas.ts'
import type { AgUiService } from './ag-ui.service.ts'
import { AgUiStream } from './ag-ui-stream.ts'

interface AgUiRouteServices {
  agUi: AgUiService
  answers: RunAnswers
  streams: Pick<EventStreams, 'placed'>
}

/** The address of AG-UI's `HttpAgent`. */
export const agUiRoutes = ({ agUi, answers, streams }: AgUiRouteServices): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/ag-ui',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'What an agent or a party says, as events of AG-UI',
    response: { types: ['text/event-stream'], says: 'Events of AG-UI, from RUN_STARTED to the end.' },
    headers: ['Idempotency-Key'],
    errors: [...SPEAKING_ERRORS, 'approval.not_found'],
    query: agUiQuery,
    body: runAgentInput,
    example: {
      threadId: 'tea',
      runId: 'one',
      messages: [{ id: 'one', role: 'user', content: 'Tea or coffee?' }],
      forwardedProps: { agentId: '01990000-0000-7000-8000-0000000000a1' },
    },
    bodyShape: HISTORY_SHAPE,
    handler: async ({ user, query, body, idempotencyKey, ip }) => {
      const reader = readerOf({ user, ip })
      return streams.placed(reader, async (leave) => {
        const { runId, isAnswer } = await agUi.answer(user.id, body, query.model, idempotencyKey)
        const { threadId, protocolVersion, messages } = body
        const translator = new AgUiStream({ threadId, runId: body.runId, protocolVersion, messages, isAnswer })
        return new StreamReply((res) => answers.tell({ reader, runId, translator, res, broken }).finally(leave))
      })
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/ag-ui/cancel',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A thread in which nobody speaks any more; what was said stays',
    response: runView,
    others: { 204: null },
    errors: ['run.not_found', 'conversation.not_found'],
    body: agUiCancelBody,
    example: { threadId: 'tea' },
    bodyMaxBytes: SMALL_BODY_BYTES,
    handler: ({ user, body }) => agUi.cancel(user.id, body.threadId),
  }),
]

/** The protocol has no way to go on with a run: its client is told that it will hear no more. */
function broken(error: unknown): unknown[] {
  const { message, code } = error instanceof AppError ? error : new AppError('run.unread')
  return [{ type: 'RUN_ERROR', message, code }]
}
