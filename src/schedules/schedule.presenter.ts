import type { ScheduleView, TickView } from '../contract/schedule-views.ts'
import { formatCredits } from '../shared/money.ts'
import type { Schedule } from './schedule.entity.ts'
import type { ScheduleTick } from './schedule-tick.entity.ts'

export const presentSchedule = (schedule: Schedule): ScheduleView => ({
  id: schedule.id,
  name: schedule.name,
  cron: schedule.cron,
  timeZone: schedule.timeZone,
  party: schedule.party,
  missed: schedule.missed,
  monthlyCredits: schedule.monthlyCredits === null ? null : formatCredits(schedule.monthlyCredits),
  paused: schedule.pausedReason !== null,
  pausedReason: schedule.pausedReason,
  nextAt: schedule.nextAt?.toISOString() ?? null,
  createdAt: schedule.createdAt.toISOString(),
  updatedAt: schedule.updatedAt.toISOString(),
})

/** What of a schedule its owner may change. */
export const scheduleState = ({ nextAt: _, updatedAt: __, pausedReason: ___, ...state }: ScheduleView) => state

export const presentTick = (tick: ScheduleTick): TickView => ({
  id: tick.id,
  at: tick.at.toISOString(),
  status: tick.status,
  error: tick.code === null ? null : { code: tick.code, message: tick.message ?? '' },
  runId: tick.runId,
  conversationId: tick.conversationId,
})
