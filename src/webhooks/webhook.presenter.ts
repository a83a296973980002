import type { DeliveryView, WebhookView } from '../contract/webhook-views.ts'
import type { Webhook } from './webhook.entity.ts'
import type { WebhookDelivery } from './webhook-delivery.entity.ts'

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

/** What of a webhook its owner may change. */
export const webhookState = ({ url, events, description, enabled }: WebhookView) => ({
  url,
  events,
  description,
  enabled,
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
