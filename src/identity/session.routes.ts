import { sessionView } from '../contract/account-views.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentSession } from './session.presenter.ts'
import type { SessionService } from './session.service.ts'

export const sessionRoutes = (sessions: SessionService): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/auth/logout',
    access: 'user',
    scope: 'session',
    guests: true,
    summary: 'The end of this session',
    response: null,
    errors: [],
    handler: ({ user }) => sessions.logout(user),
  }),
  defineRoute({
    method: 'get',
    path: '/api/auth/sessions',
    access: 'user',
    scope: 'session',
    summary: "One's own sessions: where and when, newest first",
    response: listOf(sessionView),
    errors: [],
    query: pageQuery,
    handler: async ({ user, query }) =>
      page(await sessions.list(user, query.limit + 1, query.cursor), query.limit, (session) =>
        presentSession(session, user.sessionId),
      ),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/auth/sessions',
    access: 'user',
    scope: 'session',
    guests: true,
    summary: 'The end of all other sessions',
    response: null,
    errors: [],
    handler: ({ user }) => sessions.revokeOthers(user),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/auth/sessions/:id',
    access: 'user',
    scope: 'session',
    guests: true,
    summary: 'The end of one session',
    response: null,
    errors: ['session.not_found'],
    params: idParams,
    handler: ({ user, params }) => sessions.revoke(user, params.id),
  }),
  defineRoute({
    method: 'get',
    path: '/api/users/:id/sessions',
    access: 'admin',
    scope: 'admin',
    summary: 'Where a user is signed in, newest first',
    response: listOf(sessionView),
    errors: ['user.not_found'],
    params: idParams,
    query: pageQuery,
    handler: async ({ user, params, query }) =>
      page(await sessions.listOf(user, params.id, query.limit + 1, query.cursor), query.limit, (session) =>
        presentSession(session, user.sessionId),
      ),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/users/:id/sessions',
    access: 'admin',
    scope: 'admin',
    summary: "The end of all sessions of a user, but for one's own that asks",
    response: null,
    errors: ['user.not_found'],
    params: idParams,
    handler: ({ user, params }) => sessions.endAllOf(user, params.id),
  }),
]
