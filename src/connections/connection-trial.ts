import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { inWords, type Trait } from './dialects/traits.ts'
import type { ResolvedConnection } from './provider.ts'
import { classifyProviderError } from './provider-errors.ts'
import { languageModel, traitsOf } from './provider-factory.ts'

/** Room for thoughts: there are models that say nothing in less. */
const MAX_OUTPUT_TOKENS = 1_024

/** What a party sends: instructions, and words of both sides that take turns. */
const CONVERSATION: LanguageModelV4CallOptions['prompt'] = [
  { role: 'system', content: 'You are Ada. You answer in as few words as you can.' },
  { role: 'user', content: [{ type: 'text', text: 'User: Are you there?' }] },
  { role: 'assistant', content: [{ type: 'text', text: 'Yes.' }] },
  { role: 'user', content: [{ type: 'text', text: 'Reply with the word OK.' }] },
]
const DECISION: LanguageModelV4CallOptions = {
  prompt: [
    { role: 'system', content: 'You choose who speaks. Answer with JSON only, such as {"next": "<name>"}.' },
    { role: 'user', content: [{ type: 'text', text: 'Ada is the only one here. Who speaks next?' }] },
  ],
  responseFormat: {
    type: 'json',
    name: 'decision',
    schema: {
      type: 'object',
      properties: { next: { type: 'string' } },
      required: ['next'],
      additionalProperties: false,
    },
  },
  maxOutputTokens: MAX_OUTPUT_TOKENS,
}
const ERRAND: LanguageModelV4CallOptions = {
  prompt: [
    { role: 'system', content: 'You are Ada. You use your tools where you are asked to.' },
    { role: 'user', content: [{ type: 'text', text: 'Keep the number 7 with your tool.' }] },
  ],
  tools: [
    {
      type: 'function',
      name: 'keep_number',
      description: 'Keeps a number for later.',
      inputSchema: { type: 'object', properties: { number: { type: 'integer' } }, required: ['number'] },
    },
  ],
  toolChoice: { type: 'auto' },
  maxOutputTokens: MAX_OUTPUT_TOKENS,
}

export interface Trial {
  latencyMs: number
  traits: Trait[]
  /** In words, for whoever owns the connection. */
  learnt: string[]
}

/**
 * Tries a connection's model with what parties need: streaming, usage, roles that take turns, a structured answer, tools. What was
 * known of it is found out anew.
 * @throws whatever keeps it from speaking at all
 */
export async function tryModel(
  connection: ResolvedConnection,
  fetch: typeof globalThis.fetch,
  abortSignal: AbortSignal,
): Promise<Trial> {
  const blank = { ...connection, dialects: {} }
  const traits = traitsOf(blank, connection.model)
  const learn = (news: Trait[]) => {
    for (const trait of news) if (!traits.includes(trait)) traits.push(trait)
  }
  let streams = connection.provider === 'demo'
  const watched: typeof fetch = async (...request) => {
    const response = await fetch(...request)
    streams ||= response.headers.get('content-type')?.includes('stream') ?? false
    return response
  }
  const model = () =>
    languageModel({ ...blank, dialects: { [connection.model]: traits } }, connection.model, {
      fetch: watched,
      learn,
      demoWordsPerMinute: 0,
    })
  const startedAt = performance.now()
  const speech = await speak(model(), abortSignal)
  const latencyMs = Math.round(performance.now() - startedAt)
  const decides = await decide(model(), abortSignal)
  const calls = connection.provider === 'demo' ? undefined : await callsTool(model(), abortSignal)
  const learnt = [
    speech.hasWords
      ? 'Speaks, in roles that take turns.'
      : `Came to no word within ${MAX_OUTPUT_TOKENS} tokens: give its agents more.`,
    ...(streams ? ['Streams its words.'] : ['Gives its words all at once.']),
    speech.hasUsage ? 'Reports its usage.' : 'Reports no usage: tokens are estimated.',
    decides
      ? 'Answers in JSON, so it can supervise.'
      : 'Gave no usable JSON: as a supervisor it would leave the choice to chance.',
    ...(calls === undefined || traits.includes('no_tools')
      ? []
      : [calls ? 'Calls tools.' : 'Called no tool when it was asked to: its agents may leave theirs alone.']),
    ...inWords(traits),
  ]
  return { latencyMs, traits, learnt }
}

/** @throws the failure of the call, but for a limit that only thoughts have used up */
async function speak(model: LanguageModelV4, abortSignal: AbortSignal) {
  const { stream } = await model.doStream({
    prompt: CONVERSATION,
    maxOutputTokens: MAX_OUTPUT_TOKENS,
    abortSignal,
  })
  const speech = { hasWords: false, hasUsage: false }
  for await (const part of stream) {
    if (part.type === 'error' && !isLimit(part.error)) throw part.error
    if (part.type === 'text-delta') speech.hasWords ||= part.delta.trim() !== ''
    if (part.type === 'finish') speech.hasUsage = (part.usage.inputTokens.total ?? 0) > 0
  }
  return speech
}

async function decide(model: LanguageModelV4, abortSignal: AbortSignal): Promise<boolean> {
  try {
    const { content } = await model.doGenerate({ ...DECISION, abortSignal })
    const text = content.map((part) => (part.type === 'text' ? part.text : '')).join('')
    return text.includes('{') && text.includes('"next"')
  } catch (error) {
    if (abortSignal.aborted) throw error
    return false
  }
}

/** Undefined where it cannot be told: what matters most is known by then, so nothing fails for it. */
async function callsTool(model: LanguageModelV4, abortSignal: AbortSignal): Promise<boolean | undefined> {
  try {
    const { stream } = await model.doStream({ ...ERRAND, abortSignal })
    let isCalled = false
    for await (const part of stream) {
      if (part.type === 'error') return undefined
      isCalled ||= part.type === 'tool-call'
    }
    return isCalled
  } catch {
    return undefined
  }
}

const isLimit = (error: unknown): boolean => classifyProviderError(error).code === 'provider.limit_reached'
