import type { ProviderName } from '../../src/contract/providers.ts'

/** Old models that take text only, of providers whose models see. */
const BLIND = /^(?:gpt-3\.5|gpt-4(?:-\d|-32k|$)|o1-(?:mini|preview)|o3-mini|claude-(?:2|instant)|gemma)/

/**
 * Whether a model may be sent images. Only where that is known: behind the other providers is any model, and one that does
 * not see refuses the whole request.
 */
export const seesImages = (provider: ProviderName, modelId: string): boolean =>
  (provider === 'openai' || provider === 'anthropic' || provider === 'google') && !BLIND.test(modelId)
