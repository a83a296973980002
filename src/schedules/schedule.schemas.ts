import { z } from 'zod'
import type { ChatSchemas, PartyInput } from '../contract/chat.schemas.ts'
import { positiveCreditsInput } from '../contract/credits-input.ts'
import { fieldIssues } from '../shared/checked-input.ts'
import { inputWords } from '../shared/input-words.ts'
import { CronTimes } from './cron.ts'
import { missedPolicies } from './schedule.entity.ts'

const credits = z.string().max(40).pipe(positiveCreditsInput)

/** Whether there are such times at all; the path is that of what is wrong. */
export function cronProblem(cron: string, timeZone: string): { path: string[]; message: string } | undefined {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch {
    return { path: ['timeZone'], message: 'must be the name of a time zone, such as Europe/Berlin' }
  }
  try {
    const times = new CronTimes(cron, timeZone)
    return times.after(new Date()) ? undefined : { path: ['cron'], message: 'names no time that is still to come' }
  } catch (error) {
    const why = error instanceof Error ? error.message : ''
    return {
      path: ['cron'],
      message: why.startsWith('must') ? why : 'must be a cron expression, such as "0 9 * * 1-5"',
    }
  }
}

/** The bodies of the schedule routes; `party` is that of `POST /api/chat/multi-agent`. */
export function scheduleSchemas(party: ChatSchemas['party']) {
  const { $schema: _, ...partyShown } = z.toJSONSchema(party, { io: 'input' })
  const fields = {
    name: z.string().trim().min(1, 'must not be empty').max(100),
    cron: z.string().trim().min(1, 'must not be empty').max(100),
    timeZone: z.string().trim().min(1).max(60),
    party: z
      .custom<PartyInput>()
      .superRefine((given, context) => {
        const { error } = party.safeParse(given, { error: inputWords })
        for (const { path, message } of error ? fieldIssues(error, given) : []) {
          context.addIssue({ code: 'custom', path: path === '' ? [] : path.split('.'), message })
        }
      })
      .meta(partyShown),
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
