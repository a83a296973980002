import type { Container } from './container.ts'
import { parseInput } from './http/input.ts'
import type { SocketPorts } from './realtime/socket-ports.ts'

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
    return 'agentId' in body
      ? container.chatService.single(userId, parseInput(single, body), idempotencyKey)
      : container.chatService.party(userId, parseInput(party, body), idempotencyKey)
  },
  cancel: (userId, runId) => container.cancelService.cancel(userId, runId),
})
