import type { DataSource } from 'typeorm'
import { lockOwner } from '../database/advisory-lock.ts'
import { brokenReference, type Tx } from '../database/transaction.ts'
import { type Connection, connectionEntity } from './connection.entity.ts'
import type { Trait } from './dialects/traits.ts'

export type ConnectionFields = Pick<
  Connection,
  'name' | 'provider' | 'baseUrl' | 'model' | 'apiKeySealed' | 'apiKeyLast4' | 'isDefault'
>

/** Models of a connection that something is remembered of. */
const MOST_MODELS = 64

export class ConnectionRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async create(connection: ConnectionFields & Pick<Connection, 'id' | 'userId'>, tx: Tx): Promise<Connection> {
    await tx.insert(connectionEntity, connection)
    return tx.findOneByOrFail(connectionEntity, { id: connection.id })
  }

  /** How many connections a user has; whoever else wants to add one waits for the end of this transaction. */
  async lockCount(userId: string, tx: Tx): Promise<number> {
    await lockOwner('counts', userId, tx)
    return tx.countBy(connectionEntity, { userId })
  }

  find(id: string, tx: Tx = this.#db.manager): Promise<Connection | null> {
    return tx.findOneBy(connectionEntity, { id })
  }

  /** One that the user may use: own, or the platform's. Without a user: only the platform's. */
  findVisible(userId: string | null, id: string): Promise<Connection | null> {
    return this.#visible(userId).andWhere('c.id = :id', { id }).getOne()
  }

  lockVisible(userId: string, id: string, tx: Tx): Promise<Connection | null> {
    return this.#visible(userId, tx).andWhere('c.id = :id', { id }).setLock('pessimistic_write').getOne()
  }

  /** Newest first, the platform's among them. */
  listVisible(userId: string, limit: number, before: string | undefined): Promise<Connection[]> {
    const query = this.#visible(userId).orderBy('c.id', 'DESC').take(limit)
    if (before) query.andWhere('c.id < :before', { before })
    return query.getMany()
  }

  /** The user's default, else the platform's. */
  findDefault(userId: string): Promise<Connection | null> {
    return this.#visible(userId).andWhere('c.isDefault').orderBy('c.userId', 'ASC', 'NULLS LAST').limit(1).getOne()
  }

  platformDefault(tx: Tx): Promise<Connection | null> {
    return tx.createQueryBuilder(connectionEntity, 'c').where('c.userId IS NULL AND c.isDefault').getOne()
  }

  async update(
    id: string,
    change: Partial<ConnectionFields & Pick<Connection, 'dialects'>>,
    tx: Tx,
  ): Promise<Connection> {
    await tx.update(connectionEntity, { id }, { ...change, updatedAt: new Date() })
    return tx.findOneByOrFail(connectionEntity, { id })
  }

  /**
   * Adds to what is known of a connection's model; `anew` puts it in the place of that. Without effect where the connection
   * has another address by now, of which this says nothing.
   */
  async learn(
    { id, provider, baseUrl }: Pick<Connection, 'id' | 'provider' | 'baseUrl'>,
    model: string,
    traits: readonly Trait[],
    { anew = false } = {},
  ): Promise<void> {
    await this.#db.query(
      `UPDATE connections SET dialects = jsonb_set(dialects, ARRAY[$2::text], (
         SELECT coalesce(jsonb_agg(DISTINCT trait), '[]') FROM (
           SELECT jsonb_array_elements_text(coalesce(dialects -> $2, '[]')) AS trait WHERE NOT $3
           UNION SELECT unnest($4::text[])
         ) AS known))
       WHERE id = $1 AND provider = $5 AND base_url IS NOT DISTINCT FROM $6
         AND (dialects ? $2 OR (SELECT count(*) FROM jsonb_object_keys(dialects)) < $7)`,
      [id, model, anew, traits, provider, baseUrl, MOST_MODELS],
    )
  }

  /**
   * Makes room for a new default of this owner (null: the platform). Defaults of one owner are chosen one after the
   * other, so that two at once do not meet at the unique index.
   */
  async clearDefault(userId: string | null, tx: Tx): Promise<void> {
    await lockOwner('defaultConnection', userId, tx)
    await tx.query('UPDATE connections SET is_default = false WHERE is_default AND user_id IS NOT DISTINCT FROM $1', [
      userId,
    ])
  }

  /** False when other rows still refer to it. */
  async delete(id: string, tx: Tx = this.#db.manager): Promise<boolean> {
    try {
      await tx.delete(connectionEntity, { id })
      return true
    } catch (error) {
      if (brokenReference(error)) return false
      throw error
    }
  }

  #visible(userId: string | null, tx: Tx = this.#db.manager) {
    return tx.createQueryBuilder(connectionEntity, 'c').where('(c.userId = :userId OR c.userId IS NULL)', { userId })
  }
}
