import { z } from 'zod'
import type { AuthUser } from '../contract/auth-user.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import type { BreakerRepository, BreakerState } from './breaker.repository.ts'
import type { Connection } from './connection.entity.ts'
import { presentBreaker, presentConnection } from './connection.presenter.ts'
import { createConnectionBody, updateConnectionBody } from './connection.schemas.ts'
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
      body: createConnectionBody,
      status: 201,
      handler: async ({ user, body }) => presentConnection(await connections.create(user, body), user),
    }),
    defineRoute({
      method: 'get',
      path: '/api/connections/:id',
      access: 'user',
      params: idParams,
      handler: async ({ user, params }) => shown(await connections.get(user.id, params.id), user),
    }),
    defineRoute({
      method: 'put',
      path: '/api/connections/:id',
      access: 'user',
      params: idParams,
      body: updateConnectionBody,
      handler: async ({ user, params, body }) => shown(await connections.update(user, params.id, body), user),
    }),
    defineRoute({
      method: 'delete',
      path: '/api/connections/:id',
      access: 'user',
      params: idParams,
      handler: ({ user, params }) => connections.delete(user, params.id),
    }),
    defineRoute({
      method: 'post',
      path: '/api/connections/:id/test',
      access: 'user',
      params: idParams,
      handler: ({ user, params, signal }) => connections.test(user, params.id, signal),
    }),
    defineRoute({
      method: 'get',
      path: '/api/connections/:id/models',
      access: 'user',
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
      handler: async () => ({ data: (await breakers.list(MOST_BREAKERS)).map(presentState), nextCursor: null }),
    }),
  ]
}

/** A connection (by its id) or a host in trouble, as administrators see it. */
const presentState = (breaker: BreakerState) => ({
  subject: breaker.subject,
  failures: breaker.failures,
  opens: breaker.opens,
  ...presentBreaker(breaker),
  code: breaker.code,
})
