import { z } from 'zod'
import { managedUserView, userView } from '../contract/account-views.ts'
import { suspendBody, userBody } from '../contract/identity.schemas.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import type { SuspensionService } from './suspension.service.ts'
import { presentUserToAdmin, userState } from './user.presenter.ts'
import type { UserService } from './user.service.ts'

const yesOrNo = z.enum(['true', 'false']).optional()
/** `suspended=true`: those alone who are shut out. `q`: how the address or the name begins, or an id. */
const userQuery = pageQuery.extend({
  suspended: yesOrNo,
  guest: yesOrNo,
  q: z.string().trim().min(1).max(254).optional(),
})

export const userRoutes = (users: UserService, suspensions: SuspensionService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/users',
    access: 'admin',
    scope: 'admin',
    summary: 'Users, newest first: all of them, or those whose address or name begins so',
    response: listOf(managedUserView),
    errors: [],
    query: userQuery,
    handler: async ({ user, query }) =>
      page(await users.list(user, { ...query, limit: query.limit + 1 }), query.limit, presentUserToAdmin),
  }),
  defineRoute({
    method: 'get',
    path: '/api/users/:id',
    access: 'user',
    scope: 'read',
    summary: 'A user: oneself, or anybody for administrators',
    response: userView,
    state: userState,
    errors: ['user.not_found'],
    params: idParams,
    handler: ({ user, params }) => users.get(user, params.id),
  }),
  defineRoute({
    method: 'put',
    path: '/api/users/:id',
    access: 'user',
    scope: 'session',
    guests: true,
    summary: 'A user, changed; roles by administrators alone',
    response: userView,
    state: userState,
    headers: ['If-Match'],
    errors: [
      'request.precondition_failed',
      'user.not_found',
      'users.last_admin',
      'users.guest',
      'auth.email_taken',
      'auth.forbidden',
    ],
    params: idParams,
    body: userBody,
    example: { role: 'admin' },
    handler: ({ user, params, body, ifMatch }) =>
      users.update(user, params.id, body, (current) => ifMatch(userState(current))),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/users/:id',
    access: 'user',
    scope: 'session',
    guests: true,
    summary: 'An account that is gone, with all that it had',
    response: null,
    errors: ['user.not_found', 'users.last_admin'],
    params: idParams,
    handler: ({ user, params }) => users.delete(user, params.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/users/:id/suspend',
    access: 'admin',
    scope: 'admin',
    summary: 'A user shut out: sessions and runs end',
    response: managedUserView,
    errors: ['user.not_found', 'users.suspend_self', 'users.last_admin'],
    params: idParams,
    body: suspendBody,
    example: { reason: 'spam' },
    handler: async ({ user, params, body }) =>
      presentUserToAdmin(await suspensions.suspend(user, params.id, body.reason)),
  }),
  defineRoute({
    method: 'post',
    path: '/api/users/:id/unsuspend',
    access: 'admin',
    scope: 'admin',
    summary: 'A user let in again',
    response: managedUserView,
    errors: ['user.not_found'],
    params: idParams,
    handler: async ({ user, params }) => presentUserToAdmin(await suspensions.unsuspend(user, params.id)),
  }),
]
