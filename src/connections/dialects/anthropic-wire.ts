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

const DELTA_BLOCKS: Record<string, { member: string; block: Json }> = {
  text_delta: { member: 'text', block: { type: 'text', text: '' } },
  thinking_delta: { member: 'thinking', block: { type: 'thinking', thinking: '' } },
  signature_delta: { member: 'signature', block: { type: 'thinking', thinking: '' } },
  input_json_delta: { member: 'partial_json', block: { type: 'tool_use', id: 'tool', name: 'json', input: {} } },
}

const COUNTS = ['input_tokens', 'output_tokens', 'cache_read_input_tokens', 'cache_creation_input_tokens'] as const

/** Messages as Anthropic streams them: events of kinds that are not known are left out, as its documents ask. */
export class AnthropicWire implements WireReader {
  #isStarted = false
  #head: Json = {}
  readonly #open = new Map<number, string>()
  /** Inputs of calls that came with their block, and not in pieces so far. */
  readonly #inputs = new Map<number, string>()
  #usage: Partial<Record<(typeof COUNTS)[number], number>> = {}
  #thinking: number | undefined
  #end: string | undefined
  isFinal = false
  isHeard = false

  get isEnded(): boolean {
    return this.#end !== undefined || this.isFinal
  }

  done(): void {
    // Gateways end with OpenAI's mark what they translated.
    this.isFinal = this.isHeard && this.#end !== undefined
  }

  read(value: Json, { name }: { name: string | undefined }): Written {
    const type = text(value.type) || name
    switch (type) {
      case 'message_start':
        return [this.#start(json(value.message))]
      case 'message':
        return [this.#whole(value)]
      case 'content_block_start':
        return [this.#startBlock(value)]
      case 'content_block_delta':
        return this.#delta(value)
      case 'content_block_stop':
        return [this.#stopBlock(count(value.index) ?? 0)]
      case 'message_delta':
        this.isHeard = true
        this.#ended(json(value.delta).stop_reason)
        this.#count(value.usage)
        return []
      case 'message_stop':
        this.isFinal = this.isHeard
        return []
      default:
        return []
    }
  }

  close(): string {
    const { input_tokens, output_tokens = 0, ...cache } = this.#usage
    const usage = {
      ...(input_tokens !== undefined && { input_tokens }),
      output_tokens,
      ...cache,
      ...(this.#thinking !== undefined && { output_tokens_details: { thinking_tokens: this.#thinking } }),
    }
    const closing = [...this.#open.keys()].map((index) => this.#stopBlock(index)).join('')
    const delta = { stop_reason: this.#end ?? 'end_turn', stop_sequence: null }
    return [
      this.#start({}),
      closing,
      sse({ type: 'message_delta', delta, usage }, 'message_delta'),
      sse({ type: 'message_stop' }, 'message_stop'),
    ].join('')
  }

  #start(message: Json): string {
    this.isHeard = true
    // At a message's start its output is not counted yet, whatever stands there.
    this.#count({
      ...json(message.usage),
      ...(this.isFinal || message.stop_reason ? {} : { output_tokens: undefined }),
    })
    if (text(message.stop_reason)) this.#ended(message.stop_reason)
    if (this.#isStarted) return ''
    this.#isStarted = true
    this.#head = { id: text(message.id) || 'message', model: text(message.model), role: 'assistant' }
    const usage = { input_tokens: this.#usage.input_tokens ?? 0, output_tokens: 0 }
    return sse(
      { type: 'message_start', message: { type: 'message', ...this.#head, content: [], usage } },
      'message_start',
    )
  }

  #startBlock(value: Json): string {
    const block = json(value.content_block)
    const index = count(value.index) ?? 0
    const type = text(block.type)
    if (this.#open.has(index)) return ''
    if (type === 'text') return this.#opened(index, { type, text: '' }, text(block.text))
    if (type === 'thinking') {
      const signature = text(block.signature)
      const signed = signature && deltaOf(index, 'signature_delta', 'signature', signature)
      return this.#opened(index, { type, thinking: '' }, text(block.thinking)) + signed
    }
    // Thoughts that nobody may read, and that have to go back with the calls.
    if (type === 'redacted_thinking') return this.#opened(index, { type, data: text(block.data) }, '')
    if (type === 'tool_use') {
      if (isJson(block.input) && Object.keys(block.input).length > 0) {
        this.#inputs.set(index, JSON.stringify(block.input))
      }
      return this.#opened(index, { type, id: text(block.id) || 'tool', name: text(block.name), input: {} }, '')
    }
    return ''
  }

  #opened(index: number, block: Json, words: string): string {
    this.#open.set(index, text(block.type))
    const opening = sse({ type: 'content_block_start', index, content_block: block }, 'content_block_start')
    const kind = block.type === 'text' ? 'text_delta' : 'thinking_delta'
    const said = words ? deltaOf(index, kind, kind === 'text_delta' ? 'text' : 'thinking', words) : ''
    return `${this.#start({})}${opening}${said}`
  }

  #delta(value: Json): Written {
    const delta = json(value.delta)
    const kind = text(delta.type)
    const known = Object.hasOwn(DELTA_BLOCKS, kind) ? DELTA_BLOCKS[kind] : undefined
    const words = known && text(delta[known.member])
    if (!known || !words) return []
    this.isHeard = true
    const index = count(value.index) ?? 0
    if (kind === 'input_json_delta') this.#inputs.delete(index)
    const type = this.#open.get(index)
    // A block of another type by the same number has not been closed where it should have been.
    const before = type === known.block.type ? [] : [this.#stopBlock(index), this.#opened(index, known.block, '')]
    const write = (all: string) => deltaOf(index, kind, known.member, all)
    return [...before, { key: `${index} ${kind}`, words, write }]
  }

  #stopBlock(index: number): string {
    if (!this.#open.delete(index)) return ''
    const input = this.#inputs.get(index)
    this.#inputs.delete(index)
    const whole = input === undefined ? '' : deltaOf(index, 'input_json_delta', 'partial_json', input)
    return `${whole}${sse({ type: 'content_block_stop', index }, 'content_block_stop')}`
  }

  /** A whole message, where a stream was asked for. */
  #whole(message: Json): string {
    const blocks = list(message.content).map((one, index) => {
      const opened = this.#startBlock({ index, content_block: json(one) })
      return `${opened}${this.#stopBlock(index)}`
    })
    const start = this.#start(message)
    if (this.#end === undefined) this.#end = 'end_turn'
    this.isFinal = true
    // The first block has started the message.
    return blocks.length > 0 ? blocks.join('') : start
  }

  #ended(reason: unknown): void {
    if (typeof reason !== 'string' || reason.trim() === '') return
    const breakage = breakageOf(reason)
    if (breakage) throw breakage
    this.#end = reason
  }

  /** Counts only grow: the last one is the sum. */
  #count(value: unknown): void {
    if (!isJson(value)) return
    for (const key of COUNTS) {
      const counted = count(value[key])
      if (counted !== undefined) this.#usage[key] = Math.max(counted, this.#usage[key] ?? 0)
    }
    this.#thinking = firstCount(json(value.output_tokens_details).thinking_tokens, this.#thinking)
  }
}

const deltaOf = (index: number, type: string, member: string, words: string): string =>
  sse({ type: 'content_block_delta', index, delta: { type, [member]: words } }, 'content_block_delta')
