import { type AuditLog, MOST_BY_USERS } from '../audit/audit-log.ts'
import type { AuthUser } from '../contract/auth-user.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { AppError } from '../shared/errors.ts'
import { verifyPassword } from './password.ts'
import { newRecoveryCodes, recoveryHash } from './recovery-codes.ts'
import { base32, newSecret, otpauthUrl, stepOfCode } from './totp.ts'
import type { User } from './user.entity.ts'
import type { UserRepository } from './user.repository.ts'

/** The key ring; it is the connections', which stand to the right of here. */
export interface Sealer {
  seal(secret: string, place: { id: string; field: string }): string
  /** @throws AppError when no key opens it */
  open(sealed: string, place: { id: string; field: string }): string
}

interface TotpDependencies {
  users: UserRepository
  transactions: Transactions
  audit: Pick<AuditLog, 'record'>
  secrets: Sealer
}

const FIELD = 'totp'
const OFF = { totpSealed: null, totpEnabledAt: null, totpStep: null, recoveryHashes: null }

const gone = () => new AppError('auth.unauthorized/token')
const wrongPassword = () =>
  new AppError('auth.wrong_password', { details: { issues: [{ path: 'password', message: 'is wrong' }] } })
const wrongCode = () =>
  new AppError('auth.totp_invalid/change', { details: { issues: [{ path: 'code', message: 'is wrong' }] } })

/** The second factor: codes by time, and recovery codes for whoever has lost the device. */
export class TotpService {
  readonly #deps: TotpDependencies

  constructor(dependencies: TotpDependencies) {
    this.#deps = dependencies
  }

  /**
   * A new secret, which counts from its confirmation on. Asks for the password: else whoever gets hold of a session could lock the
   * owner out with a device of theirs.
   * @throws AppError 400 `auth.wrong_password`; 409 `auth.totp_enabled`
   */
  async begin(actor: AuthUser, password: string): Promise<{ secret: string; otpauthUrl: string }> {
    const checked = await this.#withPassword(actor, password)
    const secret = newSecret()
    const totpSealed = this.#deps.secrets.seal(secret.toString('base64'), { id: actor.id, field: FIELD })
    await this.#changing(checked, async (user, tx) => {
      if (user.totpEnabledAt) throw new AppError('auth.totp_enabled')
      await this.#deps.users.update(actor.id, { ...OFF, totpSealed }, tx)
    })
    return { secret: base32(secret), otpauthUrl: otpauthUrl(secret, checked.email ?? '') }
  }

  /**
   * Turns it on for whoever shows a code of the new secret; answers the recovery codes, which are never shown again.
   * @throws AppError 400 `auth.totp_invalid`; 409 `auth.totp_enabled`, `auth.totp_not_begun`
   */
  async confirm(actor: AuthUser, code: string): Promise<{ recoveryCodes: string[] }> {
    const recoveryCodes = newRecoveryCodes()
    await this.#deps.transactions.run(async (tx) => {
      const user = await this.#deps.users.lock(actor.id, tx)
      if (!user) throw gone()
      if (user.totpEnabledAt) throw new AppError('auth.totp_enabled')
      if (user.totpSealed === null) throw new AppError('auth.totp_not_begun')
      const totpStep = stepOfCode(this.#secretOf(user), code, Date.now(), null)
      if (totpStep === undefined) throw wrongCode()
      const recoveryHashes = recoveryCodes.map((one) => recoveryHash(actor.id, one))
      await this.#deps.users.update(actor.id, { totpEnabledAt: new Date(), totpStep, recoveryHashes }, tx)
      await this.#record('totp.enabled', actor.id, tx)
    })
    return { recoveryCodes }
  }

  /**
   * Turns it off for whoever knows the password or has a code.
   * @throws AppError 400 `auth.wrong_password`, `auth.totp_invalid`; 409 `auth.totp_off`
   */
  async disable(actor: AuthUser, { password, code = '' }: { password?: string; code?: string }): Promise<void> {
    const checked = password === undefined ? undefined : await this.#withPassword(actor, password)
    await this.#changing(checked ?? { id: actor.id }, async (user, tx) => {
      if (!user.totpEnabledAt) throw new AppError('auth.totp_off')
      if (!checked && !(await this.use(user, code, tx))) throw wrongCode()
      await this.#deps.users.update(actor.id, OFF, tx)
      await this.#record('totp.disabled', actor.id, tx)
    })
  }

  /**
   * Uses a code, or a recovery code, of a user whose row this transaction has locked. True when it was right: then it is worth
   * nothing any more, on any node, once the transaction commits.
   */
  async use(user: User, code: string, tx: Tx): Promise<boolean> {
    const given = code.trim()
    const hashes = user.recoveryHashes ?? []
    const hash = recoveryHash(user.id, given)
    if (hashes.includes(hash)) {
      const recoveryHashes = hashes.filter((one) => one !== hash)
      await this.#deps.users.noteFactor(user.id, { totpStep: user.totpStep, recoveryHashes }, tx)
      await this.#record('totp.recovery_code_used', user.id, tx, { left: recoveryHashes.length })
      return true
    }
    const totpStep = stepOfCode(this.#secretOf(user), given, Date.now(), user.totpStep)
    if (totpStep === undefined) return false
    await this.#deps.users.noteFactor(user.id, { totpStep, recoveryHashes: hashes }, tx)
    return true
  }

  async #withPassword(actor: AuthUser, password: string): Promise<User> {
    const user = await this.#deps.users.find(actor.id)
    if (!user) throw gone()
    if (!(await verifyPassword(password, user.passwordHash))) throw wrongPassword()
    return user
  }

  /** Locks the user's row; where the password was checked, it must still be the one. */
  async #changing(
    checked: { id: string; passwordHash?: string },
    change: (user: User, tx: Tx) => Promise<void>,
  ): Promise<void> {
    await this.#deps.transactions.run(async (tx) => {
      const user = await this.#deps.users.lock(checked.id, tx)
      if (!user) throw gone()
      if (checked.passwordHash !== undefined && checked.passwordHash !== user.passwordHash) throw wrongPassword()
      await change(user, tx)
    })
  }

  #secretOf({ id, totpSealed }: User): Buffer {
    try {
      return Buffer.from(this.#deps.secrets.open(totpSealed ?? '', { id, field: FIELD }), 'base64')
    } catch (error) {
      // Recovery codes need no key, and then the password turns it off.
      if (error instanceof AppError) throw new AppError('auth.totp_unreadable')
      throw error
    }
  }

  #record(
    action: 'totp.enabled' | 'totp.disabled' | 'totp.recovery_code_used',
    userId: string,
    tx: Tx,
    details = {},
  ): Promise<void> {
    return this.#deps.audit.record(
      { action, actorId: userId, targetId: userId, details, mostPerHour: MOST_BY_USERS },
      tx,
    )
  }
}
