import { costOf, FULL_RATE_PPM, MILLION, type PriceVersion, type Rates } from './pricing.ts'
import type { TokenUsage } from './usage.ts'

/** What a call is held and paid by. */
export interface CallPrice {
  price: PriceVersion
  /** Share of the price that is charged, in parts per million. */
  ratePpm: bigint
}

/** Fewer tokens than this are no answer. */
export const FEWEST_TOKENS = 16

/** What our tokenizer counts, other tokenizers count as this much more at most; and servers add something of their own. */
const INPUT_MARGIN = 1.5
const INPUT_UNSEEN = 256

/**
 * The most tokens of input that a provider may count for a prompt that we count `tokens` for: what is held, and what is
 * believed. The one because of the other: nobody is charged for what was not held.
 */
export const mostInputTokens = (tokens: number): number => Math.ceil(tokens * INPUT_MARGIN) + INPUT_UNSEEN

const max = (...amounts: bigint[]): bigint => amounts.reduce((most, amount) => (amount > most ? amount : most))

/** Each token at the dearest price that it may turn out to have: nobody knows yet whether it will be cached, or a thought. */
function dearest(price: Rates): Rates {
  const input = max(price.inputPerMTok, price.cachedInputPerMTok, price.cacheWritePerMTok)
  const output = max(price.outputPerMTok, price.reasoningPerMTok)
  return { ...price, inputPerMTok: input, outputPerMTok: output }
}

const usageOf = (inputTokens: number, outputTokens: number): TokenUsage => ({
  inputTokens,
  outputTokens,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
  estimated: true,
})

/** The most that a call can cost, in micro-credits: of a prompt that we count `inputTokens` for and so many tokens of output. */
export const holdFor = ({ price, ratePpm }: CallPrice, inputTokens: number, outputTokens: number): bigint =>
  costOf(dearest(price), usageOf(mostInputTokens(inputTokens), outputTokens), ratePpm)

/** What so many more tokens of output cost at most: the fee of the call and its prompt are held already. */
export const holdForMore = ({ price, ratePpm }: CallPrice, outputTokens: number): bigint =>
  costOf({ ...dearest(price), perCall: 0n }, usageOf(0, outputTokens), ratePpm)

/**
 * How many output tokens a call may have so that it costs at most `left` micro-credits, whatever its provider counts for the
 * prompt; 0 when not even the prompt is affordable. `holdFor` of the answer is never more than `left`.
 */
export function affordableTokens({ price, ratePpm }: CallPrice, inputTokens: number, left: bigint): number {
  const { inputPerMTok, outputPerMTok, perCall } = dearest(price)
  // As `costOf` counts, before it divides: whatever rounds up to no more than `left` is affordable.
  const fixed = (BigInt(mostInputTokens(inputTokens)) * inputPerMTok + perCall * MILLION) * ratePpm
  const room = left * MILLION * FULL_RATE_PPM - fixed
  if (room < 0n) return 0
  const perToken = outputPerMTok * ratePpm
  if (perToken === 0n) return Number.MAX_SAFE_INTEGER
  const tokens = room / perToken
  return tokens > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(tokens)
}
