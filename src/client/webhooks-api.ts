import { listOf } from '../contract/views.ts'
import type { WebhookChange, WebhookInput } from '../contract/webhook.schemas.ts'
import type { DeliveryStatus } from '../contract/webhook-events.ts'
import {
  type DeliveryView,
  deliveryView,
  type SecretWebhookView,
  secretWebhookView,
  type WebhookView,
  webhookView,
} from '../contract/webhook-views.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

/** `/api/webhooks`: addresses that are told of runs, files and credits. */
export class WebhooksApi extends ApiPart {
  list(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<WebhookView>> {
    return this.rest.call('GET /api/webhooks', listOf(webhookView), { query, ...options })
  }

  create(body: WebhookInput, options: CallOptions = {}): Promise<SecretWebhookView> {
    return this.rest.call('POST /api/webhooks', secretWebhookView, { body, ...options })
  }

  get(id: string, options: CallOptions = {}): Promise<WebhookView> {
    return this.rest.call('GET /api/webhooks/:id', webhookView, { params: { id }, ...options })
  }

  update(id: string, body: WebhookChange, options: CallOptions = {}): Promise<WebhookView> {
    return this.rest.call('PUT /api/webhooks/:id', webhookView, { params: { id }, body, ...options })
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/webhooks/:id', null, { params: { id }, ...options })
  }

  changeSecret(id: string, options: CallOptions = {}): Promise<SecretWebhookView> {
    return this.rest.call('POST /api/webhooks/:id/secret', secretWebhookView, { params: { id }, ...options })
  }

  /** Newest first. */
  deliveries(
    id: string,
    query: PageQuery & { status?: DeliveryStatus | undefined } = {},
    options: CallOptions = {},
  ): Promise<ListOf<DeliveryView>> {
    const request = { params: { id }, query, ...options }
    return this.rest.call('GET /api/webhooks/:id/deliveries', listOf(deliveryView), request)
  }

  redeliver(id: string, deliveryId: string, options: CallOptions = {}): Promise<DeliveryView> {
    const request = { params: { id, deliveryId }, ...options }
    return this.rest.call('POST /api/webhooks/:id/deliveries/:deliveryId/redeliver', deliveryView, request)
  }
}
