import type { ScheduleChange, ScheduleInput } from '../contract/schedule.schemas.ts'
import { type ScheduleView, scheduleView, type TickView, tickView } from '../contract/schedule-views.ts'
import { listOf } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'

/** `/api/schedules`: parties that begin by the clock. */
export class SchedulesApi extends ApiPart {
  list(query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<ScheduleView>> {
    return this.rest.call('GET /api/schedules', listOf(scheduleView), { query, ...options })
  }

  create(body: ScheduleInput, options: CallOptions = {}): Promise<ScheduleView> {
    return this.rest.call('POST /api/schedules', scheduleView, { body, ...options })
  }

  get(id: string, options: CallOptions = {}): Promise<ScheduleView> {
    return this.rest.call('GET /api/schedules/:id', scheduleView, { params: { id }, ...options })
  }

  /** What is left out stays as it is. */
  update(id: string, body: ScheduleChange, options: CallOptions = {}): Promise<ScheduleView> {
    return this.rest.call('PUT /api/schedules/:id', scheduleView, { params: { id }, body, ...options })
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/schedules/:id', null, { params: { id }, ...options })
  }

  /** The times at which it ticked, latest first, and what came of each. */
  ticks(id: string, query: PageQuery = {}, options: CallOptions = {}): Promise<ListOf<TickView>> {
    const request = { params: { id }, query, ...options }
    return this.rest.call('GET /api/schedules/:id/ticks', listOf(tickView), request)
  }
}
