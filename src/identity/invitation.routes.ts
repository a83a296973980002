import { invitationView, newInvitationView } from '../contract/account-views.ts'
import { invitationBody } from '../contract/invitation.schemas.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentInvitation } from './invitation.presenter.ts'
import type { InvitationService } from './invitation.service.ts'

export const invitationRoutes = (invitations: InvitationService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/invitations',
    access: 'admin',
    scope: 'admin',
    summary: 'Invitations, newest first',
    response: listOf(invitationView),
    errors: [],
    query: pageQuery,
    handler: async ({ query }) =>
      page(await invitations.list(query.limit + 1, query.cursor), query.limit, presentInvitation),
  }),
  defineRoute({
    method: 'post',
    path: '/api/invitations',
    access: 'admin',
    scope: 'admin',
    summary: 'A code by which others may register; shown here only',
    response: newInvitationView,
    errors: [],
    body: invitationBody,
    example: { uses: 10, grant: '500' },
    status: 201,
    handler: ({ user, body }) => invitations.create(user, body),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/invitations/:id',
    access: 'admin',
    scope: 'admin',
    summary: 'An invitation that nobody can use any more',
    response: null,
    errors: ['invitation.not_found'],
    params: idParams,
    handler: ({ user, params }) => invitations.revoke(user, params.id),
  }),
]
