import { type AuditLog, MOST_BY_USERS } from '../audit/audit-log.ts'
import type { ShareBody } from '../contract/share.schemas.ts'
import type { ShareView } from '../contract/share-views.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { Transactions } from '../database/transaction.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import { notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { presentShare } from './share.presenter.ts'
import type { ShareRepository, TitledShare } from './share.repository.ts'
import { shareKeyOf, signShare } from './share-token.ts'

interface ShareDependencies {
  shares: ShareRepository
  conversations: Pick<ConversationRepository, 'findOwned'>
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  feed: Pick<LiveFeed, 'signal'>
  jwtSecret: string
  /** Links that one user may have (USER_SHARES). */
  most: number
}

/** Links to one's own conversations: made, listed with their tokens, revoked. */
export class ShareService {
  readonly #deps: ShareDependencies
  readonly #key: Buffer

  constructor(dependencies: ShareDependencies) {
    this.#deps = dependencies
    this.#key = shareKeyOf(dependencies.jwtSecret)
  }

  /** @throws AppError 404; 409 `share.too_many` */
  async create(userId: string, conversationId: string, { expiresAt }: ShareBody): Promise<ShareView> {
    const { shares, transactions, audit, most } = this.#deps
    const id = newId()
    const made = await transactions.run(async (tx) => {
      if ((await shares.lockCount(userId, tx)) >= most) throw tooMany('share', most)
      const share = await shares.create({ id, userId, conversationId, expiresAt }, tx)
      if (!share) throw notFound('conversation')
      const details = { conversationId, expiresAt: expiresAt?.toISOString() ?? null }
      const record = { actorId: userId, targetId: id, details, mostPerHour: MOST_BY_USERS }
      await audit.record({ action: 'share.created', ...record }, tx)
      return share
    })
    return this.#shown(made)
  }

  /** Newest first. @throws AppError 404 when the conversation is not this user's */
  async list(
    userId: string,
    conversationId: string | undefined,
    limit: number,
    before: string | undefined,
  ): Promise<ShareView[]> {
    const { shares, conversations } = this.#deps
    if (conversationId && !(await conversations.findOwned(userId, conversationId))) throw notFound('conversation')
    return (await shares.list(userId, conversationId, limit, before)).map((share) => this.#shown(share))
  }

  /** Ends a link for good: it opens nothing, and those who watch by it are cut off on every node. @throws AppError 404 */
  async revoke(userId: string, id: string): Promise<void> {
    const { shares, transactions, audit, feed } = this.#deps
    await transactions.run(async (tx) => {
      const conversationId = await shares.delete(userId, id, tx)
      if (!conversationId) throw notFound('share')
      const record = { actorId: userId, targetId: id, details: { conversationId }, mostPerHour: MOST_BY_USERS }
      await audit.record({ action: 'share.revoked', ...record }, tx)
    })
    // Where the signal is lost, streams look within seconds.
    await feed.signal({ type: 'session.revoked', sessionId: id }).catch(() => {})
  }

  #shown(share: TitledShare): ShareView {
    return presentShare(share, signShare(this.#key, share.id))
  }
}
