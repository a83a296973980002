import type { Agent } from '../../src/agents/agent.entity.ts'
import type { ConnectionService } from '../../src/connections/connection.service.ts'
import type { ResolvedConnection } from '../../src/connections/provider.ts'
import type { MeteredCall } from '../../src/credits/metered-call.ts'
import type { PriceBook } from '../../src/credits/price-book.ts'
import { FULL_RATE_PPM, type PriceVersion } from '../../src/credits/pricing.ts'
import type { EngineRepository } from '../../src/runs/engine.repository.ts'
import type { TurnQuote } from '../../src/runs/turn.entity.ts'
import type { RoomTerms, TurnRoom } from '../../src/runs/turn-room.ts'
import type { UsedCall } from './call-meter.ts'

/** Which model answers for an agent, and what it costs now. */
export interface ModelTerms {
  connection: ResolvedConnection
  modelId: string
  price: PriceVersion
  ratePpm: bigint
}

type Reached = Pick<Agent, 'connectionId' | 'fallbackConnectionId'>

interface TermsDependencies {
  engine: Pick<EngineRepository, 'terms'>
  connections: Pick<ConnectionService, 'open'>
  prices: Pick<PriceBook, 'require'>
  ownKeyRatePpm: bigint
}

export class ModelTermsBook {
  readonly #deps: TermsDependencies

  constructor(dependencies: TermsDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError when the agent cannot be reached: its connection is gone, its model has no price */
  async of(userId: string, agent: Pick<Agent, 'connectionId' | 'model'>): Promise<ModelTerms> {
    const { connectionId, model } = agent
    return this.#terms(await this.#deps.engine.terms(userId, connectionId, model), connectionId)
  }

  /** The same for the speaker of a room, which was read with them; asks nobody. @throws AppError as `of` */
  inRoom({ terms, onFallback }: Pick<TurnRoom, 'terms' | 'onFallback'>, agent: Reached): ModelTerms {
    return this.#terms(terms, onFallback ? agent.fallbackConnectionId : agent.connectionId)
  }

  #terms(terms: RoomTerms, connectionId: string | null): ModelTerms {
    const connection = this.#deps.connections.open(terms.connection, connectionId)
    const modelId = terms.model ?? connection.model
    const price = this.#deps.prices.require(terms.price, connection.provider, modelId)
    const ratePpm = connection.scope === 'user' ? this.#deps.ownKeyRatePpm : FULL_RATE_PPM
    return { connection, modelId, price, ratePpm }
  }
}

/** Calls as they are paid on these terms. */
export const onTerms = (
  { connection, modelId, price, ratePpm }: ModelTerms,
  calls: UsedCall[],
  agent: Pick<Agent, 'id' | 'name'> | null,
): MeteredCall[] =>
  calls.map((call) => ({
    ...call,
    agentId: agent?.id ?? null,
    agentName: agent?.name ?? null,
    connectionId: connection.id,
    provider: connection.provider,
    model: modelId,
    price,
    ratePpm,
  }))

/** The terms as a turn notes them before the call. */
export const quoteOf = (
  { connection, modelId, price, ratePpm }: ModelTerms,
  call: Pick<TurnQuote, 'call' | 'purpose' | 'inputTokens' | 'hiddenTokensPerSecond' | 'said'>,
): TurnQuote => ({
  ...call,
  askedAt: Date.now(),
  connectionId: connection.id,
  provider: connection.provider,
  model: modelId,
  priceVersionId: price.id,
  ratePpm: ratePpm.toString(),
})
