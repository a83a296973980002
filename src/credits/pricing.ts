import type { TokenUsage } from './usage.ts'

/** Prices in micro-credits: per million tokens of each class, and per call. */
export interface Rates {
  inputPerMTok: bigint
  outputPerMTok: bigint
  cachedInputPerMTok: bigint
  cacheWritePerMTok: bigint
  reasoningPerMTok: bigint
  perCall: bigint
}

/** A version of a price; never edited. `priceId` stays over versions, `provider` and `model` may be `*`. */
export interface PriceVersion extends Rates {
  id: string
  priceId: string
  provider: string
  model: string
  version: number
  effectiveFrom: Date
}

/** The whole price, as the share of it that is charged. */
export const FULL_RATE_PPM = 1_000_000n
/** Tokens that a price speaks of, and at once parts of the whole in `ratePpm`. */
export const MILLION = 1_000_000n

/**
 * What one call costs in micro-credits, rounded once, up:
 * `ceil((Σ tokens x price per MTok + fee x 10^6) x ratePpm / 10^12)`.
 *
 * @param ratePpm share of the price that is charged, in parts per million
 * @example costOf(price, { inputTokens: 1000, ... }, 1_000_000n)
 */
export function costOf(price: Rates, usage: TokenUsage, ratePpm: bigint): bigint {
  const scaled =
    BigInt(usage.inputTokens) * price.inputPerMTok +
    BigInt(usage.cachedInputTokens) * price.cachedInputPerMTok +
    BigInt(usage.cacheWriteTokens) * price.cacheWritePerMTok +
    BigInt(usage.outputTokens) * price.outputPerMTok +
    BigInt(usage.reasoningTokens) * price.reasoningPerMTok +
    price.perCall * MILLION
  const divisor = MILLION * FULL_RATE_PPM
  return (scaled * ratePpm + divisor - 1n) / divisor
}
