import { erasureView } from '../contract/admin-views.ts'
import { listOf } from '../contract/views.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentErasure } from './erasure.presenter.ts'
import type { ErasureService } from './erasure.service.ts'

export const erasureRoutes = (erasures: ErasureService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/admin/erasures',
    access: 'admin',
    scope: 'admin',
    summary: 'Accounts that were deleted, and how far their content is gone',
    response: listOf(erasureView),
    errors: [],
    query: pageQuery,
    handler: async ({ query: { limit, cursor } }) =>
      page(await erasures.list(limit + 1, cursor), limit, presentErasure),
  }),
]
