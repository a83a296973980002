import type { ChatSchemas } from '../contract/chat.schemas.ts'
import { scheduleSchemas } from '../contract/schedule.schemas.ts'
import { scheduleView, tickView } from '../contract/schedule-views.ts'
import { listOf } from '../contract/views.ts'
import { idParams } from '../http/input.ts'
import { page, pageQuery } from '../http/page.ts'
import { defineRoute, type Route } from '../http/route.ts'
import type { Schedule } from './schedule.entity.ts'
import { presentSchedule, presentTick, scheduleState } from './schedule.presenter.ts'
import type { ScheduleService } from './schedule.service.ts'
import { scheduledParty } from './scheduled-party.ts'

/**
 * What ticks is nobody's request: a key that could make schedules, or change them, would speak on when it has ended, and beside its budget. It
 * may look at them, and end them.
 */
export function scheduleRoutes(schedules: ScheduleService, party: ChatSchemas['party']): Route[] {
  const { create, update } = scheduleSchemas(scheduledParty(party))
  return [
    defineRoute({
      method: 'get',
      path: '/api/schedules',
      access: 'user',
      scope: 'read',
      summary: "One's own schedules, newest first",
      response: listOf(scheduleView),
      errors: [],
      query: pageQuery,
      handler: async ({ user, query: { limit, cursor } }) =>
        page(await schedules.list(user.id, limit + 1, cursor), limit, presentSchedule),
    }),
    defineRoute({
      method: 'post',
      path: '/api/schedules',
      access: 'user',
      scope: 'session',
      summary: 'A new schedule of a party',
      response: scheduleView,
      errors: ['schedule.too_many'],
      body: create,
      example: {
        name: 'Morning',
        cron: '0 9 * * 1-5',
        timeZone: 'Europe/Berlin',
        party: {
          agentIds: ['01990000-0000-7000-8000-0000000000a1', '01990000-0000-7000-8000-0000000000a2'],
          message: 'What is new?',
        },
      },
      status: 201,
      handler: async ({ user, body }) => presentSchedule(await schedules.create(user.id, body)),
    }),
    defineRoute({
      method: 'get',
      path: '/api/schedules/:id',
      access: 'user',
      scope: 'read',
      summary: 'A schedule',
      response: scheduleView,
      state: scheduleState,
      errors: ['schedule.not_found'],
      params: idParams,
      handler: async ({ user, params }) => presentSchedule(await schedules.get(user.id, params.id)),
    }),
    defineRoute({
      method: 'put',
      path: '/api/schedules/:id',
      access: 'user',
      scope: 'session',
      summary: 'A schedule, changed; what is left out stays',
      response: scheduleView,
      state: scheduleState,
      headers: ['If-Match'],
      errors: ['request.precondition_failed', 'schedule.not_found'],
      params: idParams,
      body: update,
      example: { paused: true },
      handler: async ({ user, params, body, ifMatch }) => {
        const check = (current: Schedule) => ifMatch(scheduleState(presentSchedule(current)))
        return presentSchedule(await schedules.update(user.id, params.id, body, check))
      },
    }),
    defineRoute({
      method: 'delete',
      path: '/api/schedules/:id',
      access: 'user',
      scope: 'chat',
      summary: 'A schedule that ticks no more',
      response: null,
      errors: ['schedule.not_found'],
      params: idParams,
      handler: ({ user, params }) => schedules.delete(user.id, params.id),
    }),
    defineRoute({
      method: 'get',
      path: '/api/schedules/:id/ticks',
      access: 'user',
      scope: 'read',
      summary: 'When a schedule ticked, and what came of it; newest first',
      response: listOf(tickView),
      errors: ['schedule.not_found'],
      params: idParams,
      query: pageQuery,
      handler: async ({ user, params, query: { limit, cursor } }) =>
        page(await schedules.ticks(user.id, params.id, limit + 1, cursor), limit, presentTick),
    }),
  ]
}
