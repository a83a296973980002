/** Webhooks as clients see them. Pure: browsers import this file too. */
import { z } from 'zod'
import { idView, timeView } from './views.ts'
import { deliveryStatuses, disabledReasons } from './webhook-events.ts'

const webhook = {
  id: idView,
  url: z.string(),
  events: z.array(z.string()).meta({ examples: [['run.completed']] }),
  description: z.string(),
  enabled: z.boolean(),
  /** Its owner's word, its receiver's (410), or days of failures. */
  disabledReason: z.enum(disabledReasons).nullable(),
  succeededAt: timeView.nullable(),
  createdAt: timeView,
  updatedAt: timeView,
}
export const webhookView = z.object(webhook).meta({ id: 'Webhook' })
export type WebhookView = z.infer<typeof webhookView>
/** With the secret that its deliveries are signed with, which is not shown again. */
export const secretWebhookView = z.object({ ...webhook, secret: z.string() }).meta({ id: 'WebhookWithSecret' })
export type SecretWebhookView = z.infer<typeof secretWebhookView>

export const deliveryView = z
  .object({
    /** The `webhook-id` that the receiver is sent. */
    id: idView,
    event: z.string().meta({ examples: ['run.completed'] }),
    subjectId: z.string(),
    status: z.enum(deliveryStatuses),
    attempts: z.number().int().min(0),
    /** When it is tried next; null when it is over. */
    nextAt: timeView.nullable(),
    lastStatus: z.number().int().nullable(),
    lastError: z.string().nullable(),
    createdAt: timeView,
    endedAt: timeView.nullable(),
  })
  .meta({ id: 'Delivery' })
export type DeliveryView = z.infer<typeof deliveryView>
