import type { PartySchemas } from '../contract/party.schemas.ts'
import { listOf, partyView } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import type { Party } from './party.entity.ts'
import { partyState, presentParty } from './party.presenter.ts'
import type { PartyService } from './party.service.ts'

export const partyRoutes = (parties: PartyService, { create, update }: PartySchemas): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/parties',
    access: 'user',
    scope: 'read',
    summary: 'Saved parties, newest first',
    response: listOf(partyView),
    errors: [],
    query: pageQuery,
    handler: async ({ user, query: { limit, cursor } }) =>
      page(await parties.list(user.id, limit + 1, cursor), limit, presentParty),
  }),
  defineRoute({
    method: 'post',
    path: '/api/parties',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A party under a name, to be begun again',
    response: partyView,
    errors: ['party.too_many', 'agent.not_found'],
    example: {
      name: 'The founders',
      agentIds: ['01990000-0000-7000-8000-0000000000a1', '01990000-0000-7000-8000-0000000000a2'],
      strategy: 'round_robin',
      stop: { maxRounds: 2 },
    },
    body: create,
    status: 201,
    handler: async ({ user, body }) => presentParty(await parties.create(user.id, body, user.isGuest)),
  }),
  defineRoute({
    method: 'get',
    path: '/api/parties/:id',
    access: 'user',
    scope: 'read',
    summary: 'A saved party',
    response: partyView,
    state: partyState,
    errors: ['party.not_found'],
    params: idParams,
    handler: async ({ user, params }) => presentParty(await parties.get(user.id, params.id)),
  }),
  defineRoute({
    method: 'put',
    path: '/api/parties/:id',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A saved party, changed; what is left out stays',
    response: partyView,
    state: partyState,
    headers: ['If-Match'],
    errors: ['request.precondition_failed', 'party.not_found', 'agent.not_found'],
    example: { strategy: 'panel' },
    params: idParams,
    body: update,
    handler: async ({ user, params, body, ifMatch }) => {
      const check = (current: Party) => ifMatch(partyState(presentParty({ ...current, members: [] })))
      return presentParty(await parties.update(user.id, params.id, body, check))
    },
  }),
  defineRoute({
    method: 'delete',
    path: '/api/parties/:id',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'A saved party that is gone',
    response: null,
    errors: ['party.not_found'],
    params: idParams,
    handler: ({ user, params }) => parties.delete(user.id, params.id),
  }),
]
