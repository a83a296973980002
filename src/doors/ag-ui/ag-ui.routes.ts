import { clientNetwork } from '../../http/client-network.ts'
import { idempotencyKeyOf } from '../../http/idempotency-key.ts'
import { defineRoute, type Route, SMALL_BODY_BYTES, StreamReply } from '../../http/route.ts'
import type { EventStreams } from '../../realtime/sse.ts'
import { AppError } from '../../shared/errors.ts'
import { HISTORY_SHAPE } from '../earlier-words.ts'
import type { RunAnswers } from '../run-answer.ts'
import { agUiCancelBody, agUiQuery, runAgentInput } from './ag-ui.schemas.ts'
import type { AgUiService } from './ag-ui.service.ts'
import { AgUiStream } from './ag-ui-stream.ts'

interface AgUiRouteServices {
  agUi: AgUiService
  answers: RunAnswers
  streams: Pick<EventStreams, 'place'>
}

/** The address of AG-UI's `HttpAgent`. */
export const agUiRoutes = ({ agUi, answers, streams }: AgUiRouteServices): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/ag-ui',
    access: 'user',
    query: agUiQuery,
    body: runAgentInput,
    bodyShape: HISTORY_SHAPE,
    handler: async ({ user, query, body, headers, ip }) => {
      const reader = { userId: user.id, sessionId: user.sessionId, network: clientNetwork(ip) }
      // Before anything is said: who cannot be told is not listened to.
      const leave = streams.place(reader)
      try {
        const key = idempotencyKeyOf(headers['idempotency-key'])
        const { runId } = await agUi.accept(user.id, body, query.model, key)
        const { threadId, protocolVersion, messages } = body
        const translator = new AgUiStream({ threadId, runId: body.runId, protocolVersion, messages })
        return new StreamReply((res) => answers.tell({ reader, runId, translator, res, broken }).finally(leave))
      } catch (error) {
        leave()
        throw error
      }
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/ag-ui/cancel',
    access: 'user',
    body: agUiCancelBody,
    bodyMaxBytes: SMALL_BODY_BYTES,
    handler: ({ user, body }) => agUi.cancel(user.id, body.threadId),
  }),
]

/** The protocol has no way to go on with a run: its client is told that it will hear no more. */
function broken(error: unknown): unknown[] {
  const { message, code } = error instanceof AppError ? error : new AppError('run.unread')
  return [{ type: 'RUN_ERROR', message, code }]
}
