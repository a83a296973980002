import { setTimeout as delay } from 'node:timers/promises'
import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'
import { countTokens } from '../../credits/token-counting.ts'
import { ANY_TEXT, textPieces } from '../../shared/text-pieces.ts'
import { composeJson } from './demo-json.ts'
import { readScene } from './demo-reader.ts'
import { type DemoCall, demoCalls, wordsAfterTools } from './demo-tools.ts'
import { composeReply } from './demo-writer.ts'

/** The model of the demo connection. It is labelled "(demo model)" wherever a model is shown. */
export const DEMO_MODEL_ID = 'demo-1'

/** The demo model's settings. */
export interface DemoModelOptions {
  /** Pace of streaming; 0 or infinite means no pauses. */
  wordsPerMinute?: number
  /** What the answer depends on besides the prompt: what is asked anew gets another one. */
  seed?: string
}

interface Reply {
  text: string
  calls: DemoCall[]
  finishReason: LanguageModelV4FinishReason
  usage: LanguageModelV4Usage
}

const TEXT_ID = '0'
/** Timers below this are not worth their wake-up: words that are due together go out together. */
const SHORTEST_PAUSE_MS = 4

/**
 * The built-in offline model: it plays its agent from the conversation's own words with phrases and a little grammar,
 * and counts tokens truly. Of tools it calls what the user's words ask for. The same prompt and seed give the same answer, so a retry repeats it.
 */
export class DemoModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4'
  readonly provider = 'demo'
  readonly modelId: string
  readonly supportedUrls = {}
  readonly #pauseMs: number
  readonly #seed: string

  constructor(modelId: string = DEMO_MODEL_ID, { wordsPerMinute = 700, seed = '' }: DemoModelOptions = {}) {
    this.modelId = modelId
    this.#seed = seed
    this.#pauseMs = wordsPerMinute > 0 && Number.isFinite(wordsPerMinute) ? 60_000 / wordsPerMinute : 0
  }

  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    options.abortSignal?.throwIfAborted()
    const { text, calls, finishReason, usage } = await reply(options, this.#seed)
    const asked = calls.map(callPart)
    return {
      content: asked.length > 0 ? asked : [{ type: 'text', text }],
      finishReason,
      usage,
      warnings: [],
      response: { modelId: this.modelId },
    }
  }

  async doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    options.abortSignal?.throwIfAborted()
    const parts = this.#parts(await reply(options, this.#seed), options.abortSignal)
    return { stream: ReadableStream.from<LanguageModelV4StreamPart>(parts) }
  }

  async *#parts(
    { text, calls, finishReason, usage }: Reply,
    signal?: AbortSignal,
  ): AsyncGenerator<LanguageModelV4StreamPart> {
    yield { type: 'stream-start', warnings: [] }
    yield { type: 'response-metadata', modelId: this.modelId }
    for (const call of calls) yield callPart(call, calls.indexOf(call))
    if (calls.length > 0) {
      yield { type: 'finish', finishReason, usage }
      return
    }
    yield { type: 'text-start', id: TEXT_ID }
    const start = performance.now()
    for (const [index, word] of (text.match(/\S+\s*|\s+/g) ?? []).entries()) {
      const early = start + index * this.#pauseMs - performance.now()
      if (early >= SHORTEST_PAUSE_MS) await delay(early, undefined, { signal }).catch(() => undefined)
      signal?.throwIfAborted()
      yield { type: 'text-delta', id: TEXT_ID, delta: word }
    }
    yield { type: 'text-end', id: TEXT_ID }
    yield { type: 'finish', finishReason, usage }
  }
}

const callPart = ({ name, input }: DemoCall, position: number) => ({
  type: 'tool-call' as const,
  toolCallId: `call_${position}`,
  toolName: name,
  input: JSON.stringify(input),
})

async function reply(options: LanguageModelV4CallOptions, ownSeed: string): Promise<Reply> {
  const { encode, decode } = await tokenizer()
  const input = promptText(options.prompt)
  const seed = `${options.seed ?? ''}${ownSeed}${input}`
  const calls = demoCalls(options)
  const scene = readScene(options.prompt)
  const asked = options.responseFormat
  let text =
    asked?.type === 'json'
      ? JSON.stringify(composeJson(asked.schema, scene, seed))
      : (wordsAfterTools(options) ?? composeReply(scene, seed))
  if (calls.length > 0) text = JSON.stringify(calls)
  let cut: LanguageModelV4FinishReason['unified'] = calls.length > 0 ? 'tool-calls' : 'stop'
  for (const stop of options.stopSequences ?? []) {
    if (stop && text.includes(stop)) text = text.slice(0, text.indexOf(stop))
  }
  let tokens = textPieces(text).flatMap((piece) => encode(piece, ANY_TEXT))
  if (options.maxOutputTokens !== undefined && tokens.length > options.maxOutputTokens) {
    tokens = tokens.slice(0, options.maxOutputTokens)
    text = decode(tokens)
    if (calls.length === 0) cut = 'length'
  }
  const inputTokens = await countTokens(input)
  return {
    text,
    calls,
    finishReason: { unified: cut, raw: cut },
    usage: {
      inputTokens: { total: inputTokens, noCache: inputTokens, cacheRead: 0, cacheWrite: 0 },
      outputTokens: { total: tokens.length, text: tokens.length, reasoning: 0 },
    },
  }
}

/** 2 MB of merges and 0.15 s: loaded by the first call only. */
const tokenizer = () => import('gpt-tokenizer/encoding/o200k_base')

const promptText = (prompt: LanguageModelV4Prompt): string =>
  prompt
    .map((message) => {
      if (message.role === 'system') return message.content
      return message.content
        .map((part) => (part.type === 'text' || part.type === 'reasoning' ? part.text : ''))
        .join('')
    })
    .join('\n')
