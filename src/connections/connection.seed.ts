import type { Transactions, Tx } from '../database/transaction.ts'
import type { Connection } from './connection.entity.ts'
import type { ConnectionRepository } from './connection.repository.ts'
import { openedKey, sealedKey } from './connection.service.ts'
import { DEMO_MODEL_ID } from './demo/demo-model.ts'
import type { SealedSecrets } from './sealed-secret.ts'

/** The platform's account at one provider, as the environment has it. */
interface ProviderSettings {
  apiKey?: string
  baseUrl?: string
}

export interface ConnectionSeed {
  transactions: Transactions
  connections: ConnectionRepository
  secrets: SealedSecrets
  /** Agents that name this connection. */
  usedBy: (connectionId: string) => Promise<unknown[]>
  /** A provider without a key (ollama: without an address) has no platform connection. */
  providers: Record<'openai' | 'anthropic' | 'google' | 'groq' | 'ollama', ProviderSettings>
}

type Seeded = Pick<Connection, 'id' | 'name' | 'provider' | 'model'>

export const DEMO_CONNECTION_ID = '01990000-0000-7000-8000-0000000000c0'
const DEMO: Seeded = {
  id: DEMO_CONNECTION_ID,
  name: 'Demo (built-in, offline)',
  provider: 'demo',
  model: DEMO_MODEL_ID,
}
const PLATFORM: Array<Seeded & { provider: keyof ConnectionSeed['providers'] }> = [
  { id: '01990000-0000-7000-8000-0000000000c1', name: 'OpenAI', provider: 'openai', model: 'gpt-5-mini' },
  { id: '01990000-0000-7000-8000-0000000000c2', name: 'Anthropic', provider: 'anthropic', model: 'claude-haiku-4-5' },
  { id: '01990000-0000-7000-8000-0000000000c3', name: 'Google', provider: 'google', model: 'gemini-2.5-flash' },
  { id: '01990000-0000-7000-8000-0000000000c4', name: 'Groq', provider: 'groq', model: 'llama-3.3-70b-versatile' },
  { id: '01990000-0000-7000-8000-0000000000c5', name: 'Ollama', provider: 'ollama', model: 'llama3.2' },
]

/**
 * Brings the platform's connections in line with the environment; safe to repeat. Key and address follow the environment
 * (name, model and default are the administrator's). When a key leaves the environment, its connection goes, or stays
 * without a key while agents use it. The first real provider takes the default over from the demo.
 */
export async function seedConnections(seed: ConnectionSeed): Promise<void> {
  const { connections, transactions } = seed
  await transactions.run(async (tx) => {
    if (!(await connections.find(DEMO.id, tx))) await insert(seed, DEMO, {}, tx)
    for (const planned of PLATFORM) {
      const settings = seed.providers[planned.provider]
      const isConfigured =
        planned.provider === 'ollama' ? settings.baseUrl !== undefined : settings.apiKey !== undefined
      const existing = await connections.find(planned.id, tx)
      if (isConfigured && existing) await follow(seed, existing, settings, tx)
      else if (isConfigured) await insert(seed, planned, settings, tx)
      else if (existing) await withdraw(seed, existing, tx)
    }
    if (!(await connections.platformDefault(tx))) await connections.update(DEMO.id, { isDefault: true }, tx)
  })
}

async function insert({ connections, secrets }: ConnectionSeed, planned: Seeded, settings: ProviderSettings, tx: Tx) {
  const current = await connections.platformDefault(tx)
  const isDefault = current === null || current.provider === 'demo'
  if (isDefault) await connections.clearDefault(null, tx)
  const key = sealedKey(secrets, planned.id, settings.apiKey ?? null)
  await connections.create({ ...planned, userId: null, baseUrl: settings.baseUrl ?? null, isDefault, ...key }, tx)
}

async function follow(
  { connections, secrets }: ConnectionSeed,
  existing: Connection,
  settings: ProviderSettings,
  tx: Tx,
) {
  const apiKey = settings.apiKey ?? null
  const baseUrl = settings.baseUrl ?? null
  if (existing.baseUrl === baseUrl && readable(secrets, existing) === apiKey) return
  // What was learnt was learnt of another server or account.
  await connections.update(existing.id, { baseUrl, dialects: {}, ...sealedKey(secrets, existing.id, apiKey) }, tx)
}

async function withdraw({ connections, secrets, usedBy }: ConnectionSeed, existing: Connection, tx: Tx): Promise<void> {
  const isUsed = (await usedBy(existing.id)).length > 0
  if (isUsed) await connections.update(existing.id, { isDefault: false, ...sealedKey(secrets, existing.id, null) }, tx)
  else await connections.delete(existing.id, tx)
}

/** The stored key; undefined when the key ring no longer opens it. */
function readable(secrets: SealedSecrets, { id, apiKeySealed }: Connection): string | null | undefined {
  if (apiKeySealed === null) return null
  try {
    return openedKey(secrets, id, apiKeySealed)
  } catch {
    return undefined
  }
}
