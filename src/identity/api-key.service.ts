import { type AuditLog, MOST_BY_USERS } from '../audit/audit-log.ts'
import type { ApiKeyBody } from '../contract/api-key.schemas.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { Transactions } from '../database/transaction.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import { AppError, notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { ApiKey } from './api-key.entity.ts'
import type { ApiKeyRepository, KeyWithMonth, LiveKey } from './api-key.repository.ts'
import { hashOf, isWhole, newSecret, shownOf } from './api-key-secret.ts'

interface ApiKeyDependencies {
  keys: ApiKeyRepository
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  feed: Pick<LiveFeed, 'signal'>
  /** Keys that one user may have (USER_KEYS). */
  most: number
}

/** Whoever calls with a key. */
export type KeyCaller = AuthUser & { expiresAt: Date | null }

/** Keys for programs: made and revoked by whoever has signed in, looked up for each request. */
export class ApiKeyService {
  readonly #deps: ApiKeyDependencies

  constructor(dependencies: ApiKeyDependencies) {
    this.#deps = dependencies
  }

  /**
   * Whose key this is and what it may do; undefined when it is none, or not any more. A key without the scope `admin` is a user's,
   * whoever made it; one with it ends to be an administrator's when its user does.
   */
  async find(secret: string): Promise<KeyCaller | undefined> {
    const key = isWhole(secret) ? await this.#deps.keys.findLive({ secretHash: hashOf(secret) }) : undefined
    return key && callerOf(key)
  }

  /** The same of a key that is named otherwise than by itself. */
  async findById(id: string, userId: string): Promise<KeyCaller | undefined> {
    const key = await this.#deps.keys.findLive({ id, userId })
    return key && callerOf(key)
  }

  /** Makes a key; `secret` is known to nobody after this. @throws AppError 403 for a scope that is not one's own; 409 `key.too_many` */
  async create(actor: AuthUser, { name, ...body }: ApiKeyBody): Promise<{ key: ApiKey; secret: string }> {
    const { keys, transactions, audit, most } = this.#deps
    if (body.scopes.includes('admin') && actor.role !== 'admin') throw new AppError('auth.forbidden/admin_key')
    const secret = newSecret()
    const made = {
      id: newId(),
      userId: actor.id,
      name,
      ...body,
      prefix: shownOf(secret),
      secretHash: hashOf(secret),
    }
    const key = await transactions.run(async (tx) => {
      if ((await keys.lockCount(actor.id, tx)) >= most) throw tooMany('key', most)
      const details = { prefix: made.prefix, scopes: body.scopes.join(' ') }
      const record = { actorId: actor.id, targetId: made.id, details, mostPerHour: MOST_BY_USERS }
      await audit.record({ action: 'key.created', ...record }, tx)
      return keys.create(made, tx)
    })
    return { key, secret }
  }

  /** Newest first, each with its month so far. */
  list(actor: AuthUser, limit: number, before: string | undefined): Promise<KeyWithMonth[]> {
    return this.#deps.keys.list(actor.id, limit, before)
  }

  /**
   * Ends a key everywhere: the next request is refused, sockets and streams close. Runs that it began go on, as those of a session that
   * ended do. @throws AppError 404
   */
  async revoke(actor: AuthUser, id: string): Promise<void> {
    const { keys, transactions, audit, feed } = this.#deps
    await transactions.run(async (tx) => {
      if (!(await keys.revoke(actor.id, id, tx))) throw notFound('key')
      const record = { actorId: actor.id, targetId: id, mostPerHour: MOST_BY_USERS }
      await audit.record({ action: 'key.revoked', ...record }, tx)
    })
    // Where the signal is lost, sockets and streams look within seconds.
    await feed.signal({ type: 'session.revoked', sessionId: id }).catch(() => {})
  }
}

function callerOf({ id, userId, role, scopes, expiresAt }: LiveKey): KeyCaller {
  const isAdmin = role === 'admin' && scopes.includes('admin')
  return { id: userId, role: isAdmin ? 'admin' : 'user', sessionId: id, key: { id, scopes }, expiresAt }
}
