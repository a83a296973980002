import { z } from 'zod'
import { deliveryStatuses, webhookEvents } from './webhook-events.ts'

const fields = {
  url: z.string().trim().min(1, 'must not be empty').max(2_000),
  events: z
    .array(z.enum(webhookEvents))
    .min(1, 'must name at least one event')
    .max(webhookEvents.length)
    .refine((events) => new Set(events).size === events.length, 'must not name an event twice'),
  description: z.string().trim().max(200),
  enabled: z.boolean(),
}

export const createWebhookBody = z.strictObject({
  url: fields.url,
  events: fields.events,
  description: fields.description.default(''),
})
/** What is left out stays as it is. */
export const updateWebhookBody = z.strictObject(fields).partial()
/** Besides its page. */
export const deliveriesFilter = { status: z.enum(deliveryStatuses).optional() }

export type CreateWebhookBody = z.output<typeof createWebhookBody>
export type UpdateWebhookBody = z.output<typeof updateWebhookBody>
/** A webhook as clients write it, and a change of one. */
export type WebhookInput = z.input<typeof createWebhookBody>
export type WebhookChange = z.input<typeof updateWebhookBody>
