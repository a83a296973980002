import type { DataSource } from 'typeorm'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { Mail } from './mail.entity.ts'

/** A mail that somebody has taken to send it. */
export type ClaimedMail = Pick<Mail, 'id' | 'kind' | 'userId' | 'address' | 'attempts' | 'expiresAt'>

export interface NewMail extends Pick<Mail, 'id' | 'kind' | 'userId' | 'address' | 'addressKey'> {
  /** How long it is of use, in ms. */
  lifeMs: number
}

export class MailRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** Writes a mail, unless as many as `mostPerHour` were written to this address, or for this user, within the hour. */
  async add(mail: NewMail, mostPerHour: number, tx: Tx): Promise<boolean> {
    await lockOwner('mails', null, tx)
    const late = `created_at > now() - interval '1 hour'`
    const added = await rows(
      tx,
      `INSERT INTO mails (id, kind, user_id, address, address_key, expires_at)
       SELECT $1, $2, $3::uuid, $4, $5, now() + $6 * interval '1 millisecond'
       WHERE (SELECT count(*) FROM mails WHERE address_key = $5 AND ${late}) < $7
         AND (SELECT count(*) FROM mails WHERE user_id = $3::uuid AND ${late}) < $7
       RETURNING 1`,
      [mail.id, mail.kind, mail.userId, mail.address, mail.addressKey, mail.lifeMs, mostPerHour],
    )
    return added.length > 0
  }

  /** Takes a mail that is due, for so long: a compare-and-set, so one of many has it. */
  async claim(id: string, leaseMs: number): Promise<ClaimedMail | undefined> {
    const [mail] = await rows<ClaimedMail>(
      this.#db.manager,
      `UPDATE mails SET attempts = attempts + 1, due_at = now() + $2 * interval '1 millisecond'
       WHERE id = $1 AND status = 'queued' AND due_at <= now() AND expires_at > now()
       RETURNING id, kind, user_id AS "userId", address, attempts, expires_at AS "expiresAt"`,
      [id, leaseMs],
    )
    return mail
  }

  /** Ends a mail that this claim still has. */
  async end({ id, attempts }: ClaimedMail, status: Mail['status'], error: string | null): Promise<void> {
    await rows(
      this.#db.manager,
      `UPDATE mails SET status = $3, error = $4 WHERE id = $1 AND attempts = $2 AND status = 'queued'`,
      [id, attempts, status, error],
    )
  }

  /** Leaves a mail for later. */
  async defer({ id, attempts }: ClaimedMail, delayMs: number, error: string): Promise<void> {
    await rows(
      this.#db.manager,
      `UPDATE mails SET due_at = now() + $3 * interval '1 millisecond', error = $4
       WHERE id = $1 AND attempts = $2 AND status = 'queued'`,
      [id, attempts, delayMs, error],
    )
  }

  /** Mails that are due, the longest first. */
  async due(limit: number): Promise<string[]> {
    const found = await rows<{ id: string }>(
      this.#db.manager,
      `SELECT id FROM mails WHERE status = 'queued' AND due_at <= now() ORDER BY due_at LIMIT $1`,
      [limit],
    )
    return found.map(({ id }) => id)
  }

  /** Fails what is too late. */
  async expire(): Promise<void> {
    await rows(
      this.#db.manager,
      `UPDATE mails SET status = 'failed', error = concat_ws(': ', 'too late', error)
       WHERE status = 'queued' AND due_at <= now() AND expires_at <= now()`,
    )
  }
}
