import type { BreakerRepository, Called } from '../src/connections/breaker.repository.ts'
import type { ProviderFailure } from '../src/connections/provider-errors.ts'
import type { Dispatcher } from '../src/runs/dispatcher.ts'
import type { RoomTerms, TurnRoom } from '../src/runs/turn-room.ts'
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
   * A call failed. `waitMs`: so long its model is to be left alone, if it was asked too often. Who had spoken was there; what
   * broke off then says nothing about the next call. Never rejects.
   */
  async failed({ terms }: Room, { text }: { text: string }, failure: ProviderFailure, waitMs: number): Promise<void> {
    const called = calledOf(terms)
    if (!called || text !== '') return
    const { breakers, logger } = this.#deps
    await breakers
      .failed(called, failure, waitMs)
      .catch((error: unknown) =>
        logger.warn({ err: error, connectionId: called.connectionId }, 'trouble was not noted'),
      )
  }

  /** What was in trouble has answered: others may call it again. */
  answered({ terms, trouble }: Room, userId: string): void {
    const called = calledOf(terms)
    if (!trouble || !called) return
    const { breakers, dispatcher, logger } = this.#deps
    breakers
      .answered(called)
      .then(() => dispatcher.admit(userId))
      .catch((error: unknown) =>
        logger.warn({ err: error, connectionId: called.connectionId }, 'an answer was not noted'),
      )
  }
}

const calledOf = ({ connection, model }: RoomTerms): Called | undefined =>
  connection && model !== null ? { connectionId: connection.id, model } : undefined
