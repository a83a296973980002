import type { ProviderName } from '../contract/providers.ts'
import { withoutEnd } from '../shared/text-ends.ts'
import type { Connection } from './connection.entity.ts'

/** Always given to the SDKs, which else take a base URL from the environment and would send a user's key there. */
export const DEFAULT_BASE_URL: Record<Exclude<ProviderName, 'openai-compatible' | 'demo'>, string> = {
  openai: 'https://api.openai.com/v1',
  anthropic: 'https://api.anthropic.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
  groq: 'https://api.groq.com/openai/v1',
  ollama: 'http://localhost:11434/v1',
}

/** Where a connection's requests go; undefined where it has no address. */
export function addressOf({ provider, baseUrl }: Pick<Connection, 'provider' | 'baseUrl'>): string | undefined {
  if (!baseUrl) return provider === 'openai-compatible' || provider === 'demo' ? undefined : DEFAULT_BASE_URL[provider]
  const trimmed = withoutEnd(baseUrl, '/')
  // Ollama's own documents show http://host:11434; its OpenAI wire is below /v1.
  return provider === 'ollama' && new URL(trimmed).pathname === '/' ? `${trimmed}/v1` : trimmed
}

/** The server of a connection; for one without an address, its provider's name. Never throws: an address may be odd. */
export function serverOf(connection: Pick<Connection, 'provider' | 'baseUrl'>): {
  host: string
  hostname: string
  port?: number
} {
  const { provider, baseUrl } = connection
  const address = baseUrl ?? addressOf(connection)
  if (!address || !URL.canParse(address)) return { host: provider, hostname: provider }
  const { host, hostname, port } = new URL(address)
  return { host, hostname, ...(port && { port: Number(port) }) }
}

/** A connection as operators tell it from others: whose it is, and which host answers. */
export function classOf(connection: Pick<Connection, 'provider' | 'baseUrl' | 'userId'> | null): {
  provider: string
  host: string
  scope: 'user' | 'platform'
} {
  if (!connection) return { provider: 'none', host: 'none', scope: 'platform' }
  const { provider, userId } = connection
  return { provider, host: serverOf(connection).host, scope: userId === null ? 'platform' : 'user' }
}
