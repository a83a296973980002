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
  db: ConstructorParameters<typeof ShareRepository>[0]
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  feed: Pick<LiveFeed, 'signal'>
  conversationRepository: Pick<ConversationRepository, 'findOwned'>
  conversations: Pick<ConversationService, 'get'>
  views: Pick<RunViews, 'snapshot' | 'run'>
  jwtSecret: string
  /** Links that one user may have (USER_SHARES). */
  most: number
}

/** Everything of links, for the composition root. */
export function createShareDomain({
  db,
  conversations,
  views,
  conversationRepository,
  ...rest
}: ShareDomainDependencies) {
  const shares = new ShareRepository(db)
  return {
    shareService: new ShareService({ ...rest, shares, conversations: conversationRepository }),
    sharedConversations: new SharedConversations({ shares, conversations, views, jwtSecret: rest.jwtSecret }),
  }
}
