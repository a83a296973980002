import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentParty } from './party.presenter.ts'
import type { PartySchemas } from './party.schemas.ts'
import type { PartyService } from './party.service.ts'

export const partyRoutes = (parties: PartyService, { create, update }: PartySchemas): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/parties',
    access: 'user',
    query: pageQuery,
    handler: async ({ user, query: { limit, cursor } }) =>
      page(await parties.list(user.id, limit + 1, cursor), limit, presentParty),
  }),
  defineRoute({
    method: 'post',
    path: '/api/parties',
    access: 'user',
    body: create,
    status: 201,
    handler: async ({ user, body }) => presentParty(await parties.create(user.id, body)),
  }),
  defineRoute({
    method: 'get',
    path: '/api/parties/:id',
    access: 'user',
    params: idParams,
    handler: async ({ user, params }) => presentParty(await parties.get(user.id, params.id)),
  }),
  defineRoute({
    method: 'put',
    path: '/api/parties/:id',
    access: 'user',
    params: idParams,
    body: update,
    handler: async ({ user, params, body }) => presentParty(await parties.update(user.id, params.id, body)),
  }),
  defineRoute({
    method: 'delete',
    path: '/api/parties/:id',
    access: 'user',
    params: idParams,
    handler: ({ user, params }) => parties.delete(user.id, params.id),
  }),
]
