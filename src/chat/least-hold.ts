import type { ConnectionService } from '../connections/connection.service.ts'
import { FEWEST_TOKENS, holdFor } from '../credits/hold-size.ts'
import type { PriceBook } from '../credits/price-book.ts'
import { FULL_RATE_PPM } from '../credits/pricing.ts'
import { estimateTokens } from '../shared/token-estimate.ts'
import type { Known } from './accept.repository.ts'

/** Tokens of what every prompt says besides: how to talk, alone and in a party. */
const PROMPT_TOKENS = { alone: 60, inParty: 200 }

interface LeastHoldDependencies {
  connections: Pick<ConnectionService, 'open'>
  prices: Pick<PriceBook, 'require'>
  ownKeyRatePpm: bigint
}

/**
 * By agent, the smallest hold, in micro-credits, with which it could answer `words`. Of what was said before nothing is
 * counted, so a turn may need more. Each of them must be reachable and have a price.
 * @throws AppError 404, 409, 422 as the turn itself would
 */
export function leastHolds(
  speakers: Known['agents'],
  { words, isParty }: { words: string; isParty: boolean },
  { connections, prices, ownKeyRatePpm }: LeastHoldDependencies,
): Map<string, bigint> {
  const said = estimateTokens(words) + (isParty ? PROMPT_TOKENS.inParty : PROMPT_TOKENS.alone)
  return new Map(
    speakers.map(({ agent, terms }) => {
      const connection = connections.open(terms.connection, agent.connectionId)
      const price = prices.require(terms.price, connection.provider, agent.model ?? connection.model)
      const ratePpm = connection.scope === 'user' ? ownKeyRatePpm : FULL_RATE_PPM
      const tokens = said + estimateTokens(`${agent.instructions}\n${agent.characteristics}`)
      return [agent.id, holdFor({ price, ratePpm }, tokens, FEWEST_TOKENS)]
    }),
  )
}

/** What the cheapest of those needs who speak first; null among them is a supervisor, who is the first agent's model. */
export function leastOf(
  holds: ReadonlyMap<string, bigint>,
  first: ReadonlyArray<string | null>,
  supervisor: string | undefined,
): bigint {
  const needed = first.flatMap((agentId) => holds.get(agentId ?? supervisor ?? '') ?? [])
  return needed.reduce((least, hold) => (hold < least ? hold : least), needed[0] ?? 0n)
}
