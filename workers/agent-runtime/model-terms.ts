import type { Agent } from '../../src/agents/agent.entity.ts'
import type { ConnectionService } from '../../src/connections/connection.service.ts'
import type { ResolvedConnection } from '../../src/connections/provider.ts'
import type { MeteredCall } from '../../src/credits/metered-call.ts'
import type { PriceBook } from '../../src/credits/price-book.ts'
import { FULL_RATE_PPM, type PriceVersion } from '../../src/credits/pricing.ts'
import type { TurnQuote } from '../../src/runs/turn.entity.ts'
import type { UsedCall } from './call-meter.ts'

/** Which model answers for an agent, and what it costs now. */
export interface ModelTerms {
  connection: ResolvedConnection
  modelId: string
  price: PriceVersion
  ratePpm: bigint
}

interface TermsDependencies {
  connections: Pick<ConnectionService, 'resolve'>
  prices: Pick<PriceBook, 'priceOf'>
  ownKeyRatePpm: bigint
}

export class ModelTermsBook {
  readonly #deps: TermsDependencies

  constructor(dependencies: TermsDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError when the agent cannot be reached: its connection is gone, its model has no price */
  async of(userId: string, agent: Pick<Agent, 'connectionId' | 'model'>): Promise<ModelTerms> {
    const connection = await this.#deps.connections.resolve(userId, agent.connectionId)
    const modelId = agent.model ?? connection.model
    const price = await this.#deps.prices.priceOf(connection.provider, modelId)
    return {
      connection,
      modelId,
      price,
      ratePpm: connection.scope === 'user' ? this.#deps.ownKeyRatePpm : FULL_RATE_PPM,
    }
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
  call: Pick<TurnQuote, 'call' | 'purpose' | 'inputTokens'>,
): TurnQuote => ({
  ...call,
  connectionId: connection.id,
  provider: connection.provider,
  model: modelId,
  priceVersionId: price.id,
  ratePpm: ratePpm.toString(),
})
