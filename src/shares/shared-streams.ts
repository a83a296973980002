import type { LiveFeed } from '../realtime/live-feed.ts'
import { EventStreams, type StreamLimits } from '../realtime/sse.ts'
import type { WatchRegistry } from '../realtime/watch-registry.ts'
import type { Logger } from '../shared/logger.ts'
import { presentSharedEvent } from './shared.presenter.ts'
import type { SharedConversations } from './shared-conversations.ts'

interface SharedStreamsOptions {
  shared: SharedConversations
  feed: LiveFeed
  /** Started and closed by its owner. */
  registry: WatchRegistry
  logger: Logger
  pollMs: number
  heartbeatMs: number
  /** `perUser` is of a link. */
  limits: StreamLimits
}

/**
 * The event streams of links: those of conversations, with less in them, for whoever has a link. Its id stands for the user and for
 * the session, so that a link that is revoked ends as a session does: each stream reads its conversation by its link, and is among
 * those that are looked at before it reads, so that none begins beside a revocation and goes on.
 */
export const sharedStreams = ({ shared, ...options }: SharedStreamsOptions): EventStreams =>
  new EventStreams({
    ...options,
    show: presentSharedEvent,
    ports: {
      snapshot: (shareId, _conversationId, afterSeq) => shared.snapshot(shareId, afterSeq),
      sessionAlive: (shareIds) => shared.open(shareIds),
      run: (shareId, runId) => shared.run(shareId, runId),
      // Of what is followed here; nobody follows a run by a link.
      firstSeq: async () => 1,
    },
  })
