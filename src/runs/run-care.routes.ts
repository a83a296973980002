import { z } from 'zod'
import { caredRunView } from '../contract/admin-views.ts'
import { listOf, runView } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { CARE_STATES, type CaredRun } from './run-care.repository.ts'
import type { RunCareService } from './run-care.service.ts'

const query = pageQuery.extend({
  state: z.enum(CARE_STATES).default('stuck'),
  /** Of failed runs, how far back. */
  hours: z.coerce.number().int().min(1).max(720).default(24),
})

/** For administrators: runs that are stuck and why, and what can be done about them. */
export const runCareRoutes = (care: RunCareService): Route[] => [
  defineRoute({
    method: 'get',
    path: '/api/admin/runs',
    access: 'admin',
    scope: 'admin',
    summary: 'Runs that are stuck, waiting, running or failed, and why',
    response: listOf(caredRunView),
    errors: [],
    query,
    handler: async ({ user, query: asked }) =>
      page(await care.list(user, { ...asked, limit: asked.limit + 1 }), asked.limit, presentCared),
  }),
  defineRoute({
    method: 'post',
    path: '/api/admin/runs/:id/end',
    access: 'admin',
    scope: 'admin',
    summary: 'A run, ended now as failed',
    response: runView,
    errors: ['run.not_found'],
    params: idParams,
    handler: ({ user, params }) => care.end(user, params.id),
  }),
  defineRoute({
    method: 'post',
    path: '/api/admin/runs/:id/retry',
    access: 'admin',
    scope: 'admin',
    summary: 'A run whose waiting turns are tried now',
    response: runView,
    errors: ['run.not_found', 'run.over'],
    params: idParams,
    handler: ({ user, params }) => care.retry(user, params.id),
  }),
]

const presentCared = (run: CaredRun) => ({
  ...run,
  createdAt: run.createdAt.toISOString(),
  startedAt: run.startedAt?.toISOString() ?? null,
  deadlineAt: run.deadlineAt.toISOString(),
  finishedAt: run.finishedAt?.toISOString() ?? null,
  cancelRequestedAt: run.cancelRequestedAt?.toISOString() ?? null,
})
