import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FunctionTool,
  LanguageModelV4Prompt,
  LanguageModelV4StreamPart,
  LanguageModelV4ToolChoice,
} from '@ai-sdk/provider'
import type { StepThought } from '../../src/tools/tool-step.entity.ts'

/** A call that a model asks for, as it wrote it: `input` may be no JSON. */
export interface AskedCall {
  id: string
  name: string
  input: string
  providerData: Record<string, unknown> | null
}

/** What a step adds to what the agent is asked: its tools, and what earlier steps said, asked for and were given. */
export interface StepRequest {
  tools: LanguageModelV4FunctionTool[]
  toolChoice: LanguageModelV4ToolChoice
  /** Behind the prompt. */
  messages: LanguageModelV4Prompt
  /** The server wants thoughts back that nobody signed. */
  keepsThoughts?: boolean
  /** How a server is asked for an answer of a form. */
  format?: Pick<LanguageModelV4CallOptions, 'responseFormat' | 'providerOptions'> | null
}

/** A model may ask for so much: arguments beyond it are none, which it is told, and calls beyond it are dropped. In UTF-16 units and calls. */
const MOST_INPUT_CHARS = 65_536
const MOST_CALLS = 64
const MOST_NAME_CHARS = 1_024
/** No JSON, so that it is refused as arguments are. */
const TOO_LONG = '(too long)'
const MOST_THOUGHT_CHARS = 131_072
const MOST_DATA_CHARS = 32_768

/**
 * One step of a turn with tools, around the model that is metered. Mastra runs the call and knows nothing of tools: its own loop would
 * start them before anything of the step is committed, and its list of messages joins and drops what providers want back unchanged. So
 * what belongs to tools is added to the prompt and taken off the answer here, at the wire.
 */
export class ToolModel {
  readonly #request: StepRequest
  readonly #calls: AskedCall[] = []
  readonly #thoughts = new Map<string, StepThought>()
  #chars = 0
  #thoughtChars = 0
  #isToolless = false

  constructor(request: StepRequest) {
    this.#request = request
  }

  /** What the model asked for, in its order. */
  get calls(): AskedCall[] {
    return this.#calls
  }

  /** What it thought, where its provider wants it back, as whoever signs thoughts does; null otherwise. */
  get thoughts(): StepThought[] | null {
    const { keepsThoughts } = this.#request
    const signed = [...this.#thoughts.values()].filter(
      ({ text, providerData }) => providerData !== null || (keepsThoughts && text !== ''),
    )
    // A thought that was cut is none that its provider signed.
    if (this.#thoughtChars > MOST_THOUGHT_CHARS) return null
    return signed.length > 0 ? signed : null
  }

  /** The model takes no tools, and answered without. */
  get isToolless(): boolean {
    return this.#isToolless
  }

  wrap(model: LanguageModelV4): LanguageModelV4 {
    const asked = (options: LanguageModelV4CallOptions): LanguageModelV4CallOptions => {
      const { tools, toolChoice, messages, format } = this.#request
      const prompt = [...options.prompt, ...messages]
      return { ...options, ...format, prompt, ...(tools.length > 0 && { tools, toolChoice }) }
    }
    return {
      specificationVersion: model.specificationVersion,
      provider: model.provider,
      modelId: model.modelId,
      supportedUrls: model.supportedUrls,
      doGenerate: (options) => model.doGenerate(asked(options)),
      doStream: async (options) => {
        const result = await model.doStream(asked(options))
        return { ...result, stream: result.stream.pipeThrough(this.#withoutCalls()) }
      },
    }
  }

  #withoutCalls(): TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart> {
    return new TransformStream({
      transform: (part, controller) => {
        switch (part.type) {
          case 'stream-start':
            this.#isToolless ||= part.warnings.some((one) => one.type === 'unsupported' && one.feature === 'tools')
            break
          case 'tool-input-start':
          case 'tool-input-delta':
          case 'tool-input-end':
          case 'tool-approval-request':
          case 'tool-result':
            return
          case 'tool-call':
            this.#ask(part)
            return
          case 'reasoning-start':
          case 'reasoning-end':
            this.#think(part.id, '', part.providerMetadata)
            break
          case 'reasoning-delta':
            this.#think(part.id, part.delta, part.providerMetadata)
            break
          case 'finish':
            // Who runs the call would go on by itself.
            if (part.finishReason.unified === 'tool-calls') {
              controller.enqueue({ ...part, finishReason: { ...part.finishReason, unified: 'stop' } })
              return
            }
        }
        controller.enqueue(part)
      },
    })
  }

  #ask(part: Extract<LanguageModelV4StreamPart, { type: 'tool-call' }>): void {
    const providerData = bounded(part.providerMetadata)
    this.#chars += part.input.length + JSON.stringify(providerData).length
    if (part.providerExecuted || this.#calls.length >= MOST_CALLS) return
    const isTooLong = this.#chars > MOST_INPUT_CHARS
    this.#calls.push({
      id: part.toolCallId,
      name: part.toolName.slice(0, MOST_NAME_CHARS),
      input: isTooLong ? TOO_LONG : part.input,
      providerData: isTooLong ? null : providerData,
    })
  }

  #think(id: string, text: string, metadata: Record<string, unknown> | undefined): void {
    const thought = this.#thoughts.get(id) ?? { text: '', providerData: null }
    const data = bounded(metadata)
    this.#thoughtChars += text.length + (data ? JSON.stringify(data).length : 0)
    if (this.#thoughtChars > MOST_THOUGHT_CHARS || this.#thoughts.size > MOST_CALLS) return
    thought.text += text
    thought.providerData = data ?? thought.providerData
    this.#thoughts.set(id, thought)
  }
}

const bounded = (metadata: Record<string, unknown> | undefined): Record<string, unknown> | null =>
  metadata && Object.keys(metadata).length > 0 && JSON.stringify(metadata).length <= MOST_DATA_CHARS ? metadata : null
