import type { DataSource } from 'typeorm'
import type { DeliveryStatus } from '../contract/webhook-events.ts'
import { inBatches, rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { Webhook } from './webhook.entity.ts'
import { type WebhookDelivery, webhookDeliveryEntity } from './webhook-delivery.entity.ts'

/** A delivery that this worker tries, with what it needs to know of its webhook. */
export type ClaimedDelivery = Pick<
  WebhookDelivery,
  'id' | 'webhookId' | 'userId' | 'event' | 'subjectId' | 'payload' | 'attempt' | 'createdAt'
> &
  Pick<Webhook, 'url' | 'secretSealed' | 'previousSealed'> & { claimToken: string }

/** How a try went: null is a status where there was no answer, and an error where there was nothing wrong. */
export interface Tried {
  status: number | null
  error: string | null
}

/** Of one webhook, and of one user, so many are on their way at once: a slow receiver holds up its own only. */
const AT_ONCE = { webhook: 4, user: 8 }

export class WebhookDeliveryRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** Newest first. */
  list(
    webhookId: string,
    filter: { status?: DeliveryStatus },
    limit: number,
    before: string | undefined,
  ): Promise<WebhookDelivery[]> {
    const query = this.#db.manager
      .createQueryBuilder(webhookDeliveryEntity, 'd')
      .where('d.webhookId = :webhookId', { webhookId })
      .orderBy('d.id', 'DESC')
      .take(limit)
    if (before) query.andWhere('d.id < :before', { before })
    if (filter.status) query.andWhere('d.status = :status', { status: filter.status })
    return query.getMany()
  }

  /**
   * Deliveries that should be in the queue and perhaps are not: due, and not put there a moment ago, or with a worker that has died.
   * A few of each webhook and each user, those that wait longest first. It costs what there are webhooks with something to tell, however
   * much each has.
   */
  async dispatch(afterMs: number, limit: number): Promise<string[]> {
    const taken = await rows<{ id: string }>(
      this.#db.manager,
      `WITH RECURSIVE waiting AS (
         (SELECT webhook_id FROM webhook_deliveries WHERE status = 'pending' ORDER BY webhook_id LIMIT 1)
         UNION ALL
         SELECT (SELECT d.webhook_id FROM webhook_deliveries d WHERE d.status = 'pending' AND d.webhook_id > w.webhook_id
                 ORDER BY d.webhook_id LIMIT 1)
         FROM waiting w WHERE w.webhook_id IS NOT NULL
       ), first AS (
         SELECT f.*, row_number() OVER (PARTITION BY h.user_id ORDER BY f.place, f.due_at, f.id) AS place_of_user
         FROM waiting w JOIN webhooks h ON h.id = w.webhook_id AND h.enabled, LATERAL (
           SELECT d.id, d.due_at, d.lease_until, d.dispatched_at, row_number() OVER (ORDER BY d.due_at, d.id) AS place
           FROM webhook_deliveries d WHERE d.webhook_id = w.webhook_id AND d.status = 'pending' AND d.due_at <= now()
           ORDER BY d.due_at, d.id LIMIT $3) f
       ), next AS MATERIALIZED (
         SELECT id FROM first WHERE place_of_user <= $4 AND (lease_until IS NULL OR lease_until < now())
           AND (dispatched_at IS NULL OR dispatched_at < greatest(now() - $1 * interval '1 ms', due_at))
         ORDER BY due_at LIMIT $2
       ), taken AS MATERIALIZED (
         SELECT id FROM webhook_deliveries WHERE id = ANY (ARRAY(SELECT id FROM next)) AND status = 'pending'
         FOR UPDATE SKIP LOCKED
       )
       UPDATE webhook_deliveries d SET dispatched_at = now() FROM taken t WHERE d.id = t.id RETURNING d.id`,
      [afterMs, limit, AT_ONCE.webhook, AT_ONCE.user],
    )
    return taken.map(({ id }) => id)
  }

  /** Takes a due delivery that nobody tries, and counts the try before it is made. Undefined when there is nothing to do. */
  async claim(id: string, token: string, leaseMs: number): Promise<ClaimedDelivery | undefined> {
    const [claimed] = await rows<ClaimedDelivery>(
      this.#db.manager,
      `UPDATE webhook_deliveries d SET claim_token = $2, lease_until = now() + $3 * interval '1 ms', attempt = d.attempt + 1
       FROM webhooks w WHERE d.id = $1 AND w.id = d.webhook_id AND d.status = 'pending' AND d.due_at <= now()
         AND (d.lease_until IS NULL OR d.lease_until < now()) AND w.enabled
       RETURNING d.id, d.webhook_id AS "webhookId", d.user_id AS "userId", d.event, d.subject_id AS "subjectId", d.payload, d.attempt,
         d.created_at AS "createdAt", d.claim_token AS "claimToken", w.url, w.secret_sealed AS "secretSealed",
         CASE WHEN w.previous_until > now() THEN w.previous_sealed END AS "previousSealed"`,
      [id, token, leaseMs],
    )
    return claimed
  }

  /** What is sent is written down before the first try: each try says the same. */
  async write({ id, claimToken }: ClaimedDelivery, payload: string): Promise<void> {
    await rows(
      this.#db.manager,
      'UPDATE webhook_deliveries SET payload = $3 WHERE id = $1 AND claim_token = $2 AND payload IS NULL',
      [id, claimToken, payload],
    )
  }

  /** Ends a delivery. False when the claim was lost: somebody else tries it. */
  async end(
    { id, claimToken }: ClaimedDelivery,
    status: 'delivered' | 'failed',
    tried: Tried,
    tx: Tx,
  ): Promise<boolean> {
    const ended = await rows(
      tx,
      `UPDATE webhook_deliveries SET status = $3, last_status = $4, last_error = $5, ended_at = now(), claim_token = NULL, lease_until = NULL
       WHERE id = $1 AND claim_token = $2 AND status = 'pending' RETURNING id`,
      [id, claimToken, status, tried.status, tried.error],
    )
    return ended.length === 1
  }

  /** Gives a delivery back, to be tried again after `delayMs`; `refund` when the try shall not count (a drain). */
  async postpone({ id, claimToken }: ClaimedDelivery, tried: Tried, delayMs: number, refund = false): Promise<void> {
    await rows(
      this.#db.manager,
      `UPDATE webhook_deliveries SET due_at = now() + $3 * interval '1 ms', last_status = $4, last_error = $5,
         attempt = attempt - $6, claim_token = NULL, lease_until = NULL
       WHERE id = $1 AND claim_token = $2 AND status = 'pending'`,
      [id, claimToken, delayMs, tried.status, tried.error, refund ? 1 : 0],
    )
  }

  /** Begins a delivery anew, under its id. Null when it is not of this webhook. */
  async restart(webhookId: string, id: string): Promise<WebhookDelivery | null> {
    await rows(
      this.#db.manager,
      `UPDATE webhook_deliveries SET status = 'pending', attempt = 0, due_at = now(), dispatched_at = NULL, ended_at = NULL,
         claim_token = NULL, lease_until = NULL
       WHERE id = $2 AND webhook_id = $1 AND (status <> 'pending' OR lease_until IS NULL OR lease_until < now())`,
      [webhookId, id],
    )
    return this.#db.manager.findOneBy(webhookDeliveryEntity, { webhookId, id })
  }

  /** Those of webhooks that are off end. */
  async endOfDisabled(): Promise<void> {
    await inBatches(
      this.#db.manager,
      `UPDATE webhook_deliveries SET status = 'failed', ended_at = now(), last_error = 'The webhook was turned off.',
         claim_token = NULL, lease_until = NULL
       WHERE id IN (SELECT d.id FROM webhooks w JOIN webhook_deliveries d ON d.webhook_id = w.id
         WHERE NOT w.enabled AND d.status = 'pending' LIMIT $1 FOR UPDATE OF d SKIP LOCKED) RETURNING id`,
    )
  }
}
