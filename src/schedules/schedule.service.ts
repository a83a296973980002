import type { CreateScheduleBody, UpdateScheduleBody } from '../contract/schedule.schemas.ts'
import type { Transactions } from '../database/transaction.ts'
import { invalidRequest, notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { CronTimes } from './cron.ts'
import { cronProblem } from './cron-problem.ts'
import type { Schedule } from './schedule.entity.ts'
import type { ScheduleRepository } from './schedule.repository.ts'
import type { ScheduleTick } from './schedule-tick.entity.ts'
import type { ScheduleTickRepository } from './schedule-tick.repository.ts'

interface ScheduleDependencies {
  schedules: ScheduleRepository
  ticks: ScheduleTickRepository
  transactions: Transactions
  /** Schedules that one user may have (USER_SCHEDULES). */
  most: number
}

/** Parties that begin by the clock. Who and what they name is checked when they tick, as a request is. */
export class ScheduleService {
  readonly #deps: ScheduleDependencies

  constructor(dependencies: ScheduleDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError 400 on `cron` or `timeZone`; 409 `schedule.too_many` */
  create(userId: string, { paused, ...body }: CreateScheduleBody): Promise<Schedule> {
    const { schedules, transactions, most } = this.#deps
    const rest = restOf(body.cron, body.timeZone, paused)
    return transactions.run(async (tx) => {
      if ((await schedules.lockCount(userId, tx)) >= most) throw tooMany('schedule', most)
      return schedules.create({ id: newId(), userId, ...body, ...rest }, tx)
    })
  }

  list(userId: string, limit: number, before: string | undefined): Promise<Schedule[]> {
    return this.#deps.schedules.list(userId, limit, before)
  }

  /** @throws AppError 404 */
  async get(userId: string, id: string): Promise<Schedule> {
    return found(await this.#deps.schedules.findOwned(userId, id))
  }

  /** One that goes on begins with the next time that is still to come: a pause misses nothing. @throws AppError 400, 404 */
  update(
    userId: string,
    id: string,
    { paused, ...change }: UpdateScheduleBody,
    check: (current: Schedule) => void = () => {},
  ): Promise<Schedule> {
    const { schedules, transactions } = this.#deps
    return transactions.run(async (tx) => {
      const current = found(await schedules.lockOwned(userId, id, tx))
      check(current)
      const next = { ...current, ...change }
      const isTimeChanged = change.cron !== undefined || change.timeZone !== undefined
      const isPaused = paused ?? current.pausedReason !== null
      const isSame = !isTimeChanged && isPaused === (current.pausedReason !== null)
      const rest = isSame ? {} : { ...restOf(next.cron, next.timeZone, isPaused), ...(!isPaused && { failures: 0 }) }
      return schedules.update(id, { ...change, ...rest }, tx)
    })
  }

  /** @throws AppError 404 */
  async delete(userId: string, id: string): Promise<void> {
    if (!(await this.#deps.schedules.delete(userId, id))) throw notFound('schedule')
  }

  /** @throws AppError 404 */
  async ticks(userId: string, id: string, limit: number, before: string | undefined): Promise<ScheduleTick[]> {
    await this.get(userId, id)
    return this.#deps.ticks.list(id, limit, before)
  }
}

/** When it ticks next, or that it rests. @throws AppError 400 */
function restOf(cron: string, timeZone: string, paused: boolean): Pick<Schedule, 'nextAt' | 'pausedReason'> {
  const problem = cronProblem(cron, timeZone)
  if (problem) throw invalidRequest([{ path: problem.path.join('.'), message: problem.message }])
  if (paused) return { nextAt: null, pausedReason: 'owner' }
  return { nextAt: new CronTimes(cron, timeZone).after(new Date()), pausedReason: null }
}

function found(schedule: Schedule | null): Schedule {
  if (!schedule) throw notFound('schedule')
  return schedule
}
