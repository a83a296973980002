import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider'
import type { Purpose } from '../../src/credits/metered-call.ts'
import {
  estimateUsage,
  IMAGE_TOKENS,
  type ProviderUsage,
  type TokenUsage,
  usageFromProvider,
} from '../../src/credits/usage.ts'

/** One provider request as it went: the text and the number of images that were sent, what came, and the usage that the provider reported, if it did. */
interface ObservedCall {
  call: number
  purpose: Purpose
  promptText: string
  images: number
  outputText: string
  reported: TokenUsage | undefined
}

export interface UsedCall {
  call: number
  purpose: Purpose
  usage: TokenUsage
}

const textOf = (prompt: LanguageModelV4Prompt): string =>
  prompt
    .map((message) =>
      typeof message.content === 'string'
        ? message.content
        : message.content.map((part) => ('text' in part ? part.text : '')).join('\n'),
    )
    .join('\n')

const imagesOf = (prompt: LanguageModelV4Prompt): number =>
  prompt.flatMap((message) => (message.role === 'user' ? message.content : [])).filter((part) => part.type === 'file')
    .length

/** Usage of a call whose provider reported none. */
async function estimated({ promptText, images, outputText }: ObservedCall): Promise<TokenUsage> {
  const usage = await estimateUsage(promptText, outputText)
  return { ...usage, inputTokens: usage.inputTokens + images * IMAGE_TOKENS }
}

/** A token has a byte at least; what servers add unseen (templates, instructions of their own, thoughts) stays below these, in tokens. */
const MOST_UNSEEN_INPUT = 100_000
const MOST_UNSEEN_OUTPUT = 200_000
const MOST_IMAGE_TOKENS = 50_000

/** Whether a call of this size can have used so much: a server's slip must not cost somebody all credits. */
function isPossible(reported: TokenUsage, { promptText, images, outputText }: ObservedCall): boolean {
  const input = reported.inputTokens + reported.cachedInputTokens + reported.cacheWriteTokens
  const output = reported.outputTokens + reported.reasoningTokens
  return (
    input <= Buffer.byteLength(promptText) + images * MOST_IMAGE_TOKENS + MOST_UNSEEN_INPUT &&
    output <= Buffer.byteLength(outputText) + MOST_UNSEEN_OUTPUT
  )
}

/** A report of more than can be is none; one of no output beside words neither: what was seen is counted, and that is said. */
async function plausible(reported: TokenUsage, observed: ObservedCall): Promise<TokenUsage> {
  if (!isPossible(reported, observed)) return estimated(observed)
  if (reported.outputTokens + reported.reasoningTokens > 0 || observed.outputText === '') return reported
  const { outputTokens } = await estimated(observed)
  return { ...reported, outputTokens, estimated: true }
}

/** Who hears what comes from the provider, as it comes. */
export interface MeterListener {
  /** Every piece of output, also of reasoning. */
  onOutput?: (text: string) => void
  /** Every piece of what is said. */
  onText?: (text: string) => void
}

/**
 * Meters every provider request of a turn around the model itself: totals of frameworks leave calls out, and an aborted
 * stream reports no usage at all. What a provider did not report, or reported as nonsense, is estimated from the text.
 */
export class CallMeter {
  readonly #calls: ObservedCall[] = []
  /** Requests that the provider has begun to answer. */
  #answered = 0
  readonly #listener: MeterListener

  constructor(listener: MeterListener = {}) {
    this.#listener = listener
  }

  /** The same fetch, for the model that is metered: it tells a request that was refused from an answer that broke off. */
  watch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return async (...request) => {
      const response = await fetch(...request)
      if (response.ok) this.#answered += 1
      return response
    }
  }

  /**
   * The same model, metered. A request that is refused, or never reached the provider, counts as no call; one whose answer
   * was broken from its start, so that the SDK throws, has had its prompt read.
   */
  wrap(model: LanguageModelV4, purpose: Purpose): LanguageModelV4 {
    return {
      specificationVersion: model.specificationVersion,
      provider: model.provider,
      modelId: model.modelId,
      supportedUrls: model.supportedUrls,
      doGenerate: async (options) => {
        const result = await this.#answer(purpose, options, () => model.doGenerate(options))
        const call = this.#begin(purpose, options)
        for (const part of result.content)
          if (part.type === 'text' || part.type === 'reasoning') this.#output(call, part.text)
        this.#report(call, result.usage)
        return result
      },
      doStream: async (options) => {
        const result = await this.#answer(purpose, options, () => model.doStream(options))
        const call = this.#begin(purpose, options)
        return { ...result, stream: result.stream.pipeThrough(this.#observe(call)).pipeThrough(mergeText()) }
      },
    }
  }

  /** All calls so far; those without a report are estimated and marked so. */
  used(): Promise<UsedCall[]> {
    return Promise.all(
      this.#calls.map(async (observed) => ({
        call: observed.call,
        purpose: observed.purpose,
        usage: observed.reported ? await plausible(observed.reported, observed) : await estimated(observed),
      })),
    )
  }

  async #answer<T>(purpose: Purpose, options: LanguageModelV4CallOptions, request: () => PromiseLike<T>): Promise<T> {
    const before = this.#answered
    try {
      return await request()
    } catch (error) {
      if (this.#answered > before) this.#begin(purpose, options)
      throw error
    }
  }

  #begin(purpose: Purpose, options: LanguageModelV4CallOptions): ObservedCall {
    const call = {
      call: this.#calls.length,
      purpose,
      promptText: textOf(options.prompt),
      images: imagesOf(options.prompt),
      outputText: '',
      reported: undefined,
    }
    this.#calls.push(call)
    return call
  }

  #output(call: ObservedCall, text: string): void {
    call.outputText += text
    this.#listener.onOutput?.(text)
  }

  #report(call: ObservedCall, usage: ProviderUsage | undefined): void {
    call.reported = usageFromProvider(usage)
  }

  #observe(call: ObservedCall): TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart> {
    return new TransformStream({
      transform: (part, controller) => {
        if (part.type === 'text-delta' || part.type === 'reasoning-delta') this.#output(call, part.delta)
        if (part.type === 'text-delta') this.#listener.onText?.(part.delta)
        // A finish that only closes a broken stream carries no true usage.
        if (part.type === 'finish' && part.finishReason.unified !== 'error') this.#report(call, part.usage)
        controller.enqueue(part)
      },
    })
  }
}

/** Gives what is said in one piece, once something else follows: frameworks cost by the piece (30 ms of CPU become 9 for 300 tokens). */
function mergeText(): TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart> {
  let first: Extract<LanguageModelV4StreamPart, { type: 'text-delta' }> | undefined
  let deltas: string[] = []
  const release = (controller: TransformStreamDefaultController<LanguageModelV4StreamPart>) => {
    if (first) controller.enqueue({ ...first, delta: deltas.join('') })
    first = undefined
    deltas = []
  }
  return new TransformStream({
    transform(part, controller) {
      if (part.type !== 'text-delta' || (first && first.id !== part.id)) release(controller)
      if (part.type !== 'text-delta') return controller.enqueue(part)
      first ??= part
      deltas.push(part.delta)
    },
    flush: release,
  })
}
