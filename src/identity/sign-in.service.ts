import type { AuditLog } from '../audit/audit-log.ts'
import type { SignedInView } from '../contract/account-views.ts'
import type { LoginBody } from '../contract/identity.schemas.ts'
import type { Transactions } from '../database/transaction.ts'
import { AppError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { currentOrigin } from '../shared/request-origin.ts'
import { emailKeyOf } from './email-key.ts'
import type { FailedLogins } from './failed-logins.ts'
import { NOBODYS_HASH, verifyPassword } from './password.ts'
import type { SessionRepository } from './session.repository.ts'
import { readExpiredToken, signToken } from './token.ts'
import type { TotpService } from './totp.service.ts'
import type { User } from './user.entity.ts'
import { presentUser } from './user.presenter.ts'
import type { UserRepository } from './user.repository.ts'

/** A try to sign in, as limits see it. */
export interface LoginAttempt {
  /** What is tried, whether there is such an account or not. */
  account: string
  network: string
  /** Where it is tried from: a device that has had a session of this account, else the network. */
  place: string
  /** Somebody has signed in to the account from this place before. */
  isKnown: boolean
  user: User | null
}

interface SignInDependencies {
  users: UserRepository
  sessions: SessionRepository
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  failures: Pick<FailedLogins, 'note'>
  totp: Pick<TotpService, 'use'>
  jwtSecret: string
  sessionSeconds: number
}

/** Sign-ins of one account within a quarter of an hour: each leaves rows, and nobody needs more. */
const MOST_BEGUN = 60
const WINDOW_MINUTES = 15
/** Live sessions of one account; the oldest end first. */
const MOST_LIVE = 100
const NOBODY = '00000000-0000-0000-0000-000000000000'

const wrongCredentials = () => new AppError('auth.invalid_credentials')

/** Who signs in, and the session that begins with it. */
export class SignInService {
  readonly #deps: SignInDependencies

  constructor(dependencies: SignInDependencies) {
    this.#deps = dependencies
  }

  /**
   * What is tried and from where. `token`, if the client still has one, shows that its device had a session of the account, also
   * an ended one. Costs the same for an account that does not exist.
   */
  async attempt(email: string, token: string | undefined): Promise<LoginAttempt> {
    const account = emailKeyOf(email)
    const network = currentOrigin()?.network ?? 'unknown'
    const claims = token === undefined ? undefined : readExpiredToken(this.#deps.jwtSecret, token)
    const user = await this.#deps.users.findByEmailKey(account)
    const known = await this.#deps.sessions.knows(user?.id ?? NOBODY, network, claims?.sid ?? null)
    const place = claims && known.session ? `device:${claims.sid}` : network
    return { account, network, place, isKnown: known.session || known.network, user }
  }

  /**
   * `beforeFactor` is asked before a code is tried.
   * @throws AppError 401 `auth.invalid_credentials`, the same for an unknown address and a wrong password; for the right one 403
   * `auth.suspended`, 401 `auth.totp_required`, `auth.totp_invalid`
   */
  async login(
    { user, network }: LoginAttempt,
    body: LoginBody,
    beforeFactor: () => Promise<void>,
  ): Promise<SignedInView> {
    const matches = await verifyPassword(body.password, user?.passwordHash ?? NOBODYS_HASH)
    if (!user || !matches) {
      await this.#deps.failures.note({ action: 'login.failed', targetId: user?.id ?? null, network })
      throw wrongCredentials()
    }
    if (user.suspendedAt) throw new AppError('auth.suspended')
    if (!user.totpEnabledAt) return this.begin(user)
    if (body.totp === undefined) throw new AppError('auth.totp_required')
    await beforeFactor()
    try {
      return await this.begin(user, body.totp)
    } catch (error) {
      if (error instanceof AppError && error.code === 'auth.totp_invalid') {
        await this.#deps.failures.note({ action: 'login.factor_failed', targetId: user.id, network })
      }
      throw error
    }
  }

  /**
   * Begins a session of a user who has just shown who they are, as they were then. Also after a password was reset: a second factor
   * is asked for all the same.
   * @throws AppError 401 `auth.totp_required`, `auth.totp_invalid`; 403 `auth.suspended`; 429 `auth.too_many_sign_ins`
   */
  async begin(user: User, factor?: string): Promise<SignedInView> {
    const { users, sessions, transactions, audit, jwtSecret, sessionSeconds } = this.#deps
    const { network = null, userAgent = null } = currentOrigin() ?? {}
    const expiresAt = new Date(Date.now() + sessionSeconds * 1000)
    const session = { id: newId(), userId: user.id, expiresAt, network, userAgent }
    await transactions.run(async (tx) => {
      // A password change ends all sessions: one that began with the old password must not slip in behind it.
      const locked = await users.lock(user.id, tx)
      if (locked?.passwordHash !== user.passwordHash) throw wrongCredentials()
      if (locked.suspendedAt) throw new AppError('auth.suspended')
      if (locked.totpEnabledAt) {
        if (factor === undefined) throw new AppError('auth.totp_required')
        if (!(await this.#deps.totp.use(locked, factor, tx))) throw new AppError('auth.totp_invalid')
      }
      if ((await sessions.begunWithin(user.id, WINDOW_MINUTES, tx)) >= MOST_BEGUN) {
        throw new AppError('auth.too_many_sign_ins', { details: { retryAfterSeconds: WINDOW_MINUTES * 60 } })
      }
      await sessions.create(session, tx)
      await sessions.revokeBeyond(user.id, MOST_LIVE, tx)
      await audit.record({ action: 'login.succeeded', actorId: user.id, targetId: session.id }, tx)
    })
    const token = signToken(jwtSecret, user.id, session.id, expiresAt)
    return { user: presentUser(user), token, expiresAt: expiresAt.toISOString() }
  }
}
