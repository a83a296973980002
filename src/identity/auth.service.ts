import type { AuthUser, Role } from '../contract/auth-user.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import type { LiveFeed } from '../realtime/live-feed.ts'
import { AppError, invalidRequest } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { emailKeyOf } from './email-key.ts'
import { isGuessable } from './guessable-password.ts'
import type { ProfileBody, RegisterBody } from './identity.schemas.ts'
import { hashPassword, NOBODYS_HASH, verifyPassword } from './password.ts'
import type { SessionRepository } from './session.repository.ts'
import { readClaims, signToken, verifyToken } from './token.ts'
import type { User } from './user.entity.ts'
import { presentUser, type UserView } from './user.presenter.ts'
import type { UserRepository } from './user.repository.ts'

export interface SignedIn {
  user: UserView
  token: string
  expiresAt: string
}

interface AuthDependencies {
  users: UserRepository
  sessions: SessionRepository
  transactions: Transactions
  feed: Pick<LiveFeed, 'signal'>
  jwtSecret: string
  sessionSeconds: number
  /** Runs in the transaction that registers a user: opens the credit account, for one. */
  onRegistered: (userId: string, tx: Tx) => Promise<void>
}

const wrongCredentials = () => new AppError('auth.invalid_credentials')
const wrongPassword = () =>
  new AppError('auth.wrong_password', { details: { issues: [{ path: 'currentPassword', message: 'is wrong' }] } })
const invalidToken = () => new AppError('auth.unauthorized/token')

/** Asked where a password is chosen, never where one is given: whoever has such a one may still come in and change it. */
async function refuseGuessable(path: string, password: string, email: string): Promise<void> {
  if (await isGuessable(password, email)) {
    throw invalidRequest([{ path, message: 'is among those that are guessed first: choose another one' }])
  }
}

/** Registration, sign-in, and the sessions behind tokens. */
export class AuthService {
  readonly #deps: AuthDependencies

  constructor(dependencies: AuthDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError 409 `auth.email_taken`, 400 for a password that is guessed early */
  async register(body: RegisterBody): Promise<SignedIn> {
    await refuseGuessable('password', body.password, body.email)
    const user = await this.createUser(body, 'user')
    return this.#signIn(user)
  }

  /** Creates a user of this role with all that belongs to one, without signing in. */
  async createUser(body: RegisterBody, role: Role): Promise<User> {
    const passwordHash = await hashPassword(body.password)
    return this.#deps.transactions.run(async (tx) => {
      const name = body.name ?? body.email.slice(0, body.email.indexOf('@'))
      const user = await this.#deps.users.create(
        { id: newId(), email: body.email, emailKey: emailKeyOf(body.email), name, role, passwordHash },
        tx,
      )
      await this.#deps.onRegistered(user.id, tx)
      return user
    })
  }

  /** @throws AppError 401 `auth.invalid_credentials`, the same for an unknown address and a wrong password. */
  async login(email: string, password: string): Promise<SignedIn> {
    const user = await this.#deps.users.findByEmailKey(emailKeyOf(email))
    const matches = await verifyPassword(password, user?.passwordHash ?? NOBODYS_HASH)
    if (!user || !matches) throw wrongCredentials()
    return this.#signIn(user)
  }

  async logout(user: AuthUser): Promise<void> {
    await this.#deps.sessions.revoke(user.sessionId)
    await this.#announceRevoked([user.sessionId])
  }

  /** Changes the user's own profile. A new password ends all other sessions. */
  async updateProfile(actor: AuthUser, body: ProfileBody): Promise<UserView> {
    const current = await this.#deps.users.find(actor.id)
    if (!current) throw invalidToken()
    if (body.currentPassword !== undefined && !(await verifyPassword(body.currentPassword, current.passwordHash))) {
      throw wrongPassword()
    }
    if (body.newPassword) await refuseGuessable('newPassword', body.newPassword, body.email ?? current.email)
    const passwordHash = body.newPassword && (await hashPassword(body.newPassword))
    const { user, revoked } = await this.#deps.transactions.run(async (tx) => {
      const locked = await this.#deps.users.lock(actor.id, tx)
      if (!locked) throw invalidToken()
      // The password that was just verified must still be the one: else who knows only the old one would undo its change.
      if (body.currentPassword !== undefined && locked.passwordHash !== current.passwordHash) throw wrongPassword()
      const change = {
        ...(body.name !== undefined && { name: body.name }),
        ...(body.email !== undefined && { email: body.email, emailKey: emailKeyOf(body.email) }),
        ...(passwordHash && { passwordHash }),
      }
      return {
        user: await this.#deps.users.update(actor.id, change, tx),
        revoked: passwordHash ? await this.#deps.sessions.revokeAll(actor.id, actor.sessionId, tx) : [],
      }
    })
    await this.#announceRevoked(revoked)
    return presentUser(user)
  }

  /** The live session that a token names, for sockets. @throws AppError 401 `auth.unauthorized` */
  async authenticate(token: string): Promise<AuthUser & { expiresAt: Date }> {
    const claims = verifyToken(this.#deps.jwtSecret, token)
    const user = claims && (await this.#deps.sessions.findLive(claims.sid, claims.sub))
    if (!claims || !user) throw invalidToken()
    return { ...user, expiresAt: new Date(claims.exp * 1000) }
  }

  /** The live session that verified claims name, for HTTP; undefined when it has ended. */
  async findSession(verifiedClaims: unknown): Promise<AuthUser | undefined> {
    const claims = readClaims(verifiedClaims)
    return claims && this.#deps.sessions.findLive(claims.sid, claims.sub)
  }

  /** Those of these sessions that are still live. */
  liveSessions(sessionIds: string[]): Promise<Set<string>> {
    return this.#deps.sessions.live(sessionIds)
  }

  /** Forgets sessions that have long ended: housekeeping, now and then. */
  pruneSessions(): Promise<void> {
    return this.#deps.sessions.prune()
  }

  async #signIn(user: User): Promise<SignedIn> {
    const session = { id: newId(), userId: user.id, expiresAt: new Date(Date.now() + this.#deps.sessionSeconds * 1000) }
    await this.#deps.transactions.run(async (tx) => {
      // A password change ends all sessions: one that began with the old password must not slip in behind it.
      const locked = await this.#deps.users.lock(user.id, tx)
      if (locked?.passwordHash !== user.passwordHash) throw wrongCredentials()
      await this.#deps.sessions.create(session, tx)
    })
    const token = signToken(this.#deps.jwtSecret, user.id, session.id, session.expiresAt)
    return { user: presentUser(user), token, expiresAt: session.expiresAt.toISOString() }
  }

  /** Sockets of these sessions close at once where the signal arrives, and within seconds (they look) where it is lost. */
  async #announceRevoked(sessionIds: string[]): Promise<void> {
    const signals = sessionIds.map((sessionId) => this.#deps.feed.signal({ type: 'session.revoked', sessionId }))
    await Promise.allSettled(signals)
  }
}
