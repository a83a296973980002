import type { Dialects } from './dialects/traits.ts'

/** The model providers that a connection may name. */
export const PROVIDERS = ['openai', 'anthropic', 'google', 'groq', 'ollama', 'openai-compatible', 'demo'] as const
export type ProviderName = (typeof PROVIDERS)[number]

/** How hard a model is to think before it speaks. */
export const REASONING_EFFORTS = ['none', 'minimal', 'low', 'medium', 'high'] as const
export type ReasoningEffort = (typeof REASONING_EFFORTS)[number]

/** A connection ready to be called, its key opened. Lives in memory only, for as long as a call needs it. */
export interface ResolvedConnection {
  id: string
  scope: 'user' | 'platform'
  name: string
  provider: ProviderName
  /** Null means the provider's own address. */
  baseUrl: string | null
  model: string
  apiKey: string | null
  /** What its models turned out to need, by model. */
  dialects: Dialects
}
