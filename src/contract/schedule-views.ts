/** Schedules as clients see them. Pure: browsers import this file too. */
import { z } from 'zod'
import { creditsAmount, errorView, idView, onBusyView, strategyView, timeView } from './views.ts'

/** The body of `POST /api/chat/multi-agent`, as its owner wrote it. */
const party = z.object({
  agentIds: z.array(idView).optional(),
  partyId: idView.optional(),
  message: z.string(),
  conversationId: idView.optional(),
  onBusy: onBusyView.optional(),
  fileIds: z.array(idView).optional(),
  strategy: strategyView.optional(),
  maxTurns: z.number().int().optional(),
  stop: z
    .object({
      maxRounds: z.number().int().optional(),
      maxCredits: z.string().optional(),
      maxSeconds: z.number().int().optional(),
      phrase: z.string().optional(),
    })
    .optional(),
})

export const scheduleView = z
  .object({
    id: idView,
    name: z.string(),
    cron: z.string().meta({ examples: ['0 9 * * 1-5'] }),
    timeZone: z.string().meta({ examples: ['Europe/Berlin'] }),
    party,
    /** What becomes of ticks that nobody was there for. */
    missed: z.enum(['skip', 'once']),
    monthlyCredits: creditsAmount.nullable(),
    paused: z.boolean(),
    /** Its owner's word, too many ticks that came to nothing, or no time that is still to come. */
    pausedReason: z.enum(['owner', 'failing', 'over']).nullable(),
    nextAt: timeView.nullable(),
    createdAt: timeView,
    updatedAt: timeView,
  })
  .meta({ id: 'Schedule' })
export type ScheduleView = z.infer<typeof scheduleView>

/** One time at which a schedule ticked. */
export const tickView = z
  .object({
    id: idView,
    at: timeView,
    /** `skipped` for a reason that is no error (missed, the month's credits). */
    status: z.enum(['due', 'started', 'skipped', 'failed']),
    error: errorView.nullable(),
    runId: idView.nullable(),
    conversationId: idView.nullable(),
  })
  .meta({ id: 'Tick' })
export type TickView = z.infer<typeof tickView>
