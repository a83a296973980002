import { costOf, MILLION } from '../../src/credits/pricing.ts'
import type { ModelTerms } from './model-terms.ts'

/** Fewer tokens than this are no answer. */
export const FEWEST_TOKENS = 16

/**
 * How many output tokens a call may have so that it costs at most `left` micro-credits with its prompt, at the dearer of
 * the prices for words and reasoning; 0 when not even the prompt is affordable.
 */
export function affordableTokens({ price, ratePpm }: ModelTerms, inputTokens: number, left: bigint): number {
  const { outputPerMTok, reasoningPerMTok } = price
  const dearest = outputPerMTok > reasoningPerMTok ? outputPerMTok : reasoningPerMTok
  const usage = { cachedInputTokens: 0, cacheWriteTokens: 0, reasoningTokens: 0, outputTokens: 0, estimated: true }
  const rest = left - costOf(price, { ...usage, inputTokens }, ratePpm)
  if (rest <= 0n) return 0
  const perMillion = (dearest * ratePpm) / MILLION
  if (perMillion === 0n) return Number.MAX_SAFE_INTEGER
  const tokens = (rest * MILLION) / perMillion
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens)
}
