import { z } from 'zod'
import type { PartyInput } from './chat.schemas.ts'
import { positiveCreditsInput } from './credits-input.ts'

const credits = z.string().max(40).pipe(positiveCreditsInput)

/** What becomes of ticks that no worker was there for: left out, or made up for by one run, however many they were. */
export const missedPolicies = ['skip', 'once'] as const
export type MissedPolicy = (typeof missedPolicies)[number]

/** The bodies of the schedule routes; `party` is the body of `POST /api/chat/multi-agent`, kept as it was written. */
export function scheduleSchemas(party: z.ZodType<PartyInput, PartyInput>) {
  const fields = {
    name: z.string().trim().min(1, 'must not be empty').max(100),
    cron: z.string().trim().min(1, 'must not be empty').max(100),
    timeZone: z.string().trim().min(1).max(60),
    party,
    missed: z.enum(missedPolicies),
    monthlyCredits: credits.nullable(),
    paused: z.boolean(),
  }
  return {
    create: z.strictObject({
      ...fields,
      timeZone: fields.timeZone.default('UTC'),
      missed: fields.missed.default('skip'),
      monthlyCredits: fields.monthlyCredits.default(null),
      paused: fields.paused.default(false),
    }),
    /** What is left out stays as it is. */
    update: z.strictObject(fields).partial(),
  }
}

export type ScheduleSchemas = ReturnType<typeof scheduleSchemas>
export type CreateScheduleBody = z.output<ScheduleSchemas['create']>
export type UpdateScheduleBody = z.output<ScheduleSchemas['update']>
/** A schedule as clients write it, and a change of one. */
export type ScheduleInput = z.input<ScheduleSchemas['create']>
export type ScheduleChange = z.input<ScheduleSchemas['update']>
