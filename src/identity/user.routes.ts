import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { userBody } from './identity.schemas.ts'
import { presentUser } from './user.presenter.ts'
import type { UserService } from './user.service.ts'

export const userRoutes = (users: UserService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/users',
    access: 'admin',
    query: pageQuery,
    handler: async ({ query }) => page(await users.list(query.limit + 1, query.cursor), query.limit, presentUser),
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
]
