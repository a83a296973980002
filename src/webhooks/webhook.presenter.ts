import type { Webhook } from './webhook.entity.ts'
import type { WebhookDelivery } from './webhook-delivery.entity.ts'
import type { DeliveryStatus, DisabledReason, WebhookEvent } from './webhook-events.ts'

export interface WebhookView {
  id: string
  url: string
  events: WebhookEvent[]
  description: string
  enabled: boolean
  disabledReason: DisabledReason | null
  succeededAt: string | null
  createdAt: string
  updatedAt: string
}

export interface DeliveryView {
  /** The `webhook-id` that the receiver is sent. */
  id: string
  event: WebhookEvent
  subjectId: string
  status: DeliveryStatus
  attempts: number
  /** When it is tried next; null when it is over. */
  nextAt: string | null
  lastStatus: number | null
  lastError: string | null
  createdAt: string
  endedAt: string | null
}

export const presentWebhook = (webhook: Webhook): WebhookView => ({
  id: webhook.id,
  url: webhook.url,
  events: webhook.events,
  description: webhook.description,
  enabled: webhook.enabled,
  disabledReason: webhook.disabledReason,
  succeededAt: webhook.succeededAt?.toISOString() ?? null,
  createdAt: webhook.createdAt.toISOString(),
  updatedAt: webhook.updatedAt.toISOString(),
})

export const presentDelivery = (delivery: WebhookDelivery): DeliveryView => ({
  id: delivery.id,
  event: delivery.event,
  subjectId: delivery.subjectId,
  status: delivery.status,
  attempts: delivery.attempt,
  nextAt: delivery.status === 'pending' ? delivery.dueAt.toISOString() : null,
  lastStatus: delivery.lastStatus,
  lastError: delivery.lastError,
  createdAt: delivery.createdAt.toISOString(),
  endedAt: delivery.endedAt?.toISOString() ?? null,
})
