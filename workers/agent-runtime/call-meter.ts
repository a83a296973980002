import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
} from '@ai-sdk/provider'
import { WireError } from '../../src/connections/dialects/wire.ts'
import { wasNeverSent } from '../../src/connections/unsent-request.ts'
import type { Purpose } from '../../src/credits/metered-call.ts'
import { countTokens } from '../../src/credits/token-counting.ts'
import {
  hiddenTokens,
  IMAGE_TOKENS,
  type ProviderUsage,
  type TokenUsage,
  usageFromProvider,
} from '../../src/credits/usage.ts'
import { believedUsage, type OwnCount, ownUsage } from './believed-usage.ts'

/** One provider request as it went: what was sent and allowed, what came, and the usage that the provider reported, if it did. */
interface ObservedCall {
  call: number
  purpose: Purpose
  promptText: string
  images: number
  /** Output tokens that the request allowed. */
  limit: number | undefined
  outputText: string
  showsThoughts: boolean
  reported: TokenUsage | undefined
  finish: FinishReason | undefined
  startedAt: number
  /** When the first of it was seen. */
  seenAt: number | undefined
  endedAt: number | undefined
}

export type FinishReason = LanguageModelV4FinishReason['unified']

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

/** A token has a byte at least, and thoughts stay below this: what a call without any limit can have used. */
const MOST_UNSEEN_OUTPUT = 200_000

/** What a meter is told of the calls that it meters; all of it may be left out. */
export interface MeterOptions {
  /** Every piece of output, also of reasoning. */
  onOutput?: (text: string) => void
  /** Every piece of what is said. */
  onText?: (text: string) => void
  /** Tokens of the prompt, as they were counted for the hold. */
  inputTokens?: number
  /** Output tokens that are held by now, where that may be more than the request allowed. */
  coveredTokens?: () => number
  /** Tokens a second that the model may think unseen; 0 where it shows all. */
  hiddenTokensPerSecond?: number
  /** Milliseconds. */
  now?: () => number
}

/**
 * Meters every provider request of a turn around the model itself: totals of frameworks leave calls out, and an aborted
 * stream reports no usage at all. What a provider did not report is estimated from the text, and what it reports is believed
 * within bounds (`believedUsage`).
 */
export class CallMeter {
  readonly #calls: ObservedCall[] = []
  /** Requests that were sent and not refused. */
  #sent = 0
  readonly #options: MeterOptions
  readonly #now: () => number

  constructor(options: MeterOptions = {}) {
    this.#options = options
    this.#now = options.now ?? (() => performance.now())
  }

  /**
   * The same fetch, for the model that is metered: it tells a request that was sent from one that was not, or that was
   * refused. What is stopped before the answer's first byte has been sent, and read.
   */
  watch(fetch: typeof globalThis.fetch): typeof globalThis.fetch {
    return async (...request) => {
      this.#sent += 1
      try {
        const response = await fetch(...request)
        if (!response.ok) this.#sent -= 1
        return response
      } catch (error) {
        if (wasNeverSent(error)) this.#sent -= 1
        throw error
      }
    }
  }

  /**
   * The same model, metered. A request that is refused, or never left, counts as no call; one that was stopped before its
   * answer, or whose answer was broken from its start, so that the SDK throws, has had its prompt read.
   */
  wrap(model: LanguageModelV4, purpose: Purpose): LanguageModelV4 {
    return {
      specificationVersion: model.specificationVersion,
      provider: model.provider,
      modelId: model.modelId,
      supportedUrls: model.supportedUrls,
      doGenerate: async (options) => {
        const { call, result } = await this.#answer(purpose, options, () => model.doGenerate(options))
        for (const part of result.content)
          if (part.type === 'text' || part.type === 'reasoning') this.#output(call, part)
        this.#report(call, result)
        return result
      },
      doStream: async (options) => {
        const { call, result } = await this.#answer(purpose, options, () => model.doStream(options))
        return { ...result, stream: result.stream.pipeThrough(this.#observe(call)).pipeThrough(mergeText()) }
      },
    }
  }

  /** How the latest call ended, by its provider's word. */
  get lastFinish(): FinishReason | undefined {
    return this.#calls.at(-1)?.finish
  }

  /** All calls so far; those without a report are estimated and marked so. */
  used(): Promise<UsedCall[]> {
    return Promise.all(
      this.#calls.map(async (observed) => {
        const { call, purpose, reported } = observed
        const own = await this.#ownCount(observed)
        return { call, purpose, usage: await (reported ? believedUsage(reported, own) : ownUsage(own)) }
      }),
    )
  }

  /** What was sent and seen, and what a model may have thought before it was seen to say anything. */
  async #ownCount(call: ObservedCall): Promise<OwnCount> {
    const { inputTokens, coveredTokens = () => 0, hiddenTokensPerSecond } = this.#options
    const { promptText, images, outputText, limit, showsThoughts, startedAt } = call
    const { endedAt = this.#now(), seenAt = endedAt } = call
    return {
      // Never zero: a request that reached the provider was read.
      inputTokens: inputTokens ?? Math.max(1, (await countTokens(promptText)) + images * IMAGE_TOKENS),
      outputText,
      outputTokens: () => countTokens(outputText),
      hiddenTokens: showsThoughts ? 0 : hiddenTokens(hiddenTokensPerSecond, seenAt - startedAt),
      mostOutput: Math.max(limit ?? Buffer.byteLength(outputText) + MOST_UNSEEN_OUTPUT, coveredTokens()),
    }
  }

  async #answer<T>(purpose: Purpose, options: LanguageModelV4CallOptions, request: () => PromiseLike<T>) {
    const before = this.#sent
    const startedAt = this.#now()
    try {
      const result = await request()
      return { call: this.#begin(purpose, options, startedAt), result }
    } catch (error) {
      if (this.#sent > before) this.#begin(purpose, options, startedAt).endedAt = this.#now()
      throw error
    }
  }

  #begin(purpose: Purpose, options: LanguageModelV4CallOptions, startedAt: number): ObservedCall {
    const call: ObservedCall = {
      call: this.#calls.length,
      purpose,
      promptText: textOf(options.prompt),
      images: imagesOf(options.prompt),
      limit: options.maxOutputTokens,
      outputText: '',
      showsThoughts: false,
      reported: undefined,
      finish: undefined,
      startedAt,
      seenAt: undefined,
      endedAt: undefined,
    }
    this.#calls.push(call)
    return call
  }

  #output(call: ObservedCall, { type, text }: { type: string; text: string }): void {
    call.outputText += text
    call.seenAt ??= this.#now()
    if (type.startsWith('reasoning')) call.showsThoughts = true
    this.#options.onOutput?.(text)
  }

  #report(
    call: ObservedCall,
    { usage, finishReason }: { usage: ProviderUsage | undefined; finishReason: LanguageModelV4FinishReason },
  ): void {
    call.endedAt = this.#now()
    call.finish = finishReason.unified
    // A finish that only closes a broken stream carries no true usage.
    if (finishReason.unified !== 'error') call.reported = usageFromProvider(usage)
  }

  #observe(call: ObservedCall): TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart> {
    let wordless: LanguageModelV4StreamPart | undefined
    const streamed = new Set<string>()
    return new TransformStream({
      transform: (part, controller) => {
        // Who hears of an error reads no further: the end, which tells what an answer without a word has used, comes first.
        if (part.type === 'error' && isWordless(part.error)) {
          wordless = part
          return
        }
        // Said before it is counted: of a piece that is a flood by itself, what is within bounds is kept.
        if (part.type === 'text-delta') this.#options.onText?.(part.delta)
        if (part.type === 'text-delta' || part.type === 'reasoning-delta')
          this.#output(call, { type: part.type, text: part.delta })
        if (part.type === 'tool-input-delta') {
          streamed.add(part.id)
          this.#output(call, { type: 'tool', text: part.delta })
        }
        // Some say it whole.
        if (part.type === 'tool-call' && !streamed.has(part.toolCallId))
          this.#output(call, { type: 'tool', text: part.input })
        if (part.type === 'finish') this.#report(call, part)
        if (wordless) controller.enqueue(wordless)
        wordless = undefined
        controller.enqueue(part)
      },
      flush: (controller) => {
        call.endedAt ??= this.#now()
        if (wordless) controller.enqueue(wordless)
      },
    })
  }
}

/** Errors of answers that ended as they should, but for their words; their end follows at once. */
const isWordless = (error: unknown): boolean =>
  error instanceof WireError && (error.code === 'wire.limit_reached' || error.code === 'wire.content_refused')

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
