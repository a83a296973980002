import { EntitySchema } from 'typeorm'
import { type DeliveryStatus, deliveryStatuses, type WebhookEvent } from '../contract/webhook-events.ts'
import { createdAt, integer, text, timestamp, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/** One event on its way to one webhook. Its id is what receivers know it by, in each try. */
export class WebhookDelivery {
  declare id: string
  declare webhookId: string
  declare userId: string
  declare event: WebhookEvent
  /** The run, file, call of a tool or ledger entry that it tells of. */
  declare subjectId: string
  declare status: DeliveryStatus
  /** What is sent, the same in each try; null until the first. */
  declare payload: string | null
  /** Tries so far. */
  declare attempt: number
  declare dueAt: Date
  declare dispatchedAt: Date | null
  declare claimToken: string | null
  declare leaseUntil: Date | null
  /** The HTTP status of the last answer; null when there was none. */
  declare lastStatus: number | null
  /** Why the last try failed, in words; null when it did not. */
  declare lastError: string | null
  declare createdAt: Date
  declare endedAt: Date | null
}

export const webhookDeliveryEntity = new EntitySchema<WebhookDelivery>({
  name: 'WebhookDelivery',
  target: WebhookDelivery,
  tableName: 'webhook_deliveries',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'webhook_deliveries_pk' }),
    webhookId: uuid(),
    userId: uuid(),
    event: text(),
    subjectId: uuid(),
    status: text({ default: 'pending' }),
    payload: text({ nullable: true }),
    attempt: integer({ default: 0 }),
    dueAt: timestamp(),
    dispatchedAt: timestamp({ nullable: true }),
    claimToken: uuid({ nullable: true }),
    leaseUntil: timestamp({ nullable: true }),
    lastStatus: integer({ nullable: true }),
    lastError: text({ nullable: true }),
    createdAt: createdAt(),
    endedAt: timestamp({ nullable: true }),
  },
  checks: [{ name: 'webhook_deliveries_status_known', expression: `status IN ${wordList(deliveryStatuses)}` }],
  indices: [
    { name: 'webhook_deliveries_once', columns: ['webhookId', 'event', 'subjectId'], unique: true },
    { name: 'webhook_deliveries_webhook', columns: ['webhookId', 'id'] },
    { name: 'webhook_deliveries_due', columns: ['webhookId', 'dueAt', 'id'], where: `status = 'pending'` },
    { name: 'webhook_deliveries_ended', columns: ['endedAt'], where: `status <> 'pending'` },
  ],
  foreignKeys: [
    {
      name: 'webhook_deliveries_webhook_fk',
      target: 'Webhook',
      columnNames: ['webhookId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
