import { mostInputTokens } from '../../src/credits/hold-size.ts'
import type { TokenUsage } from '../../src/credits/usage.ts'
import { estimateTokens } from '../../src/shared/token-estimate.ts'

/** What a report is compared with. */
export interface OwnCount {
  /** Tokens of the prompt, its images included, as they were counted for the hold. */
  inputTokens: number
  /** All that was seen of the answer, thoughts too. */
  outputText: string
  /** The same in tokens; asked for where a rough count leaves doubt. */
  outputTokens: () => Promise<number>
  /** What it may have thought unseen. */
  hiddenTokens: number
  /** Output tokens that are held. */
  mostOutput: number
}

/** A report of less than this share of our count is not believed; tokenizers differ by less. */
const LEAST_SHARE = 0.5
/** Tokens of input by which a report may be lower besides: of templates that we do not know, and contexts that were cut. */
const INPUT_SLACK = 512
/** Tokens of output by which a report may be lower besides: of very short answers. */
const OUTPUT_SLACK = 8

/** A report of more than this many times what can be is a slip, and tells nothing. */
const SLIP = 2

type Input = Pick<TokenUsage, 'inputTokens' | 'cachedInputTokens' | 'cacheWriteTokens'>
type Output = Pick<TokenUsage, 'outputTokens' | 'reasoningTokens'>

/**
 * What is charged of a provider's report. Servers are strangers: no more of it is believed than was held for the call (and
 * so than it was allowed), and no less than half of what was sent and seen; of a slip, nothing. Where our count stands in its
 * place, the usage is marked `estimated`.
 */
export async function believedUsage(reported: TokenUsage, own: OwnCount): Promise<TokenUsage> {
  const input = believedInput(reported, own)
  const output = await believedOutput(reported, own)
  return {
    ...reported,
    ...input,
    ...output,
    estimated: reported.estimated || input !== undefined || output !== undefined,
  }
}

/** The usage of a call of which its provider reported none. */
export const ownUsage = async (own: OwnCount): Promise<TokenUsage> => ({
  ...plain(own.inputTokens),
  ...(await ownOutput(own)),
  estimated: true,
})

const plain = (inputTokens: number): Input => ({ inputTokens, cachedInputTokens: 0, cacheWriteTokens: 0 })

async function ownOutput({ outputTokens, hiddenTokens, mostOutput }: OwnCount): Promise<Output> {
  const seen = Math.min(await outputTokens(), mostOutput)
  return { outputTokens: seen, reasoningTokens: Math.min(hiddenTokens, mostOutput - seen) }
}

function believedInput({ inputTokens, cachedInputTokens, cacheWriteTokens }: Input, own: OwnCount): Input | undefined {
  const total = inputTokens + cachedInputTokens + cacheWriteTokens
  const most = mostInputTokens(own.inputTokens)
  if (total > SLIP * most || total < own.inputTokens * LEAST_SHARE - INPUT_SLACK) return plain(own.inputTokens)
  return total > most ? plain(most) : undefined
}

async function believedOutput({ outputTokens, reasoningTokens }: Output, own: OwnCount): Promise<Output | undefined> {
  const { outputText, mostOutput } = own
  const total = outputTokens + reasoningTokens
  if (total > SLIP * mostOutput) return ownOutput(own)
  if (total > mostOutput) {
    const thoughts = Math.min(reasoningTokens, mostOutput)
    return { reasoningTokens: thoughts, outputTokens: mostOutput - thoughts }
  }
  const isLow = (seen: number) => total < seen * LEAST_SHARE - OUTPUT_SLACK || (total === 0 && outputText !== '')
  // Counted exactly only where the rough count, which errs to the high side, leaves a doubt.
  if (!isLow(estimateTokens(outputText))) return undefined
  const seen = Math.min(await own.outputTokens(), mostOutput)
  return isLow(seen) ? { outputTokens: seen, reasoningTokens: 0 } : undefined
}
