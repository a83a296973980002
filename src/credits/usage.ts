/**
 * Tokens of one provider call in disjoint classes: no token is counted in two of them. `inputTokens` are neither read
 * from nor written to a cache; `outputTokens` exclude reasoning. `estimated` marks counts of our own tokenizer, where the
 * provider reported none.
 */
export interface TokenUsage {
  inputTokens: number
  cachedInputTokens: number
  cacheWriteTokens: number
  outputTokens: number
  reasoningTokens: number
  estimated: boolean
}

/** The usage of the AI SDK's `LanguageModelV4Usage`, by structure; providers fill what they know. */
export interface ProviderUsage {
  inputTokens: {
    total: number | undefined
    noCache: number | undefined
    cacheRead: number | undefined
    cacheWrite: number | undefined
  }
  outputTokens: { total: number | undefined; text: number | undefined; reasoning: number | undefined }
}

/** No call has more tokens of a class than this; a larger count is nonsense. */
const MOST_TOKENS = 1_000_000_000

const isCount = (value: number | null | undefined): boolean =>
  value == null || (Number.isInteger(value) && value >= 0 && value <= MOST_TOKENS)

/**
 * Disjoint classes of what a provider reported, or `undefined` when the report is missing or nonsense (NaN, negative,
 * fractions, neither total nor parts): then the caller estimates, so that a broken report never becomes a charge of zero.
 *
 * A part is taken out of its total, never added to it; only where a total is smaller than its parts it cannot include
 * them (some servers report completion tokens without reasoning), and both count.
 */
export function usageFromProvider(usage: ProviderUsage | undefined): TokenUsage | undefined {
  if (!usage?.inputTokens || !usage.outputTokens) return undefined
  const { total: allInput, noCache, cacheRead, cacheWrite } = usage.inputTokens
  const { total: allOutput, text, reasoning } = usage.outputTokens
  if (![allInput, cacheRead, cacheWrite, allOutput, reasoning].every(isCount)) return undefined

  const cachedInputTokens = cacheRead ?? 0
  const cacheWriteTokens = cacheWrite ?? 0
  const reasoningTokens = reasoning ?? 0
  const inputTokens = remainder(allInput, noCache, cachedInputTokens + cacheWriteTokens)
  const outputTokens = remainder(allOutput, text, reasoningTokens)
  if (inputTokens === undefined || outputTokens === undefined) return undefined
  // Every request has at least a token of input: one that read nothing was not reported.
  if (inputTokens + cachedInputTokens + cacheWriteTokens === 0) return undefined
  return { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens, reasoningTokens, estimated: false }
}

/** What is left of a total after the other classes; without a total, the part that names it. */
function remainder(
  total: number | null | undefined,
  named: number | null | undefined,
  others: number,
): number | undefined {
  // SDKs derive the named part by subtraction, so that it is negative where total and parts disagree: the total is asked.
  if (total != null) return Number.isNaN(named) ? undefined : total >= others ? total - others : total
  return named != null && isCount(named) ? named : undefined
}

/** An image of the largest size that is sent, roughly, at every provider; for estimates only. */
export const IMAGE_TOKENS = 1_600

/** What a model may have thought unseen in `ms` milliseconds. */
export const hiddenTokens = (tokensPerSecond: number | undefined, ms: number): number =>
  Math.ceil(((tokensPerSecond ?? 0) * Math.max(0, ms)) / 1_000)

/** What a call read and what it wrote, cached or not, thought or said. */
export const inputOf = (usage: TokenUsage): number =>
  usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens
export const outputOf = (usage: TokenUsage): number => usage.outputTokens + usage.reasoningTokens

/** All tokens of a call, each counted once. */
export const totalTokens = (usage: TokenUsage): number => inputOf(usage) + outputOf(usage)

/** The usage of several calls in one; estimated when any of them is. */
export function sumUsage(usages: TokenUsage[]): TokenUsage {
  const sum = {
    inputTokens: 0,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    estimated: false,
  }
  for (const usage of usages) {
    sum.inputTokens += usage.inputTokens
    sum.cachedInputTokens += usage.cachedInputTokens
    sum.cacheWriteTokens += usage.cacheWriteTokens
    sum.outputTokens += usage.outputTokens
    sum.reasoningTokens += usage.reasoningTokens
    sum.estimated ||= usage.estimated
  }
  return sum
}
