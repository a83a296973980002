import { EntitySchema } from 'typeorm'
import { type DisabledReason, disabledReasons, type WebhookEvent } from '../contract/webhook-events.ts'
import { boolean, createdAt, text, timestamp, updatedAt, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/** An address of a user's own that is told of events. */
export class Webhook {
  declare id: string
  declare userId: string
  declare url: string
  declare events: WebhookEvent[]
  declare description: string
  declare enabled: boolean
  /** Of one that is off. */
  declare disabledReason: DisabledReason | null
  /** Signs what is sent; sealed by `SealedSecrets`. */
  declare secretSealed: string
  /** The secret before it, which signs too until `previousUntil`: receivers change theirs without missing anything. */
  declare previousSealed: string | null
  declare previousUntil: Date | null
  /** When something was taken last. */
  declare succeededAt: Date | null
  declare createdAt: Date
  declare updatedAt: Date
}

export const webhookEntity = new EntitySchema<Webhook>({
  name: 'Webhook',
  target: Webhook,
  tableName: 'webhooks',
  columns: {
    id: uuid({ primary: true, primaryKeyConstraintName: 'webhooks_pk' }),
    userId: uuid(),
    url: text(),
    events: text({ array: true }),
    description: text({ default: '' }),
    enabled: boolean({ default: true }),
    disabledReason: text({ nullable: true }),
    secretSealed: text(),
    previousSealed: text({ nullable: true }),
    previousUntil: timestamp({ nullable: true }),
    succeededAt: timestamp({ nullable: true }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [
    { name: 'webhooks_reason_known', expression: `disabled_reason IN ${wordList(disabledReasons)}` },
    { name: 'webhooks_off_for_a_reason', expression: 'enabled = (disabled_reason IS NULL)' },
  ],
  indices: [{ name: 'webhooks_user', columns: ['userId', 'id'] }],
  foreignKeys: [
    {
      name: 'webhooks_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
