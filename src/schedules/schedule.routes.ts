import type { ChatSchemas } from '../contract/chat.schemas.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { presentSchedule, presentTick } from './schedule.presenter.ts'
import { scheduleSchemas } from './schedule.schemas.ts'
import type { ScheduleService } from './schedule.service.ts'

export function scheduleRoutes(schedules: ScheduleService, party: ChatSchemas['party']): Route[] {
  const { create, update } = scheduleSchemas(party)
  return [
    defineRoute({
      method: 'get',
      path: '/api/schedules',
      access: 'user',
      query: pageQuery,
      handler: async ({ user, query: { limit, cursor } }) =>
        page(await schedules.list(user.id, limit + 1, cursor), limit, presentSchedule),
    }),
    defineRoute({
      method: 'post',
      path: '/api/schedules',
      access: 'user',
      body: create,
      status: 201,
      handler: async ({ user, body }) => presentSchedule(await schedules.create(user.id, body)),
    }),
    defineRoute({
      method: 'get',
      path: '/api/schedules/:id',
      access: 'user',
      params: idParams,
      handler: async ({ user, params }) => presentSchedule(await schedules.get(user.id, params.id)),
    }),
    defineRoute({
      method: 'put',
      path: '/api/schedules/:id',
      access: 'user',
      params: idParams,
      body: update,
      handler: async ({ user, params, body }) => presentSchedule(await schedules.update(user.id, params.id, body)),
    }),
    defineRoute({
      method: 'delete',
      path: '/api/schedules/:id',
      access: 'user',
      params: idParams,
      handler: ({ user, params }) => schedules.delete(user.id, params.id),
    }),
    defineRoute({
      method: 'get',
      path: '/api/schedules/:id/ticks',
      access: 'user',
      params: idParams,
      query: pageQuery,
      handler: async ({ user, params, query: { limit, cursor } }) =>
        page(await schedules.ticks(user.id, params.id, limit + 1, cursor), limit, presentTick),
    }),
  ]
}
