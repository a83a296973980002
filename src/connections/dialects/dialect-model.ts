import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
  SharedV4Warning,
} from '@ai-sdk/provider'
import type { ReasoningEffort } from '../../contract/providers.ts'
import type { MayRead } from '../reading-shares.ts'
import { CallFilter } from './call-filter.ts'
import { asksForWriting, speaksOfCalls, writesCallOf } from './calls-spoken-of.ts'
import { dialectFetch, LessonLearnt } from './dialect-fetch.ts'
import { resultWords, shapedOptions, usesTools } from './request-shape.ts'
import { ThoughtFilter, withoutThoughts } from './thoughts.ts'
import type { Trait } from './traits.ts'
import { json, WireError, type WireName } from './wire.ts'

/** What a model needs to speak a server's dialect. */
export interface DialectOptions {
  wire: WireName
  modelId: string
  /** The provider's SDK on this `fetch`; made anew for each call. */
  build: (fetch: typeof globalThis.fetch) => LanguageModelV4
  fetch: typeof globalThis.fetch
  /** What is known of the server and this model. */
  traits: readonly Trait[]
  /** Called with what a call taught, once the server has answered to it. */
  learn: (traits: Trait[]) => void | Promise<void>
  /** Null leaves it to the provider. */
  reasoning: ReasoningEffort | null
  /** Called for every byte of an answer. */
  onLife: () => void
  mayRead?: MayRead | undefined
  /** Its server may be any, also one that leaves calls of tools in the text. */
  mayWriteCalls: boolean
}

/** A server may teach so many things in one call before its refusal is final. */
const MOST_LESSONS = 6

/**
 * A model behind a server of any dialect. What the server turns out to need is found out by its refusals, one at a time,
 * and passed on to be remembered; thoughts come as reasoning, however the model marks them; an answer that is none ends in an
 * error that says why.
 */
export class DialectModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4'
  readonly provider: string
  readonly modelId: string
  readonly supportedUrls: LanguageModelV4['supportedUrls']
  readonly #options: DialectOptions
  #traits: readonly Trait[]

  constructor(options: DialectOptions) {
    const model = options.build(options.fetch)
    this.provider = model.provider
    this.modelId = options.modelId
    this.supportedUrls = model.supportedUrls
    this.#options = options
    this.#traits = options.traits
  }

  async doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    const result = await this.#ask(options, this.#traits.includes('no_stream'))
    return { ...result, stream: result.stream.pipeThrough(this.#spoken(options)) }
  }

  /** Asks for no stream, unless the server serves nothing else. */
  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    const result = await this.#ask(options, !this.#traits.includes('stream_only'))
    const answer = await gathered(result.stream.pipeThrough(this.#spoken(options)), mostChars(options.maxOutputTokens))
    return { ...answer, warnings: [], request: result.request ?? {}, response: result.response ?? {} }
  }

  async #ask(options: LanguageModelV4CallOptions, isWhole: boolean): Promise<LanguageModelV4StreamResult> {
    const learnt: Trait[] = []
    const kept: Trait[] = []
    for (;;) {
      const { wire, fetch, reasoning, onLife, mayRead } = this.#options
      const traits = [...this.#traits, ...learnt]
      const whole = traits.includes('stream_only') ? false : isWhole || traits.includes('no_stream')
      const model = this.#options.build(dialectFetch({ wire, fetch, traits, isWhole: whole, onLife, mayRead }))
      try {
        const asked = shapedOptions(reasoning === null ? options : { ...options, reasoning }, traits)
        const result = await model.doStream(asked)
        if (kept.length > 0) await this.#learn(kept)
        return result
      } catch (error) {
        const lesson = lessonIn(error)
        if (!lesson || traits.includes(lesson.trait) || learnt.length >= MOST_LESSONS) throw error
        learnt.push(lesson.trait)
        if (!lesson.isOfValue) kept.push(lesson.trait)
      }
    }
  }

  /**
   * Reads calls that a server leaves in the text: of servers that anybody may run, and where tools are offered. Not where the prompt
   * has such a call in it, or speaks of them: a model that quotes what a file, a page, a tool or somebody else said must not be taken
   * to ask for it. Calls without a mark are not read either where JSON is what is asked for.
   */
  #callFilter({ tools = [], prompt, responseFormat }: LanguageModelV4CallOptions): CallFilter | undefined {
    const known = tools.flatMap((tool) =>
      tool.type === 'function' ? [[tool.name, json(tool.inputSchema)] as const] : [],
    )
    if (!this.#options.mayWriteCalls || known.length === 0 || this.#traits.includes('no_tools')) return undefined
    const said = prompt.flatMap(wordsIn)
    if (said.some(speaksOfCalls)) return undefined
    const names = known.map(([name]) => name)
    const asked = prompt.findLast(({ role }) => role === 'user')
    const isBare =
      responseFormat?.type !== 'json' &&
      !(asked && wordsIn(asked).some(asksForWriting)) &&
      !said.some((words) => writesCallOf(names, words))
    return new CallFilter(new Map(known), { isBare })
  }

  async #learn(traits: Trait[]): Promise<void> {
    const news = traits.filter((trait) => !this.#traits.includes(trait))
    if (news.length === 0) return
    this.#traits = [...this.#traits, ...news]
    await this.#options.learn(news)
  }

  /** Words apart from thoughts; an end without words is told by its cause. */
  #spoken(options: LanguageModelV4CallOptions): TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart> {
    const filter = new ThoughtFilter({ isUnopened: this.#traits.includes('thinks_unopened') })
    const calls = this.#callFilter(options)
    let textId: string | undefined
    let isTextOpen = false
    let isThinking = false
    let hasWords = false
    let hasThoughts = false
    let hasFailed = false
    let hasCalls = false
    type Controller = TransformStreamDefaultController<LanguageModelV4StreamPart>
    const think = (controller: Controller, delta: string) => {
      if (delta === '') return
      hasThoughts = true
      if (!isThinking) controller.enqueue({ type: 'reasoning-start', id: THOUGHTS_ID })
      isThinking = true
      controller.enqueue({ type: 'reasoning-delta', id: THOUGHTS_ID, delta })
    }
    const say = (controller: Controller, delta: string) => {
      if (delta === '' || textId === undefined) return
      if (isThinking) controller.enqueue({ type: 'reasoning-end', id: THOUGHTS_ID })
      isThinking = false
      if (!isTextOpen) controller.enqueue({ type: 'text-start', id: textId })
      isTextOpen = true
      hasWords ||= delta.trim() !== ''
      controller.enqueue({ type: 'text-delta', id: textId, delta })
    }
    const finish = (controller: Controller, isCut: boolean) => {
      const rest = filter.end()
      think(controller, rest.thoughts)
      textId ??= TEXT_ID
      say(controller, calls ? calls.push(rest.words) + calls.end({ isCut }) : rest.words)
      if (isThinking) controller.enqueue({ type: 'reasoning-end', id: THOUGHTS_ID })
      if (isTextOpen) controller.enqueue({ type: 'text-end', id: textId })
      isThinking = false
      isTextOpen = false
      // A server that reads calls has read these.
      if (hasCalls) return
      for (const { name: toolName, input } of calls?.calls ?? []) {
        controller.enqueue({ type: 'tool-call', toolCallId: '', toolName, input })
        hasCalls = true
      }
    }
    return new TransformStream({
      transform: (part, controller) => {
        switch (part.type) {
          case 'stream-start':
            if (!usesTools(options) || !this.#traits.includes('no_tools')) break
            controller.enqueue({ ...part, warnings: [...part.warnings, TOOLS_NOT_TAKEN] })
            return
          // One text, whatever blocks it came in: thoughts lead only its beginning.
          case 'text-start':
            textId ??= part.id
            return
          case 'text-end':
            return
          case 'text-delta': {
            textId ??= part.id
            const { words, thoughts } = filter.push(part.delta)
            think(controller, thoughts)
            say(controller, calls ? calls.push(words) : words)
            return
          }
          case 'reasoning-delta':
            hasThoughts ||= part.delta !== ''
            break
          case 'tool-call':
            hasCalls = true
            break
          case 'error':
            hasFailed = true
            break
          case 'finish': {
            finish(controller, part.finishReason.unified === 'length')
            hasThoughts ||= (part.usage.outputTokens.reasoning ?? 0) > 0
            const error =
              hasWords || hasCalls || hasFailed
                ? undefined
                : wordless(part.finishReason.unified, options.maxOutputTokens)
            if (error) controller.enqueue({ type: 'error', error })
            const learnt: Trait[] = filter.sawUnopened ? ['thinks', 'thinks_unopened'] : hasThoughts ? ['thinks'] : []
            if (calls && calls.calls.length > 0) learnt.push('writes_calls')
            // Remembered before anybody goes on: the next call is to know.
            return this.#learn(learnt).then(() => controller.enqueue(part))
          }
        }
        controller.enqueue(part)
      },
    })
  }
}

/** What a message says, of whoever it is. */
const wordsIn = ({ content }: LanguageModelV4Prompt[number]): string[] =>
  typeof content === 'string'
    ? [content]
    : content.flatMap((part) => {
        if (part.type === 'text') return [part.text]
        if (part.type === 'tool-call') return [JSON.stringify(part.input)]
        return part.type === 'tool-result' ? [resultWords(part.output)] : []
      })

const THOUGHTS_ID = 'thoughts'
const TEXT_ID = 'text'
/** Tools were asked for, and the model answers without. */
const TOOLS_NOT_TAKEN: SharedV4Warning = { type: 'unsupported', feature: 'tools' }

/** Why an answer without a word has none, where its end tells. */
function wordless(end: LanguageModelV4FinishReason['unified'], limit: number | undefined): WireError | undefined {
  if (end === 'content-filter') return new WireError('content_refused')
  if (end === 'length') return new WireError('limit_reached', limit === undefined ? {} : { detail: String(limit) })
  return undefined
}

/** The lesson in an error, also where the SDK wrapped it. */
function lessonIn(error: unknown): LessonLearnt | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if (at instanceof LessonLearnt) return at
  }
  return undefined
}

/** No language comes near so many characters a token; thoughts and servers that keep no limit are allowed for. */
const mostChars = (limit = 8_192): number => 8 * Math.max(65_536, limit * 16)

/** @throws what the stream carries as an error; WireError for a flood, which nobody could count or read */
async function gathered(stream: ReadableStream<LanguageModelV4StreamPart>, most: number) {
  let chars = 0
  let words = ''
  let thoughts = ''
  let failure: { error: unknown } | undefined
  let finishReason: LanguageModelV4FinishReason = { unified: 'other', raw: undefined }
  let usage: LanguageModelV4Usage = {
    inputTokens: { total: undefined, noCache: undefined, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: undefined, text: undefined, reasoning: undefined },
  }
  const content: LanguageModelV4Content[] = []
  for await (const part of stream) {
    if ('delta' in part) chars += part.delta.length
    if (chars > most) throw new WireError('bad_response')
    if (part.type === 'text-delta') words += part.delta
    else if (part.type === 'reasoning-delta') thoughts += part.delta
    else if (part.type === 'tool-call') content.push(part)
    else if (part.type === 'error') failure ??= { error: part.error }
    else if (part.type === 'finish') {
      finishReason = part.finishReason
      usage = part.usage
    }
  }
  if (failure) throw failure.error
  if (thoughts) content.unshift({ type: 'reasoning', text: thoughts })
  const said = withoutThoughts(words)
  if (said) content.push({ type: 'text', text: said })
  return { content, finishReason, usage }
}
