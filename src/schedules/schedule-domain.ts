import type { ChatService } from '../chat/chat.service.ts'
import type { ChatSchemas } from '../contract/chat.schemas.ts'
import type { Transactions } from '../database/transaction.ts'
import type { Logger } from '../shared/logger.ts'
import { ScheduleRepository } from './schedule.repository.ts'
import { ScheduleService } from './schedule.service.ts'
import { ScheduleTickRepository } from './schedule-tick.repository.ts'
import { Ticker } from './ticker.ts'

interface ScheduleDomainDependencies {
  db: ConstructorParameters<typeof ScheduleRepository>[0]
  transactions: Transactions
  chat: Pick<ChatService, 'party'>
  party: ChatSchemas['party']
  /** Schedules that one user may have (USER_SCHEDULES). */
  most: number
  logger: Logger
}

/** Everything of schedules, for the composition root. */
export function createScheduleDomain({ db, transactions, chat, party, most, logger }: ScheduleDomainDependencies) {
  const schedules = new ScheduleRepository(db)
  const scheduleTicks = new ScheduleTickRepository(db)
  return {
    scheduleTicks,
    scheduleService: new ScheduleService({ schedules, ticks: scheduleTicks, transactions, most }),
    ticker: new Ticker({ schedules, ticks: scheduleTicks, chat, party, transactions, logger }),
  }
}
