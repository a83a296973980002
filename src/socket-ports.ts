import type { Container } from './container.ts'
import { KEY_PREFIX } from './contract/auth-user.ts'
import { parseInput } from './http/input.ts'
import type { SocketPorts } from './realtime/socket-ports.ts'
import { AppError } from './shared/errors.ts'
import { newId } from './shared/ids.ts'
import { withOrigin } from './shared/request-origin.ts'
import type { Tracing } from './shared/tracing.ts'

/** What live connections ask of the domains. */
export const socketPorts = (container: Container): SocketPorts => ({
  async authenticate(token) {
    if (!token.startsWith(KEY_PREFIX)) {
      const { id, ...session } = await container.sessionService.authenticate(token)
      return { userId: id, ...session }
    }
    const found = await container.apiKeyService.find(token)
    if (!found) throw new AppError('auth.unauthorized/key')
    const { id, ...key } = found
    return { userId: id, ...key }
  },
  sessionAlive: (sessionIds) => container.sessionService.live(sessionIds),
  snapshot: (userId, conversationId, afterSeq) => container.runViews.snapshot(userId, conversationId, afterSeq),
  versions: (conversationIds) => container.conversationRepository.versions(conversationIds),
  send(userId, { idempotencyKey, ...body }, keyId) {
    const { single, party } = container.chatSchemas
    return asRequest(container.tracing, { userId, keyId }, () =>
      'agentId' in body
        ? container.chatService.single(userId, parseInput(single, body), idempotencyKey)
        : container.chatService.party(userId, parseInput(party, body), idempotencyKey),
    )
  },
  cancel: (userId, runId) => container.cancelService.cancel(userId, runId),
})

/** A message of a socket is a request like others: it has an id, and begins a trace. */
async function asRequest<T>(
  tracing: Tracing,
  { userId, keyId }: { userId: string; keyId: string | undefined },
  work: () => Promise<T>,
): Promise<T> {
  const requestId = newId()
  const attributes = { 'chatsparty.request.id': requestId, 'user.id': userId }
  const span = tracing.begin('message.send', { kind: 'server', attributes })
  const { traceParent } = span
  const { signal } = new AbortController()
  try {
    return await withOrigin({ network: 'unknown', userAgent: null, requestId, keyId, traceParent, signal }, work)
  } finally {
    span.end()
  }
}
