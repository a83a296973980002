/** Words of model providers that clients write too. Pure: browsers import this file. */

/** The model providers that a connection may name. */
export const PROVIDERS = ['openai', 'anthropic', 'google', 'groq', 'ollama', 'openai-compatible', 'demo'] as const
export type ProviderName = (typeof PROVIDERS)[number]

/** How hard a model is to think before it speaks. */
export const REASONING_EFFORTS = ['none', 'minimal', 'low', 'medium', 'high'] as const
export type ReasoningEffort = (typeof REASONING_EFFORTS)[number]
