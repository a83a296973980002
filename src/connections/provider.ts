import type { ProviderName } from '../contract/providers.ts'
import type { Dialects } from './dialects/traits.ts'

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
