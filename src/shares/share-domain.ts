import type { AuditLog } from '../audit/audit-log.ts'
import type { ConversationService } from '../chat/conversation.service.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { Transactions } from '../database/transaction.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import type { RunViews } from '../runs/run-views.ts'
import { ShareRepository } from './share.repository.ts'
import { ShareService } from './share.service.ts'
import { SharedConversations } from './shared-conversations.ts'

interface ShareDomainDependencies {
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  conversationRepository: Pick<ConversationRepository, 'findOwned'>
  conversationService: Pick<ConversationService, 'get'>
  runViews: Pick<RunViews, 'snapshot' | 'run'>
}

/** What it needs of this process. */
interface Ground {
  db: ConstructorParameters<typeof ShareRepository>[0]
  feed: Pick<LiveFeed, 'signal'>
  secrets: { jwtSecret: string }
  env: { USER_SHARES: number }
}

/** Everything of links, for the composition root. */
export function createShareDomain(
  { db, feed, env, secrets: { jwtSecret } }: Ground,
  { conversationRepository, conversationService, runViews, ...rest }: ShareDomainDependencies,
) {
  const shares = new ShareRepository(db)
  return {
    shareService: new ShareService({
      ...rest,
      shares,
      conversations: conversationRepository,
      feed,
      jwtSecret,
      most: env.USER_SHARES,
    }),
    sharedConversations: new SharedConversations({
      shares,
      conversations: conversationService,
      views: runViews,
      jwtSecret,
    }),
  }
}
