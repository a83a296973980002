import type { PartyInput } from '../contract/chat.schemas.ts'
import { formatCredits } from '../shared/money.ts'
import type { MissedPolicy, PausedReason, Schedule } from './schedule.entity.ts'
import type { ScheduleTick, TickStatus } from './schedule-tick.entity.ts'

export interface ScheduleView {
  id: string
  name: string
  cron: string
  timeZone: string
  party: PartyInput
  missed: MissedPolicy
  monthlyCredits: string | null
  paused: boolean
  pausedReason: PausedReason | null
  nextAt: string | null
  createdAt: string
  updatedAt: string
}

export interface TickView {
  id: string
  at: string
  status: TickStatus
  error: { code: string; message: string } | null
  runId: string | null
  conversationId: string | null
}

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

export const presentTick = (tick: ScheduleTick): TickView => ({
  id: tick.id,
  at: tick.at.toISOString(),
  status: tick.status,
  error: tick.code === null ? null : { code: tick.code, message: tick.message ?? '' },
  runId: tick.runId,
  conversationId: tick.conversationId,
})
