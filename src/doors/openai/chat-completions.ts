import { z } from 'zod'
import type { RunView } from '../../contract/views.ts'
import { content, NO_TOOLS, nothing, role } from './wire-content.ts'
import { completionFormat } from './wire-format.ts'

/** `false`, or left out. */
const off = (message: string) => z.literal([false, null], message).optional()

/**
 * The body of `POST /v1/chat/completions`. What asks for another kind of answer than text is refused; what tunes a model is read by
 * nobody, for the agent has settings of its own; what we do not know belongs to newer clients, and is passed over too.
 */
export const completionBody = z.looseObject({
  model: z.string().min(1).max(300),
  messages: z.array(z.looseObject({ role, content })).min(1, 'must have at least one message'),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  n: z.literal([1, null], 'must be 1: a run has one answer').optional(),
  tools: nothing(NO_TOOLS),
  functions: nothing(NO_TOOLS),
  audio: z.null('must be left out: agents answer with text').optional(),
  modalities: z.array(z.literal('text', 'must be text: agents answer with nothing else')).nullish(),
  response_format: completionFormat.nullish(),
  logprobs: off('must be false: probabilities of tokens are not kept'),
})
export type CompletionBody = z.output<typeof completionBody>

/** What every chunk and the completion say of themselves. */
export interface CompletionHead {
  id: string
  created: number
  model: string
}

export const completionHead = (run: Pick<RunView, 'id' | 'createdAt'>, model: string): CompletionHead => ({
  id: `chatcmpl-${run.id}`,
  created: Math.floor(Date.parse(run.createdAt) / 1_000),
  model,
})

/** Stop reasons of a run that was cut short; clients of that wire know one word for it. */
const CUT = ['cancelled', 'interrupted', 'credits_exhausted', 'max_credits', 'max_seconds']
export const finishReason = ({ stopReason }: RunView): 'stop' | 'length' =>
  stopReason !== null && CUT.includes(stopReason) ? 'length' : 'stop'

/** The run's receipt in that wire's words, and what it cost in credits. */
export const usageOf = ({ receipt: { inputTokens, outputTokens, credits } }: RunView) => ({
  prompt_tokens: inputTokens,
  completion_tokens: outputTokens,
  total_tokens: inputTokens + outputTokens,
  credits,
})

/** The answer to a request without `stream`. */
export const completion = (head: CompletionHead, text: string, run: RunView) => ({
  ...head,
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: null,
      finish_reason: finishReason(run),
    },
  ],
  usage: usageOf(run),
})

interface Delta {
  role?: 'assistant'
  content?: string
}

/**
 * Chunks of a stream, as clients of all kinds expect them: the role in the first only, `finish_reason` null until a last one whose
 * delta is empty, and then, for who asked, the usage with no choices (and `usage: null` in the others).
 */
export class CompletionChunks {
  readonly #head: CompletionHead
  readonly #withUsage: boolean

  constructor(head: CompletionHead, withUsage: boolean) {
    this.#head = head
    this.#withUsage = withUsage
  }

  first() {
    return this.#chunk({ role: 'assistant', content: '' }, null)
  }

  text(text: string) {
    return this.#chunk({ content: text }, null)
  }

  last(run: RunView) {
    const usage = { ...this.#head, object: 'chat.completion.chunk', choices: [], usage: usageOf(run) }
    return [this.#chunk({}, finishReason(run)), ...(this.#withUsage ? [usage] : [])]
  }

  #chunk(delta: Delta, finish: 'stop' | 'length' | null) {
    return {
      ...this.#head,
      object: 'chat.completion.chunk',
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
      ...(this.#withUsage && { usage: null }),
    }
  }
}
