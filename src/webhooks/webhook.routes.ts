import { idInput } from '../contract/inputs.ts'
import { listOf } from '../contract/views.ts'
import { createWebhookBody, deliveriesFilter, updateWebhookBody } from '../contract/webhook.schemas.ts'
import { deliveryView, secretWebhookView, webhookView } from '../contract/webhook-views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentDelivery, presentWebhook, webhookState } from './webhook.presenter.ts'
import type { WebhookService } from './webhook.service.ts'

export const webhookRoutes = (webhooks: WebhookService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/webhooks',
    access: 'user',
    scope: 'read',
    summary: "One's own webhooks, newest first",
    response: listOf(webhookView),
    errors: [],
    query: pageQuery,
    handler: async ({ user, query: { limit, cursor } }) =>
      page(await webhooks.list(user.id, limit + 1, cursor), limit, presentWebhook),
  }),
  defineRoute({
    method: 'post',
    path: '/api/webhooks',
    access: 'user',
    scope: 'chat',
    summary: 'A new webhook; its secret, shown here only',
    response: secretWebhookView,
    errors: ['webhook.too_many'],
    body: createWebhookBody,
    example: { url: 'https://example.com/hooks', events: ['run.completed', 'run.failed'] },
    status: 201,
    handler: async ({ user, body }) => {
      const { webhook, secret } = await webhooks.create(user.id, body)
      return { ...presentWebhook(webhook), secret }
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/webhooks/:id',
    access: 'user',
    scope: 'read',
    summary: 'A webhook',
    response: webhookView,
    state: webhookState,
    errors: ['webhook.not_found'],
    params: idParams,
    handler: async ({ user, params }) => presentWebhook(await webhooks.get(user.id, params.id)),
  }),
  defineRoute({
    method: 'put',
    path: '/api/webhooks/:id',
    access: 'user',
    scope: 'chat',
    summary: 'A webhook, changed; what is left out stays',
    response: webhookView,
    state: webhookState,
    headers: ['If-Match'],
    errors: ['request.precondition_failed', 'webhook.not_found'],
    params: idParams,
    body: updateWebhookBody,
    example: { enabled: false },
    handler: async ({ user, params, body, ifMatch }) =>
      presentWebhook(
        await webhooks.update(user.id, params.id, body, (current) => ifMatch(webhookState(presentWebhook(current)))),
      ),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/webhooks/:id',
    access: 'user',
    scope: 'chat',
    summary: 'A webhook that is told nothing more',
    response: null,
    errors: ['webhook.not_found'],
    params: idParams,
    handler: ({ user, params }) => webhooks.delete(user.id, params.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/webhooks/:id/secret',
    access: 'user',
    scope: 'chat',
    summary: 'A new secret, shown here only; the old one is good for no more deliveries',
    response: secretWebhookView,
    errors: ['webhook.not_found'],
    params: idParams,
    handler: async ({ user, params }) => {
      const { webhook, secret } = await webhooks.changeSecret(user.id, params.id)
      return { ...presentWebhook(webhook), secret }
    },
  }),
  defineRoute({
    method: 'get',
    path: '/api/webhooks/:id/deliveries',
    access: 'user',
    scope: 'read',
    summary: 'Deliveries of a webhook, newest first',
    response: listOf(deliveryView),
    errors: ['webhook.not_found'],
    params: idParams,
    query: pageQuery.extend(deliveriesFilter),
    handler: async ({ user, params, query: { limit, cursor, ...filter } }) =>
      page(await webhooks.deliveries(user.id, params.id, filter, limit + 1, cursor), limit, presentDelivery),
  }),
  defineRoute({
    method: 'post',
    path: '/api/webhooks/:id/deliveries/:deliveryId/redeliver',
    access: 'user',
    scope: 'chat',
    summary: 'A delivery that is tried again',
    response: deliveryView,
    errors: ['webhook.not_found', 'delivery.not_found'],
    params: idParams.extend({ deliveryId: idInput }),
    status: 202,
    handler: async ({ user, params }) =>
      presentDelivery(await webhooks.redeliver(user.id, params.id, params.deliveryId)),
  }),
]
