import {
  breakageOf,
  count,
  firstCount,
  isJson,
  type Json,
  json,
  list,
  sse,
  text,
  type WireReader,
  type Written,
} from './wire.ts'

/** Ends by other names; what is not here and is no breakage ends as `stop`. */
const ENDS: Record<string, string> = {
  length: 'length',
  max_tokens: 'length',
  max_output_tokens: 'length',
  max_completion_tokens: 'length',
  model_length: 'length',
  content_filter: 'content_filter',
  'content-filter': 'content_filter',
  sensitive: 'content_filter',
  safety: 'content_filter',
  refusal: 'content_filter',
  tool_calls: 'tool_calls',
  tool_use: 'tool_calls',
  function_call: 'tool_calls',
}

/** Said in chunks that are not the last. */
const NO_END = new Set(['', 'null', 'none'])

/**
 * Chat Completions as OpenAI's followers write them: `[DONE]` or not, usage in a chunk of its own, in a choice, in `x_groq`
 * or at the top, content as text or parts, whole messages instead of deltas.
 */
export class OpenAiWire implements WireReader {
  readonly #isGroq: boolean
  #head: Json | undefined
  #end: string | undefined
  #usage: Json | undefined
  /** It says why it does not answer. */
  #isRefusal = false
  #isDone = false
  #hasSpoken = false
  isHeard = false

  constructor(isGroq = false) {
    this.#isGroq = isGroq
  }

  get isEnded(): boolean {
    return this.#end !== undefined || this.#isDone
  }

  get isFinal(): boolean {
    return this.#isDone
  }

  done(): void {
    // Of a body that held nothing else it is no answer.
    this.#isDone = this.isHeard
  }

  read(value: Json, { isWhole }: { isWhole: boolean }): Written {
    const choice = list(value.choices)
      .map(json)
      .find(({ index }) => (count(index) ?? 0) === 0)
    const usage = usageIn(value, choice)
    if (!choice && !usage && !Array.isArray(value.choices)) return []
    this.isHeard = true
    if (usage) this.#usage = usage
    this.#head ??= {
      id: text(value.id) || 'answer',
      object: 'chat.completion.chunk',
      created: count(value.created) ?? 0,
      model: text(value.model),
    }
    if (!choice) return []
    const delta = this.#deltaOf(choice)
    const reason = choice.finish_reason ?? choice.finishReason ?? choice.stop_reason
    if (typeof reason === 'string' && !NO_END.has(reason.trim().toLowerCase())) {
      const breakage = breakageOf(reason)
      if (breakage) throw breakage
      this.#end = ENDS[reason.toLowerCase()] ?? 'stop'
    } else if (isWhole && isJson(choice.message)) this.#end ??= 'stop'
    const members = Object.entries(delta)
    if (members.length === 0) return []
    this.#hasSpoken = true
    const [[key, words] = ['', ''], ...others] = members
    if (others.length > 0 || typeof words !== 'string') return [this.#delta(delta)]
    return [{ key, words, write: (all) => this.#delta({ [key]: all }) }]
  }

  close(): string {
    const usage = this.#usage
    const end = this.#chunk({ delta: {}, finish_reason: this.#isRefusal ? 'content_filter' : (this.#end ?? 'stop') })
    const head = this.#head ?? {}
    const counts = usage ? sse({ ...head, choices: [], ...(this.#isGroq ? { x_groq: { usage } } : { usage }) }) : ''
    return `${end}${counts}data: [DONE]\n\n`
  }

  #delta(delta: Json): string {
    return this.#chunk({ delta: { role: 'assistant', ...delta }, finish_reason: null })
  }

  #chunk(choice: Json): string {
    return sse({ ...this.#head, choices: [{ index: 0, ...choice }] })
  }

  #deltaOf(choice: Json): Json {
    // A server that repeats the whole message at its end has said it already.
    const whole = isJson(choice.message) && !this.#hasSpoken ? choice.message : undefined
    const said = isJson(choice.delta) && Object.keys(choice.delta).length > 0 ? choice.delta : whole
    if (!said) return typeof choice.text === 'string' && choice.text !== '' ? { content: choice.text } : {}
    const { words, thoughts } = contentOf(said.content)
    const reasoning = `${thoughtOf(said)}${thoughts}`
    // As OpenAI wrote a call before there could be two.
    const former = isJson(said.function_call) ? [{ function: said.function_call }] : []
    const calls = [...list(said.tool_calls), ...former].flatMap(toolCallOf)
    // Of the SDKs one knows this field; to the others it would be no answer.
    const refusal = text(said.refusal)
    this.#isRefusal ||= refusal !== ''
    return {
      ...((words || refusal) && { content: words + refusal }),
      ...(reasoning && { [this.#isGroq ? 'reasoning' : 'reasoning_content']: reasoning }),
      ...(calls.length > 0 && { tool_calls: calls }),
    }
  }
}

/** Thoughts by either name; some servers send both, with the same words. */
const thoughtOf = (said: Json): string => {
  for (const member of [said.reasoning_content, said.reasoning, said.thinking]) {
    if (typeof member === 'string' && member !== '') return member
    if (isJson(member) && text(member.text)) return text(member.text)
  }
  return ''
}

/** Content is text, or parts: of text, and of thoughts as Mistral's models write them. */
function contentOf(content: unknown): { words: string; thoughts: string } {
  if (typeof content === 'string') return { words: content, thoughts: '' }
  let words = ''
  let thoughts = ''
  for (const part of (isJson(content) ? [content] : list(content)).map((one) =>
    typeof one === 'string' ? { text: one } : json(one),
  )) {
    const isThought = part.type === 'thinking' || part.type === 'reasoning'
    const inner = list(part.thinking)
      .map((one) => text(json(one).text))
      .join('')
    const said = text(part.text) || text(part.thinking) || inner
    if (isThought) thoughts += said
    else words += said
  }
  return { words, thoughts }
}

function toolCallOf(value: unknown, position: number): Json[] {
  const call = json(value)
  const wanted = json(call.function)
  if (!isJson(call.function)) return []
  const id = text(call.id)
  const { arguments: input } = wanted
  const signature = text(json(json(call.extra_content).google).thought_signature)
  return [
    {
      index: count(call.index) ?? position,
      ...(id && { id }),
      type: 'function',
      function: {
        ...(text(wanted.name) && { name: text(wanted.name) }),
        arguments: typeof input === 'string' ? input : input == null ? '' : JSON.stringify(input),
      },
      // What Gemini signs of a call, behind this wire: it wants it back.
      ...(signature && { extra_content: { google: { thought_signature: signature } } }),
    },
  ]
}

/** The usage of a chunk, wherever it stands, in OpenAI's own form; undefined when it says nothing. */
export function usageIn(value: Json, choice: Json | undefined): Json | undefined {
  const found = [value.usage, choice?.usage, json(value.x_groq).usage, json(choice?.message).usage].find(isJson)
  if (!found) return undefined
  const total = firstCount(found.total_tokens)
  const details = [found.completion_tokens_details, found.output_tokens_details].map(json)
  const reasoning = firstCount(...details.map((one) => one.reasoning_tokens), found.reasoning_tokens)
  const prompt = firstCount(found.prompt_tokens, found.input_tokens)
  const said = firstCount(found.completion_tokens, found.output_tokens)
  const completion =
    said ?? (total !== undefined && prompt !== undefined && total >= prompt ? total - prompt : undefined)
  if (prompt === undefined && completion === undefined) return undefined
  const cached = firstCount(
    json(found.prompt_tokens_details).cached_tokens,
    json(found.input_tokens_details).cached_tokens,
    found.cached_tokens,
    found.prompt_cache_hit_tokens,
    found.cache_read_input_tokens,
  )
  const written = firstCount(json(found.prompt_tokens_details).cache_write_tokens)
  // Some count reasoning beside the completion: only then do the three make up the total.
  const isOnTop =
    reasoning !== undefined &&
    reasoning > 0 &&
    completion !== undefined &&
    total === (prompt ?? 0) + completion + reasoning
  const all = (completion ?? 0) + (isOnTop ? (reasoning ?? 0) : 0)
  return {
    prompt_tokens: prompt ?? 0,
    completion_tokens: all,
    total_tokens: (prompt ?? 0) + all,
    ...((cached !== undefined || written !== undefined) && {
      prompt_tokens_details: {
        ...(cached !== undefined && { cached_tokens: cached }),
        ...(written !== undefined && { cache_write_tokens: written }),
      },
    }),
    ...(reasoning !== undefined && { completion_tokens_details: { reasoning_tokens: reasoning } }),
  }
}
