import type { Container } from './container.ts'
import { parseInput } from './http/input.ts'
import type { SocketPorts } from './realtime/socket-ports.ts'
import { newId } from './shared/ids.ts'
import { withOrigin } from './shared/request-origin.ts'
import type { Tracing } from './shared/tracing.ts'

/** What live connections ask of the domains. */
export const socketPorts = (container: Container): SocketPorts => ({
  async authenticate(token) {
    const { id, sessionId, role, expiresAt } = await container.sessionService.authenticate(token)
    return { userId: id, sessionId, role, expiresAt }
  },
  sessionAlive: (sessionIds) => container.sessionService.live(sessionIds),
  snapshot: (userId, conversationId, afterSeq) => container.runViews.snapshot(userId, conversationId, afterSeq),
  versions: (conversationIds) => container.conversationRepository.versions(conversationIds),
  send(userId, { idempotencyKey, ...body }) {
    const { single, party } = container.chatSchemas
    return asRequest(container.tracing, userId, () =>
      'agentId' in body
        ? container.chatService.single(userId, parseInput(single, body), idempotencyKey)
        : container.chatService.party(userId, parseInput(party, body), idempotencyKey),
    )
  },
  cancel: (userId, runId) => container.cancelService.cancel(userId, runId),
})

/** A message of a socket is a request like others: it has an id, and begins a trace. */
async function asRequest<T>(tracing: Tracing, userId: string, work: () => Promise<T>): Promise<T> {
  const requestId = newId()
  const attributes = { 'chatsparty.request.id': requestId, 'user.id': userId }
  const span = tracing.begin('message.send', { kind: 'server', attributes })
  const { traceParent } = span
  const { signal } = new AbortController()
  try {
    return await withOrigin({ network: 'unknown', userAgent: null, requestId, traceParent, signal }, work)
  } finally {
    span.end()
  }
}
