import { starterBody } from '../contract/starter.schemas.ts'
import { starterView } from '../contract/starter-views.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import type { StarterService } from './starter.service.ts'

export const starterRoutes = (starters: StarterService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/starters',
    access: 'user',
    scope: 'read',
    summary: 'Parties that are ready for everybody; to administrators also those that were taken away',
    response: listOf(starterView),
    errors: [],
    query: pageQuery,
    handler: async ({ user, query: { limit, cursor } }) =>
      page(await starters.list(user, limit + 1, cursor), limit, (starter) => starter),
  }),
  defineRoute({
    method: 'put',
    path: '/api/starters/:id',
    access: 'admin',
    scope: 'admin',
    summary: 'A ready-made party taken away from everybody, or offered again',
    response: starterView,
    errors: ['starter.not_found'],
    params: idParams,
    body: starterBody,
    example: { offered: false },
    handler: ({ user, params, body }) => starters.offer(user, params.id, body.offered),
  }),
]
