import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type EmailLink, emailLinkEntity, type LinkPurpose } from './email-link.entity.ts'

export class EmailLinkRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** False when there is such a link already. */
  async create(link: Omit<EmailLink, 'usedAt' | 'createdAt'>, tx: Tx): Promise<boolean> {
    const made = await rows(
      tx,
      `INSERT INTO email_links (id, purpose, user_id, email_key, password_mark, expires_at)
       VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING RETURNING 1`,
      [link.id, link.purpose, link.userId, link.emailKey, link.passwordMark, link.expiresAt],
    )
    return made.length > 0
  }

  /** A link that may still be used. */
  async findLive(id: string, purpose: LinkPurpose): Promise<EmailLink | null> {
    return this.#db.manager
      .createQueryBuilder(emailLinkEntity, 'l')
      .where('l.id = :id AND l.purpose = :purpose AND l.usedAt IS NULL AND l.expiresAt > now()', { id, purpose })
      .getOne()
  }

  /** Uses a link, once. */
  async use(id: string, tx: Tx): Promise<boolean> {
    const used = await rows(
      tx,
      'UPDATE email_links SET used_at = now() WHERE id = $1 AND used_at IS NULL AND expires_at > now() RETURNING 1',
      [id],
    )
    return used.length > 0
  }
}
