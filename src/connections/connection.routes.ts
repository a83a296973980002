import { z } from 'zod'
import type { AuthUser } from '../contract/auth-user.ts'
import { createConnectionBody, updateConnectionBody } from '../contract/connection.schemas.ts'
import { connectionModelsView, connectionTestView, connectionView, troubleView } from '../contract/connection-views.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import type { BreakerRepository } from './breaker.repository.ts'
import type { Connection } from './connection.entity.ts'
import { connectionState, presentConnection, presentTrouble } from './connection.presenter.ts'
import type { ConnectionService } from './connection.service.ts'
import type { ModelCatalogue } from './model-catalogue.ts'

/** Breakers that an administrator is shown at once. */
const MOST_BREAKERS = 200

/** `?refresh=true`: not what was kept of an answer before. */
const modelsQuery = z.strictObject({ refresh: z.enum(['true', 'false']).default('false') })

export const connectionRoutes = (
  connections: ConnectionService,
  breakers: BreakerRepository,
  models: ModelCatalogue,
): Route[] => {
  const shown = async (connection: Connection, user: AuthUser) =>
    presentConnection(connection, user, (await breakers.ofConnections([connection.id])).get(connection.id))
  return [
    defineRoute({
      method: 'get',
      path: '/api/connections',
      access: 'user',
      scope: 'read',
      summary: "One's own connections and the platform's, newest first",
      response: listOf(connectionView),
      errors: [],
      query: pageQuery,
      handler: async ({ user, query }) => {
        const found = await connections.list(user.id, query.limit + 1, query.cursor)
        const states = await breakers.ofConnections(found.map(({ id }) => id))
        return page(found, query.limit, (c) => presentConnection(c, user, states.get(c.id)))
      },
    }),
    defineRoute({
      method: 'post',
      path: '/api/connections',
      access: 'user',
      scope: 'chat',
      summary: 'A new connection to a model provider',
      response: connectionView,
      errors: ['connection.too_many', 'auth.forbidden'],
      body: createConnectionBody,
      example: {
        name: 'Local',
        provider: 'openai-compatible',
        baseUrl: 'http://localhost:11434/v1',
        model: 'llama3.2',
        apiKey: 'not-needed',
      },
      status: 201,
      handler: async ({ user, body }) => presentConnection(await connections.create(user, body), user),
    }),
    defineRoute({
      method: 'get',
      path: '/api/connections/:id',
      access: 'user',
      scope: 'read',
      summary: 'A connection',
      response: connectionView,
      state: connectionState,
      errors: ['connection.not_found'],
      params: idParams,
      handler: async ({ user, params }) => shown(await connections.get(user.id, params.id), user),
    }),
    defineRoute({
      method: 'put',
      path: '/api/connections/:id',
      access: 'user',
      scope: 'chat',
      summary: 'A connection, changed; what is left out stays',
      response: connectionView,
      state: connectionState,
      headers: ['If-Match'],
      errors: ['request.precondition_failed', 'connection.not_found', 'auth.forbidden'],
      params: idParams,
      body: updateConnectionBody,
      example: { model: 'llama3.3', isDefault: true },
      handler: async ({ user, params, body, ifMatch }) => {
        const check = (current: Connection) => ifMatch(connectionState(presentConnection(current, user)))
        return shown(await connections.update(user, params.id, body, check), user)
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/connections/:id',
      access: 'user',
      scope: 'chat',
      summary: 'A connection that is gone',
      response: null,
      errors: ['connection.not_found', 'connections.in_use', 'auth.forbidden'],
      params: idParams,
      handler: ({ user, params }) => connections.delete(user, params.id),
    }),
    defineRoute({
      method: 'post',
      path: '/api/connections/:id/test',
      access: 'user',
      scope: 'chat',
      summary: 'What a call of a few tokens to the provider came to',
      response: connectionTestView,
      errors: ['connection.not_found', 'auth.forbidden'],
      params: idParams,
      handler: ({ user, params, signal }) => connections.test(user, params.id, signal),
    }),
    defineRoute({
      method: 'get',
      path: '/api/connections/:id/models',
      access: 'user',
      scope: 'read',
      // It asks a server, in the name of the platform.
      guests: false,
      summary: 'The models that a connection has, as its provider lists them',
      response: connectionModelsView,
      errors: [
        'connection.not_found',
        'connections.key_unreadable',
        'connections.models_unavailable',
        'connections.no_model_list',
        'connections.incomplete',
        'auth.forbidden',
      ],
      params: idParams,
      query: modelsQuery,
      handler: async ({ user, params, query }) => {
        const list = await models.of(user.id, params.id, query.refresh === 'true')
        return { data: list.models, nextCursor: null, fetchedAt: list.fetchedAt.toISOString() }
      },
    }),
    defineRoute({
      method: 'get',
      path: '/api/admin/breakers',
      access: 'admin',
      scope: 'admin',
      summary: 'Connections and hosts that are in trouble',
      response: listOf(troubleView),
      errors: [],
      handler: async () => ({ data: (await breakers.list(MOST_BREAKERS)).map(presentTrouble), nextCursor: null }),
    }),
  ]
}
