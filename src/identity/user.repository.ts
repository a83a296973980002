import { type DataSource, IsNull } from 'typeorm'
import { rows } from '../database/query.ts'
import { isUniqueViolation, type Tx } from '../database/transaction.ts'
import { AppError } from '../shared/errors.ts'
import { type User, userEntity } from './user.entity.ts'

export type UserChange = Partial<
  Pick<
    User,
    | 'email'
    | 'emailKey'
    | 'emailVerifiedAt'
    | 'name'
    | 'role'
    | 'passwordHash'
    | 'suspendedAt'
    | 'suspendedReason'
    | 'totpSealed'
    | 'totpEnabledAt'
    | 'totpStep'
    | 'recoveryHashes'
  >
>

const emailTaken = (error: unknown): never => {
  if (isUniqueViolation(error, 'users_email_key_unique')) {
    throw new AppError('auth.email_taken')
  }
  throw error
}

/** Which users: the newest first, after the one whose id is the cursor. */
export interface UserFilter {
  limit: number
  cursor?: string | undefined
  suspended?: 'true' | 'false' | undefined
}

/** Who is being erased is not there for anybody. */
const present = { erasedAt: IsNull() }

export class UserRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** @throws AppError 409 `auth.email_taken` */
  async create(
    user: Pick<User, 'id' | 'email' | 'emailKey' | 'emailVerifiedAt' | 'name' | 'role' | 'passwordHash'>,
    tx: Tx,
  ): Promise<User> {
    await tx.insert(userEntity, user).catch(emailTaken)
    return tx.findOneByOrFail(userEntity, { id: user.id })
  }

  find(id: string, tx: Tx = this.#db.manager): Promise<User | null> {
    return tx.findOneBy(userEntity, { id, ...present })
  }

  findByEmailKey(emailKey: string): Promise<User | null> {
    return this.#db.manager.findOneBy(userEntity, { emailKey, ...present })
  }

  /** Locks the row until the transaction ends. */
  lock(id: string, tx: Tx): Promise<User | null> {
    return tx.findOne(userEntity, { where: { id, ...present }, lock: { mode: 'pessimistic_write' } })
  }

  hasAdmin(): Promise<boolean> {
    return this.#db.manager.existsBy(userEntity, { role: 'admin' })
  }

  /** Newest first. */
  list({ limit, cursor, suspended }: UserFilter): Promise<User[]> {
    const query = this.#db.manager
      .createQueryBuilder(userEntity, 'u')
      .where('u.erasedAt IS NULL')
      .orderBy('u.id', 'DESC')
      .take(limit)
    if (cursor) query.andWhere('u.id < :cursor', { cursor })
    if (suspended) query.andWhere(`u.suspendedAt IS ${suspended === 'true' ? 'NOT NULL' : 'NULL'}`)
    return query.getMany()
  }

  /** @throws AppError 409 `auth.email_taken` */
  async update(id: string, change: UserChange, tx: Tx): Promise<User> {
    await tx.update(userEntity, { id }, { ...change, updatedAt: new Date() }).catch(emailTaken)
    return tx.findOneByOrFail(userEntity, { id })
  }

  /** Notes what of the second factor was used. Nothing that people changed, so `updatedAt` stays. */
  async noteFactor(id: string, used: { totpStep: number | null; recoveryHashes: string[] }, tx: Tx): Promise<void> {
    await rows(tx, 'UPDATE users SET totp_step = $2, recovery_hashes = $3 WHERE id = $1', [
      id,
      used.totpStep,
      used.recoveryHashes,
    ])
  }

  /** Locks all administrators, so that two of them cannot remove each other at once, and counts those but this one who may sign in. */
  async otherAdmins(id: string, tx: Tx): Promise<number> {
    const admins = await tx.find(userEntity, {
      where: { role: 'admin' },
      order: { id: 'ASC' },
      lock: { mode: 'pessimistic_write' },
    })
    return admins.filter((admin) => admin.id !== id && !admin.suspendedAt).length
  }
}
