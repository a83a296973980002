import type { BreakerRepository } from '../src/connections/breaker.repository.ts'
import type { ProviderFailure } from '../src/connections/provider-errors.ts'
import type { Dispatcher } from '../src/runs/dispatcher.ts'
import type { TurnRoom } from '../src/runs/turn-room.ts'
import type { Logger } from '../src/shared/logger.ts'

export interface HealthDependencies {
  breakers: Pick<BreakerRepository, 'failed' | 'answered'>
  dispatcher: Pick<Dispatcher, 'admit'>
  logger: Logger
}

type Room = Pick<TurnRoom, 'terms' | 'trouble'>

/** Tells the whole fleet what a turn found out about its connection. */
export class ConnectionHealth {
  readonly #deps: HealthDependencies

  constructor(dependencies: HealthDependencies) {
    this.#deps = dependencies
  }

  /**
   * A call failed. `waitMs`: so long its connection is to be left alone, if it was asked too often. Who had spoken was there; what
   * broke off then says nothing about the next call. Never rejects.
   */
  async failed({ terms }: Room, { text }: { text: string }, failure: ProviderFailure, waitMs: number): Promise<void> {
    if (!terms.connection || text !== '') return
    const { breakers, logger } = this.#deps
    const { id } = terms.connection
    await breakers
      .failed(id, failure, waitMs)
      .catch((error: unknown) => logger.warn({ err: error, connectionId: id }, 'trouble was not noted'))
  }

  /** What was in trouble has answered: others may call it again. */
  answered({ terms, trouble }: Room, userId: string): void {
    if (!trouble || !terms.connection) return
    const { breakers, dispatcher, logger } = this.#deps
    const { id } = terms.connection
    breakers
      .answered(id)
      .then(() => dispatcher.admit(userId))
      .catch((error: unknown) => logger.warn({ err: error, connectionId: id }, 'an answer was not noted'))
  }
}
