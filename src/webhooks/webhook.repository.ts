import type { DataSource } from 'typeorm'
import type { DisabledReason } from '../contract/webhook-events.ts'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { type Webhook, webhookEntity } from './webhook.entity.ts'

type Change = Partial<Omit<Webhook, 'id' | 'userId' | 'createdAt' | 'updatedAt'>>

export class WebhookRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** How many a user has; whoever else wants to add one waits for the end of this transaction. */
  async lockCount(userId: string, tx: Tx): Promise<number> {
    await lockOwner('counts', userId, tx)
    return tx.countBy(webhookEntity, { userId })
  }

  async create(
    webhook: Pick<Webhook, 'id' | 'userId' | 'url' | 'events' | 'description' | 'secretSealed'>,
    tx: Tx,
  ): Promise<Webhook> {
    await tx.insert(webhookEntity, webhook)
    return tx.findOneByOrFail(webhookEntity, { id: webhook.id })
  }

  /** Newest first. */
  list(userId: string, limit: number, before: string | undefined): Promise<Webhook[]> {
    const query = this.#db.manager
      .createQueryBuilder(webhookEntity, 'w')
      .where('w.userId = :userId', { userId })
      .orderBy('w.id', 'DESC')
      .take(limit)
    if (before) query.andWhere('w.id < :before', { before })
    return query.getMany()
  }

  findOwned(userId: string, id: string, tx: Tx = this.#db.manager): Promise<Webhook | null> {
    return tx.findOneBy(webhookEntity, { id, userId })
  }

  /** The same; nobody else changes it before the end of this transaction. */
  lockOwned(userId: string, id: string, tx: Tx): Promise<Webhook | null> {
    return tx.findOne(webhookEntity, { where: { id, userId }, lock: { mode: 'pessimistic_write' } })
  }

  /** Null when it is not this user's. */
  async update(userId: string, id: string, change: Change, tx: Tx): Promise<Webhook | null> {
    await tx.update(webhookEntity, { id, userId }, { ...change, updatedAt: new Date() })
    return this.findOwned(userId, id, tx)
  }

  /** With its deliveries. False when it is not this user's. */
  async delete(userId: string, id: string, tx: Tx): Promise<boolean> {
    const { affected } = await tx.delete(webhookEntity, { id, userId })
    return affected === 1
  }

  async succeeded(id: string, tx: Tx): Promise<void> {
    await rows(tx, 'UPDATE webhooks SET succeeded_at = now() WHERE id = $1', [id])
  }

  /** Turns it off; `quietDays`: only when nothing was taken for so long. */
  async disable(id: string, reason: DisabledReason, quietDays: number, tx: Tx): Promise<void> {
    await rows(
      tx,
      `UPDATE webhooks SET enabled = false, disabled_reason = $2, updated_at = now()
       WHERE id = $1 AND enabled AND greatest(created_at, coalesce(succeeded_at, created_at)) <= now() - $3 * interval '1 day'`,
      [id, reason, quietDays],
    )
  }
}
