import type { ChatService } from '../chat/chat.service.ts'
import type { ChatSchemas, PartyInput } from '../contract/chat.schemas.ts'
import type { Transactions } from '../database/transaction.ts'
import { AppError, invalidRequest } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { Logger } from '../shared/logger.ts'
import { formatCredits, parseCredits } from '../shared/money.ts'
import { CronTimes, monthStart } from './cron.ts'
import type { Schedule } from './schedule.entity.ts'
import type { ScheduleRepository } from './schedule.repository.ts'
import type { DueTick, ScheduleTickRepository } from './schedule-tick.repository.ts'

interface TickerDependencies {
  schedules: ScheduleRepository
  ticks: ScheduleTickRepository
  chat: Pick<ChatService, 'party'>
  party: ChatSchemas['party']
  transactions: Transactions
  logger: Logger
}

/** Schedules and ticks of one round. */
const BATCH = 100
/** A tick that is later than this was missed: nobody was there for it. */
const GRACE_MS = 300_000
/** Idempotency keys, by which a tick's run is accepted once, live for a day. A tick that still waits then is given up before. */
const GIVE_UP_MS = 12 * 3_600_000
/** So many ticks in a row that came to nothing, and the schedule rests. */
const MOST_FAILURES = 10
/** A tick whose run could not be asked for now is looked at again after this, in ms; others come first. */
const POSTPONE_MS = 30_000

/**
 * Lets schedules tick, each time once across the fleet, whoever dies meanwhile: the schedule moves on and the tick's row appears in one
 * transaction, and the tick's run is accepted under an idempotency key that is the tick's name.
 */
export class Ticker {
  readonly #deps: TickerDependencies

  constructor(dependencies: TickerDependencies) {
    this.#deps = dependencies
  }

  /** One round of the reconciler. */
  async tick(): Promise<void> {
    const { schedules, now } = await this.#deps.schedules.due(BATCH)
    for (const schedule of schedules) await this.#each({ scheduleId: schedule.id }, () => this.#moveOn(schedule, now))
    for (const due of await this.#deps.ticks.due(BATCH)) {
      await this.#each({ tickId: due.tick.id }, () => this.#start(due, now))
    }
  }

  /** One that cannot be done must not keep the others from it. */
  async #each(ids: Record<string, string>, work: () => Promise<void>): Promise<void> {
    await work().catch((error: unknown) => {
      this.#deps.logger.error({ err: error, ...ids }, 'a schedule did not tick; it is tried again')
    })
  }

  async #moveOn(schedule: Schedule, now: Date): Promise<void> {
    const { schedules, ticks, transactions } = this.#deps
    const first = schedule.nextAt ?? now
    const times = timesOf(schedule)
    const at = times?.last(first, now) ?? first
    const isMissed = now.getTime() - at.getTime() > GRACE_MS && schedule.missed === 'skip'
    const message = 'No worker was there at this time.'
    await transactions.run(async (tx) => {
      if (!(await schedules.moveOn(schedule, times?.after(now) ?? null, tx))) return
      const tick = { id: newId(), scheduleId: schedule.id, at }
      await ticks.add(isMissed ? { ...tick, status: 'skipped', code: 'schedule.missed', message } : tick, tx)
    })
    if (at > first) this.#deps.logger.info({ scheduleId: schedule.id, first, at }, 'times of a schedule were missed')
  }

  async #start({ tick, schedule }: DueTick, now: Date): Promise<void> {
    const { ticks, schedules, chat, party, transactions } = this.#deps
    const end = (outcome: Parameters<typeof ticks.end>[1]) =>
      transactions.run(async (tx) => {
        if (!(await ticks.end(tick.id, outcome, tx))) return
        const isFailure = outcome.status === 'failed'
        if (isFailure || outcome.status === 'started') await schedules.tell(schedule.id, isFailure, MOST_FAILURES, tx)
      })
    if (now.getTime() - tick.createdAt.getTime() > GIVE_UP_MS) {
      return end({ status: 'skipped', code: 'schedule.missed', message: 'Its run could not begin for 12 hours.' })
    }
    const left = await this.#leftOf(schedule, tick.at)
    if (left !== null && left <= 0n) {
      return end({ status: 'skipped', code: 'schedule.month_spent', message: "This month's credits are spent." })
    }
    try {
      // Written down before it is asked: what is asked again under one key must be the same, whatever was spent or edited meanwhile.
      const body = party.safeParse(await ticks.settleParty(tick.id, partyWithin(schedule.party, left)))
      // Limits may have changed since it was written.
      if (!body.success)
        throw invalidRequest(body.error.issues.map(({ path, message }) => ({ path: path.join('.'), message })))
      const key = `schedule:${schedule.id}:${tick.at.toISOString()}`
      const { runId, conversationId } = await chat.party(schedule.userId, body.data, key)
      await end({ status: 'started', runId, conversationId })
    } catch (error) {
      if (!(error instanceof AppError) || error.status >= 500) {
        await ticks.postpone(tick.id, POSTPONE_MS)
        throw error
      }
      // Its owner has sent as much as one may, and can again then.
      if (error.status === 429) return ticks.postpone(tick.id, Math.max(POSTPONE_MS, retryAfterMs(error)))
      await end({ status: 'failed', code: error.code, message: error.message })
    }
  }

  /** Micro-credits that the month of a tick still has; null: whatever the account has. */
  async #leftOf({ id, timeZone, monthlyCredits }: DueTick['schedule'], at: Date): Promise<bigint | null> {
    if (monthlyCredits === null) return null
    return monthlyCredits - (await this.#deps.schedules.spentSince(id, monthStart(at, timeZone)))
  }
}

function retryAfterMs({ details }: AppError): number {
  const seconds = details?.retryAfterSeconds
  return typeof seconds === 'number' ? seconds * 1_000 : 0
}

/** Undefined where its zone, or its expression, is none any more: it ticks a last time and rests, or it would be looked at for ever. */
function timesOf({ cron, timeZone }: Schedule): CronTimes | undefined {
  try {
    return new CronTimes(cron, timeZone)
  } catch {
    return undefined
  }
}

/** A party that may cost no more than what is left of the month. */
function partyWithin(party: PartyInput, left: bigint | null): PartyInput {
  if (left === null) return party
  const own = party.stop?.maxCredits === undefined ? left : parseCredits(party.stop.maxCredits)
  return { ...party, stop: { ...party.stop, maxCredits: formatCredits(own < left ? own : left) } }
}
