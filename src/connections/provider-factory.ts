import { createAnthropic } from '@ai-sdk/anthropic'
import { createGoogleGenerativeAI } from '@ai-sdk/google'
import { createGroq } from '@ai-sdk/groq'
import { createOpenAI } from '@ai-sdk/openai'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModelV4 } from '@ai-sdk/provider'
import { AppError } from '../shared/errors.ts'
import { DemoModel } from './demo/demo-model.ts'
import type { ProviderName, ResolvedConnection } from './provider.ts'

/** How a model is to be reached. */
export interface ModelOptions {
  /** Must be the outbound guard's: base URLs are the user's. */
  fetch: typeof fetch
  /** The demo model's pace; see DEMO_WORDS_PER_MINUTE. */
  demoWordsPerMinute?: number
  /** What the demo model's answer depends on besides the prompt: a retry has the same, a new run another. */
  demoSeed?: string
}

/** Always given to the SDKs, which else take a base URL from the environment and would send a user's key there. */
const DEFAULT_BASE_URL: Record<Exclude<ProviderName, 'openai-compatible' | 'demo'>, string> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
  groq: 'https://api.groq.com/openai/v1',
  ollama: 'http://localhost:11434/v1',
}

/**
 * The AI SDK model of a connection. Usage comes with streams too. Retries are the caller's: give `maxRetries: 0`.
 * @throws AppError 422 `connections.incomplete` when the key or address that this provider needs is missing.
 */
export function languageModel(
  connection: Pick<ResolvedConnection, 'provider' | 'baseUrl' | 'apiKey'>,
  modelId: string,
  { fetch, demoWordsPerMinute, demoSeed }: ModelOptions,
): LanguageModelV4 {
  const { provider } = connection
  switch (provider) {
    case 'demo':
      return new DemoModel(modelId, { wordsPerMinute: demoWordsPerMinute, seed: demoSeed })
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

function baseUrlOf({ provider, baseUrl }: Pick<ResolvedConnection, 'provider' | 'baseUrl'>): string {
  if (!baseUrl) {
    if (provider === 'openai-compatible' || provider === 'demo') throw new AppError('connections.incomplete/url')
    return DEFAULT_BASE_URL[provider]
  }
  const trimmed = baseUrl.replace(/\/+$/, '')
  // Ollama's own documents show http://host:11434; its OpenAI wire is below /v1.
  return provider === 'ollama' && new URL(trimmed).pathname === '/' ? `${trimmed}/v1` : trimmed
}
