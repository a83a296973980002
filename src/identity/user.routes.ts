import { z } from 'zod'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { suspendBody, userBody } from './identity.schemas.ts'
import type { SuspensionService } from './suspension.service.ts'
import { presentUserToAdmin } from './user.presenter.ts'
import type { UserService } from './user.service.ts'

/** `suspended=true`: those alone who are shut out. */
const userQuery = pageQuery.extend({ suspended: z.enum(['true', 'false']).optional() })

export const userRoutes = (users: UserService, suspensions: SuspensionService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/users',
    access: 'admin',
    query: userQuery,
    handler: async ({ user, query }) =>
      page(await users.list(user, { ...query, limit: query.limit + 1 }), query.limit, presentUserToAdmin),
  }),
  defineRoute({
    method: 'get',
    path: '/api/users/:id',
    access: 'user',
    params: idParams,
    handler: ({ user, params }) => users.get(user, params.id),
  }),
  defineRoute({
    method: 'put',
    path: '/api/users/:id',
    access: 'user',
    params: idParams,
    body: userBody,
    handler: ({ user, params, body }) => users.update(user, params.id, body),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/users/:id',
    access: 'user',
    params: idParams,
    handler: ({ user, params }) => users.delete(user, params.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/users/:id/suspend',
    access: 'admin',
    params: idParams,
    body: suspendBody,
    handler: async ({ user, params, body }) =>
      presentUserToAdmin(await suspensions.suspend(user, params.id, body.reason)),
  }),
  defineRoute({
    method: 'post',
    path: '/api/users/:id/unsuspend',
    access: 'admin',
    params: idParams,
    handler: async ({ user, params }) => presentUserToAdmin(await suspensions.unsuspend(user, params.id)),
  }),
]
