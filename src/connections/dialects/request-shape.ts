import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultOutput,
} from '@ai-sdk/provider'
import type { Trait } from './traits.ts'
import { type Json, json, list } from './wire.ts'

/** A call as this model takes it: what needs the prompt or the SDK's own options. */
export function shapedOptions(
  options: LanguageModelV4CallOptions,
  traits: readonly Trait[],
): LanguageModelV4CallOptions {
  const has = (trait: Trait) => traits.includes(trait)
  const isWithoutTools = has('no_tools') && usesTools(options)
  const told = isWithoutTools
    ? withoutTools(options.prompt)
    : has('no_tool_role')
      ? withoutToolRole(options.prompt, asCall)
      : options.prompt
  const prompt = has('thoughts_back') ? told : withoutLooseThoughts(told)
  return {
    ...options,
    prompt: has('no_system_role') ? withoutSystem(prompt) : prompt,
    ...(isWithoutTools && { tools: undefined, toolChoice: undefined }),
    ...(has('no_tool_choice') && { toolChoice: undefined }),
    ...(has('no_json_schema') &&
      options.responseFormat?.type === 'json' && { responseFormat: { type: 'json' as const } }),
    ...(has('no_response_format') && { responseFormat: undefined }),
    ...(has('no_temperature') && { temperature: undefined }),
    ...(has('no_reasoning_effort') && { reasoning: undefined }),
    ...(has('no_output_limit') && { maxOutputTokens: undefined }),
    ...(has('no_stop') && { stopSequences: undefined }),
  }
}

/** True of a call with tools, also where no more of them are offered. */
export const usesTools = ({ tools, prompt }: Pick<LanguageModelV4CallOptions, 'tools' | 'prompt'>): boolean =>
  (tools?.length ?? 0) > 0 || prompt.some(({ role }) => role === 'tool')

/** What an agent is told whose model takes no tools: it must not make believe that it used one. */
const NO_TOOLS = [
  'No tools can be used with this model, whatever is said of tools above. Answer without them. Where something cannot be known or done',
  'without one, say so.',
].join('\n')

/** What a tool gave back, as far as it is words. */
export function resultWords(output: LanguageModelV4ToolResultOutput): string {
  if (output.type === 'text' || output.type === 'error-text') return output.value
  if (output.type === 'content')
    return output.value.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n')
  return 'value' in output ? JSON.stringify(output.value) : ''
}

/** A call in words. */
type InWords = (name: string, input: unknown) => string
const asReport: InWords = (name, input) => `(I called ${name} with ${JSON.stringify(input)}.)`
/** As models write a call that have no other way, so that the next one is written so, too. */
const asCall: InWords = (name, args) => JSON.stringify({ name, arguments: args })

/** Calls of tools, and what they gave back, in words: roles still take turns. */
function withoutToolRole(prompt: LanguageModelV4Prompt, inWords: InWords): LanguageModelV4Prompt {
  const lines = prompt.flatMap((message): LanguageModelV4Prompt => {
    if (message.role === 'assistant') {
      const content = message.content.flatMap((part) => {
        if (part.type === 'tool-call') return [inWords(part.toolName, part.input)]
        return part.type === 'text' ? [part.text] : []
      })
      return [{ role: 'assistant', content: [{ type: 'text', text: content.join('\n\n') }] }]
    }
    if (message.role !== 'tool') return [message]
    const content = message.content.flatMap((part) =>
      part.type === 'tool-result' ? [`(${part.toolName} gave back:)\n${resultWords(part.output)}`] : [],
    )
    return [{ role: 'user', content: [{ type: 'text', text: content.join('\n\n') }] }]
  })
  const joined: LanguageModelV4Prompt = []
  for (const line of lines) {
    const before = joined.at(-1)
    if (before?.role === 'user' && line.role === 'user') {
      joined[joined.length - 1] = { ...before, content: [...before.content, ...line.content] }
    } else joined.push(line)
  }
  return joined
}

/** The same for a model without tools, which is told so. */
function withoutTools(prompt: LanguageModelV4Prompt): LanguageModelV4Prompt {
  const joined = withoutToolRole(prompt, asReport)
  const last = joined.findLastIndex(({ role }) => role === 'system')
  return last < 0
    ? [{ role: 'system', content: NO_TOOLS }, ...joined]
    : joined.map((message, at) =>
        at === last && message.role === 'system'
          ? { ...message, content: `${message.content}\n\n${NO_TOOLS}` }
          : message,
      )
}

/** Thoughts that nobody signed are for their own server alone: others take them for what they do not know, or for words. */
const withoutLooseThoughts = (prompt: LanguageModelV4Prompt): LanguageModelV4Prompt =>
  prompt.map((message) =>
    message.role === 'assistant'
      ? {
          ...message,
          content: message.content.filter((part) => part.type !== 'reasoning' || part.providerOptions !== undefined),
        }
      : message,
  )

/** The system text before the first user message, in the same message: roles still alternate. */
function withoutSystem(prompt: LanguageModelV4Prompt): LanguageModelV4Prompt {
  const system = prompt.flatMap((message) => (message.role === 'system' ? [message.content] : [])).join('\n\n')
  const others = prompt.filter((message) => message.role !== 'system')
  const first = others.findIndex((message) => message.role === 'user')
  if (!system) return others
  const text = { type: 'text' as const, text: system }
  const user = others[first]
  if (user?.role !== 'user') return [{ role: 'user', content: [text] }, ...others]
  const [head, ...rest] = user.content
  const content =
    head?.type === 'text' ? [{ ...head, text: `${system}\n\n${head.text}` }, ...rest] : [text, ...user.content]
  return others.map((message, index) => (index === first ? { ...user, content } : message))
}

/** A request's body as this server takes it: what the SDK has no option for. `isWhole` asks for no stream. */
export function shapedBody(body: Json, traits: readonly Trait[], isWhole: boolean): Json {
  const shaped = { ...body }
  const rename = (from: string, to: string) => {
    if (shaped[from] === undefined) return
    shaped[to] ??= shaped[from]
    delete shaped[from]
  }
  if (traits.includes('max_completion_tokens')) rename('max_tokens', 'max_completion_tokens')
  else if (traits.includes('max_tokens')) rename('max_completion_tokens', 'max_tokens')
  if (traits.includes('no_stream_options')) delete shaped.stream_options
  if (traits.includes('system_not_developer')) {
    shaped.messages = list(shaped.messages).map((one) => {
      const message = json(one)
      return message.role === 'developer' ? { ...message, role: 'system' } : message
    })
  }
  if (traits.includes('thoughts_back')) {
    shaped.messages = list(shaped.messages).map((one) => {
      const message = json(one)
      // Of calls from before this was known none were kept. A blank is taken, and nothing is not.
      return list(message.tool_calls).length > 0 ? { reasoning_content: ' ', ...message } : message
    })
  }
  if (isWhole && shaped.stream !== undefined) {
    shaped.stream = false
    delete shaped.stream_options
  }
  return shaped
}

/** Gemini says in the address whether it is to stream. */
export const wholeUrl = (url: string): string => url.replace(':streamGenerateContent?alt=sse', ':generateContent')
