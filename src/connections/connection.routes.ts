import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentConnection } from './connection.presenter.ts'
import { createConnectionBody, updateConnectionBody } from './connection.schemas.ts'
import type { ConnectionService } from './connection.service.ts'

export const connectionRoutes = (connections: ConnectionService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/connections',
    access: 'user',
    query: pageQuery,
    handler: async ({ user, query }) =>
      page(await connections.list(user.id, query.limit + 1, query.cursor), query.limit, (c) =>
        presentConnection(c, user),
      ),
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
    handler: async ({ user, params }) => presentConnection(await connections.get(user.id, params.id), user),
  }),
  defineRoute({
    method: 'put',
    path: '/api/connections/:id',
    access: 'user',
    params: idParams,
    body: updateConnectionBody,
    handler: async ({ user, params, body }) => presentConnection(await connections.update(user, params.id, body), user),
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
]
