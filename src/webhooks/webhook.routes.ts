import { idInput } from '../contract/inputs.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentDelivery, presentWebhook } from './webhook.presenter.ts'
import { createWebhookBody, deliveriesFilter, updateWebhookBody } from './webhook.schemas.ts'
import type { WebhookService } from './webhook.service.ts'

export const webhookRoutes = (webhooks: WebhookService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/webhooks',
    access: 'user',
    query: pageQuery,
    handler: async ({ user, query: { limit, cursor } }) =>
      page(await webhooks.list(user.id, limit + 1, cursor), limit, presentWebhook),
  }),
  defineRoute({
    method: 'post',
    path: '/api/webhooks',
    access: 'user',
    body: createWebhookBody,
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
    params: idParams,
    handler: async ({ user, params }) => presentWebhook(await webhooks.get(user.id, params.id)),
  }),
  defineRoute({
    method: 'put',
    path: '/api/webhooks/:id',
    access: 'user',
    params: idParams,
    body: updateWebhookBody,
    handler: async ({ user, params, body }) => presentWebhook(await webhooks.update(user.id, params.id, body)),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/webhooks/:id',
    access: 'user',
    params: idParams,
    handler: ({ user, params }) => webhooks.delete(user.id, params.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/webhooks/:id/secret',
    access: 'user',
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
    params: idParams,
    query: pageQuery.extend(deliveriesFilter),
    handler: async ({ user, params, query: { limit, cursor, ...filter } }) =>
      page(await webhooks.deliveries(user.id, params.id, filter, limit + 1, cursor), limit, presentDelivery),
  }),
  defineRoute({
    method: 'post',
    path: '/api/webhooks/:id/deliveries/:deliveryId/redeliver',
    access: 'user',
    params: idParams.extend({ deliveryId: idInput }),
    status: 202,
    handler: async ({ user, params }) =>
      presentDelivery(await webhooks.redeliver(user.id, params.id, params.deliveryId)),
  }),
]
