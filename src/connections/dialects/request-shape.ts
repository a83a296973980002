import type { LanguageModelV4CallOptions, LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { Trait } from './traits.ts'
import { type Json, json, list } from './wire.ts'

/** A call as this model takes it: what needs the prompt or the SDK's own options. */
export function shapedOptions(
  options: LanguageModelV4CallOptions,
  traits: readonly Trait[],
): LanguageModelV4CallOptions {
  const has = (trait: Trait) => traits.includes(trait)
  return {
    ...options,
    ...(has('no_system_role') && { prompt: withoutSystem(options.prompt) }),
    ...(has('no_response_format') && { responseFormat: undefined }),
    ...(has('no_temperature') && { temperature: undefined }),
    ...(has('no_reasoning_effort') && { reasoning: undefined }),
    ...(has('no_output_limit') && { maxOutputTokens: undefined }),
    ...(has('no_stop') && { stopSequences: undefined }),
  }
}

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
  if (isWhole && shaped.stream !== undefined) {
    shaped.stream = false
    delete shaped.stream_options
  }
  return shaped
}

/** Gemini says in the address whether it is to stream. */
export const wholeUrl = (url: string): string => url.replace(':streamGenerateContent?alt=sse', ':generateContent')
