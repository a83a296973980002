import { type AuditLog, MOST_BY_USERS } from '../audit/audit-log.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import { AppError, notFound } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { currentOrigin } from '../shared/request-origin.ts'
import type { Session } from './session.entity.ts'
import type { SessionRepository } from './session.repository.ts'
import { readClaims, signToken, verifyToken } from './token.ts'
import type { UserRepository } from './user.repository.ts'

interface SessionDependencies {
  sessions: SessionRepository
  users: Pick<UserRepository, 'find' | 'lock'>
  transactions: Transactions
  audit: Pick<AuditLog, 'record' | 'recordAlone'>
  feed: Pick<LiveFeed, 'signal'>
  jwtSecret: string
}

/** The sessions behind tokens: looked up for each request, listed, and ended everywhere at once. */
export class SessionService {
  readonly #deps: SessionDependencies

  constructor(dependencies: SessionDependencies) {
    this.#deps = dependencies
  }

  /** The live session that a token names, for sockets. @throws AppError 401 `auth.unauthorized` */
  async authenticate(token: string): Promise<AuthUser & { expiresAt: Date }> {
    const claims = verifyToken(this.#deps.jwtSecret, token)
    const user = claims && (await this.#deps.sessions.findLive(claims.sid, claims.sub))
    if (!claims || !user) throw new AppError('auth.unauthorized/token')
    return { ...user, expiresAt: new Date(claims.exp * 1000) }
  }

  /** The live session that verified claims name, for HTTP; undefined when it has ended. */
  async find(verifiedClaims: unknown): Promise<AuthUser | undefined> {
    const claims = readClaims(verifiedClaims)
    return claims && this.#deps.sessions.findLive(claims.sid, claims.sub)
  }

  /** The same of a session that is named otherwise than by a token. */
  findById(sessionId: string, userId: string): Promise<AuthUser | undefined> {
    return this.#deps.sessions.findLive(sessionId, userId)
  }

  /** A token of the session that somebody calls with, which goes on as it is. @throws AppError 401 when it has ended meanwhile */
  async tokenOf({ id, sessionId }: AuthUser, tx: Tx): Promise<{ token: string; expiresAt: string }> {
    const session = await this.#deps.sessions.findOwn(id, sessionId, tx)
    if (!session) throw new AppError('auth.unauthorized/token')
    const { expiresAt } = session
    return { token: signToken(this.#deps.jwtSecret, id, sessionId, expiresAt), expiresAt: expiresAt.toISOString() }
  }

  /** Those of these sessions, and API keys, that are still live. */
  live(sessionIds: string[]): Promise<Set<string>> {
    return this.#deps.sessions.live(sessionIds)
  }

  /** One's own live sessions, newest first. */
  list(actor: AuthUser, limit: number, before: string | undefined): Promise<Session[]> {
    return this.#deps.sessions.listLive(actor.id, limit, before)
  }

  /** Live sessions of somebody else, for administrators. @throws AppError 404 */
  async listOf(admin: AuthUser, userId: string, limit: number, before: string | undefined): Promise<Session[]> {
    const { users, sessions, audit } = this.#deps
    if (!(await users.find(userId))) throw notFound('user')
    await audit.recordAlone({ action: 'user.sessions_read', actorId: admin.id, targetId: userId })
    return sessions.listLive(userId, limit, before)
  }

  /** Ends all sessions of somebody, by an administrator, whose own goes on. @throws AppError 404 */
  async endAllOf(admin: AuthUser, userId: string): Promise<void> {
    const { users, transactions, audit } = this.#deps
    const sessions = await transactions.run(async (tx) => {
      // A sign-in that is under way has the row: its session is there by now, or begins after this.
      if (!(await users.lock(userId, tx))) throw notFound('user')
      const ended = await this.endAll(userId, admin.id === userId ? admin.sessionId : null, tx)
      const record = { actorId: admin.id, targetId: userId, details: { sessions: ended } }
      if (ended > 0) await audit.record({ action: 'session.revoked', ...record }, tx)
      return ended
    })
    if (sessions > 0) await this.announceEnded(userId)
  }

  /** Ends the session that this is asked with. */
  async logout(actor: AuthUser): Promise<void> {
    await this.#end(actor, actor.sessionId, 'session.ended')
  }

  /** Ends one of one's own sessions. @throws AppError 404 when there is no such live one */
  async revoke(actor: AuthUser, sessionId: string): Promise<void> {
    if (!(await this.#end(actor, sessionId, 'session.revoked'))) throw notFound('session')
  }

  /** Ends all of one's own sessions but the one that this is asked with. */
  async revokeOthers(actor: AuthUser): Promise<void> {
    const { transactions, audit } = this.#deps
    const sessions = await transactions.run(async (tx) => {
      const revoked = await this.endAll(actor.id, actor.sessionId, tx)
      if (revoked > 0) {
        await audit.record(
          {
            action: 'session.revoked',
            actorId: actor.id,
            targetId: actor.id,
            details: { sessions: revoked },
            mostPerHour: MOST_BY_USERS,
          },
          tx,
        )
      }
      return revoked
    })
    if (sessions > 0) await this.announceEnded(actor.id)
  }

  /** Ends all sessions of a user (but one) in the caller's transaction; `announceEnded` follows its commit. Answers how many. */
  async endAll(userId: string, except: string | null, tx: Tx): Promise<number> {
    return (await this.#deps.sessions.revokeAll(userId, except, tx)).length
  }

  /**
   * After the commit: sockets and streams of sessions that are over close at once where the signal arrives, and within seconds (they
   * look) where it is lost. Never rejects.
   */
  async announceEnded(userId: string): Promise<void> {
    await this.#deps.feed.signal({ type: 'session.revoked', userId }).catch(() => {})
  }

  /**
   * The network of this request belongs to whoever has just shown, otherwise than by a password, that the account is theirs: strangers
   * who guess at it do not keep them from signing in there.
   */
  async rememberPlace(userId: string, tx: Tx): Promise<void> {
    const network = currentOrigin()?.network
    if (network !== undefined) await this.#deps.sessions.notePlace(newId(), userId, network, tx)
  }

  async #end(actor: AuthUser, sessionId: string, action: 'session.ended' | 'session.revoked'): Promise<boolean> {
    const { sessions, transactions, audit, feed } = this.#deps
    const ended = await transactions.run(async (tx) => {
      if (!(await sessions.revoke(actor.id, sessionId, tx))) return false
      await audit.record({ action, actorId: actor.id, targetId: sessionId, mostPerHour: MOST_BY_USERS }, tx)
      return true
    })
    if (ended) await feed.signal({ type: 'session.revoked', sessionId }).catch(() => {})
    return ended
  }
}
