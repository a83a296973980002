import { type DataSource, IsNull } from 'typeorm'
import { z } from 'zod'
import { rows } from '../database/query.ts'
import { isUniqueViolation, type Tx } from '../database/transaction.ts'
import { AppError } from '../shared/errors.ts'
import { emailKeyOf } from './email-key.ts'
import { isKept, type KeptUser, type User, userEntity } from './user.entity.ts'

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
  guest?: 'true' | 'false' | undefined
  /** How the address or the name begins, in any case; or an id. */
  q?: string | undefined
}

/** Of what begins with one letter there may be very many: so many of each are looked through. */
const MOST_FOUND = 500
const FOUND = `
  (SELECT f.id FROM users f WHERE f.email_key LIKE :email AND f.erased_at IS NULL LIMIT ${MOST_FOUND})
  UNION (SELECT f.id FROM users f WHERE lower(f.name) LIKE lower(:name) AND f.erased_at IS NULL LIMIT ${MOST_FOUND})`
const beginsWith = (text: string): string => `${text.replace(/[\\%_]/g, (char) => `\\${char}`)}%`
const isId = (text: string): boolean => z.uuid().safeParse(text).success

/** Who is being erased is not there for anybody. */
const present = { erasedAt: IsNull() }

export class UserRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** @throws AppError 409 `auth.email_taken` */
  async create(
    user: Pick<KeptUser, 'id' | 'email' | 'emailKey' | 'emailVerifiedAt' | 'name' | 'role' | 'passwordHash'>,
    tx: Tx,
  ): Promise<KeptUser> {
    await tx.insert(userEntity, user).catch(emailTaken)
    return Object.assign(await tx.findOneByOrFail(userEntity, { id: user.id }), {
      email: user.email,
      emailKey: user.emailKey,
    })
  }

  async createGuest(id: string, name: string, tx: Tx): Promise<User> {
    await tx.insert(userEntity, { id, name, email: null, emailKey: null, role: 'user', passwordHash: '' })
    return tx.findOneByOrFail(userEntity, { id })
  }

  /** Gives a guest an address. @throws AppError 409 `auth.email_taken` */
  async keep(
    id: string,
    change: Pick<KeptUser, 'email' | 'emailKey' | 'name' | 'passwordHash'>,
    tx: Tx,
  ): Promise<KeptUser> {
    return Object.assign(await this.update(id, change, tx), { email: change.email, emailKey: change.emailKey })
  }

  find(id: string, tx: Tx = this.#db.manager): Promise<User | null> {
    return tx.findOneBy(userEntity, { id, ...present })
  }

  async findByEmailKey(emailKey: string): Promise<KeptUser | null> {
    const user = await this.#db.manager.findOneBy(userEntity, { emailKey, ...present })
    return user && isKept(user) ? user : null
  }

  /** Locks the row until the transaction ends. */
  lock(id: string, tx: Tx): Promise<User | null> {
    return tx.findOne(userEntity, { where: { id, ...present }, lock: { mode: 'pessimistic_write' } })
  }

  /** How many guests there are, counted to `most` and no further. */
  async countGuests(most: number, tx: Tx): Promise<number> {
    const [found] = await rows<{ guests: number }>(
      tx,
      `SELECT count(*)::int AS guests FROM (
         SELECT FROM users WHERE email_key IS NULL AND erased_at IS NULL LIMIT $1) AS found`,
      [most],
    )
    return found?.guests ?? 0
  }

  /** Guests whom nobody has seen for so many days, oldest first; with `id`, whether this is one. */
  async disusedGuests(days: number, limit: number, tx: Tx = this.#db.manager, id?: string): Promise<string[]> {
    const found = await rows<{ id: string }>(
      tx,
      `SELECT u.id FROM users u WHERE u.email_key IS NULL AND u.erased_at IS NULL AND ($3::uuid IS NULL OR u.id = $3)
         AND u.created_at < now() - $1 * interval '1 day'
         AND NOT EXISTS (SELECT FROM sessions s WHERE s.user_id = u.id AND s.last_used_at >= now() - $1 * interval '1 day')
       ORDER BY u.id LIMIT $2`,
      [days, limit, id ?? null],
    )
    return found.map((guest) => guest.id)
  }

  hasAdmin(): Promise<boolean> {
    return this.#db.manager.existsBy(userEntity, { role: 'admin' })
  }

  /** Newest first. */
  list({ limit, cursor, suspended, guest, q }: UserFilter): Promise<User[]> {
    const query = this.#db.manager
      .createQueryBuilder(userEntity, 'u')
      .where('u.erasedAt IS NULL')
      .orderBy('u.id', 'DESC')
      .take(limit)
    if (cursor) query.andWhere('u.id < :cursor', { cursor })
    if (suspended) query.andWhere(`u.suspendedAt IS ${suspended === 'true' ? 'NOT NULL' : 'NULL'}`)
    if (guest) query.andWhere(`u.emailKey IS ${guest === 'true' ? 'NULL' : 'NOT NULL'}`)
    if (q !== undefined && isId(q)) query.andWhere('u.id = :q', { q })
    else if (q !== undefined)
      query.andWhere(`u.id IN (${FOUND})`, { email: beginsWith(emailKeyOf(q)), name: beginsWith(q) })
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
