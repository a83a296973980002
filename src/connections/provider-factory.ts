import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createGroq } from '@ai-sdk/groq'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import type { ProviderName, ReasoningEffort } from '../contract/providers.ts'
import { AppError } from '../shared/errors.ts'
import { DemoModel } from './demo/demo-model.ts'
import { DialectModel } from './dialects/dialect-model.ts'
import { knownTraits } from './dialects/known-providers.ts'
import type { Trait } from './dialects/traits.ts'
import type { WireName } from './dialects/wire.ts'
import type { ResolvedConnection } from './provider.ts'
import { addressOf } from './provider-address.ts'
import type { MayRead } from './reading-shares.ts'

/** How a model is to be reached. */
export interface ModelOptions {
  /** Must be the outbound guard's: base URLs are the user's. */
  fetch: typeof fetch
  /** The demo model's pace; see DEMO_WORDS_PER_MINUTE. */
  demoWordsPerMinute?: number
  /** What the demo model's answer depends on besides the prompt: a retry has the same, a new run another. */
  demoSeed?: string
  /** Called with what a call taught about the server, to be remembered for the connection and model. */
  learn?: (traits: Trait[]) => void | Promise<void>
  reasoning?: ReasoningEffort | null
  /** Called for every piece that comes from the provider, also comments and pings. */
  onLife?: () => void
  /** Whose answer it is, for the reading of it; by default it is read as it comes. */
  mayRead?: MayRead
  /** Servers that speak as OpenAI does are given schemas too, where one is asked for; else they are asked for any JSON. */
  takesSchemas?: boolean
}

/** What of a connection a model is made of. */
export type ModelSource = Pick<ResolvedConnection, 'provider' | 'baseUrl' | 'apiKey'> & {
  /** What is known of its models; see `dialects/`. */
  dialects?: ResolvedConnection['dialects']
}

const WIRES: Record<Exclude<ProviderName, 'demo'>, WireName> = {
  openai: 'openai',
  anthropic: 'anthropic',
  google: 'google',
  groq: 'groq',
  ollama: 'openai',
  'openai-compatible': 'openai',
}

/**
 * The model of a connection: the provider's SDK, behind what its server needs. Usage comes with streams too. Retries are the
 * caller's: give `maxRetries: 0`.
 * @throws AppError 422 `connections.incomplete` when the key or address that this provider needs is missing.
 */
export function languageModel(
  connection: ModelSource,
  modelId: string,
  {
    fetch,
    demoWordsPerMinute,
    demoSeed,
    learn = () => {},
    reasoning = null,
    onLife = () => {},
    mayRead,
    takesSchemas = false,
  }: ModelOptions,
): LanguageModelV4 {
  const { provider } = connection
  if (provider === 'demo') return new DemoModel(modelId, { wordsPerMinute: demoWordsPerMinute, seed: demoSeed })
  return new DialectModel({
    wire: WIRES[provider],
    modelId,
    build: (through) => sdkModel(connection, provider, modelId, through, takesSchemas),
    fetch,
    traits: traitsOf(connection, modelId),
    learn,
    reasoning,
    onLife,
    mayRead,
    mayWriteCalls: provider === 'ollama' || provider === 'openai-compatible',
  })
}

/** What is known of a connection's model: what its server is known for, and what was learnt. */
export const traitsOf = ({ baseUrl, dialects }: Omit<ModelSource, 'apiKey' | 'provider'>, modelId: string): Trait[] => [
  ...new Set([...knownTraits(baseUrl), ...((dialects && Object.hasOwn(dialects, modelId) && dialects[modelId]) || [])]),
]

/** The connection with what was learnt of a model of its besides. */
export const withTraits = (connection: ResolvedConnection, modelId: string, learnt: Trait[]): ResolvedConnection => ({
  ...connection,
  dialects: { ...connection.dialects, [modelId]: [...new Set([...traitsOf(connection, modelId), ...learnt])] },
})

function sdkModel(
  connection: ModelSource,
  provider: Exclude<ProviderName, 'demo'>,
  modelId: string,
  fetch: ModelOptions['fetch'],
  takesSchemas: boolean,
): LanguageModelV4 {
  switch (provider) {
    case 'openai':
      // Chat Completions, not Responses: every gateway behind a base URL speaks it, and it stores nothing at OpenAI.
      return createOpenAI(settings(connection, fetch)).chat(modelId)
    case 'anthropic':
      return createAnthropic(settings(connection, fetch))(modelId)
    case 'google':
      return createGoogleGenerativeAI(settings(connection, fetch))(modelId)
    case 'groq':
      return createGroq(settings(connection, fetch))(modelId)
    case 'ollama':
    case 'openai-compatible':
      return createOpenAICompatible({
        name: provider,
        baseURL: baseUrlOf(connection),
        apiKey: connection.apiKey ?? undefined,
        includeUsage: true,
        supportsStructuredOutputs: takesSchemas,
        fetch,
      })(modelId)
  }
}

function settings(
  connection: Pick<ResolvedConnection, 'provider' | 'baseUrl' | 'apiKey'>,
  fetch: ModelOptions['fetch'],
) {
  // Never undefined: the SDKs would fall back to the platform's key in the environment, for a user's address.
  if (!connection.apiKey) throw new AppError('connections.incomplete/key')
  return { apiKey: connection.apiKey, baseURL: baseUrlOf(connection), fetch }
}

function baseUrlOf(connection: Pick<ResolvedConnection, 'provider' | 'baseUrl'>): string {
  const address = addressOf(connection)
  if (!address) throw new AppError('connections.incomplete/url')
  return address
}
