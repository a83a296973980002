import { randomBytes } from 'node:crypto'
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { seedDemoAgents } from './agents/agent.seed.ts'
import { DEMO_CONNECTION_ID, seedConnections } from './connections/connection.seed.ts'
import type { Container } from './container.ts'
import { seedPrices } from './credits/price.seed.ts'
import { whileLocked } from './database/advisory-lock.ts'

/** What the first seeding made, in a sentence for the operator: only when a password was generated, and never again. */
export interface Seeded {
  adminNotice: string | undefined
}

/**
 * An administrator, the price list, the platform's connections and the demo agents. What is there stays as it is. Processes that begin
 * at the same time do it one after the other.
 */
export function seed(container: Container): Promise<Seeded> {
  return whileLocked(container.db, 'seeding', async () => {
    await seedPrices(container.priceRepository)
    await seedPlatformConnections(container)
    await seedDemoAgents(container.agentRepository, DEMO_CONNECTION_ID)
    return { adminNotice: await seedAdmin(container) }
  })
}

function seedPlatformConnections({
  env,
  transactions,
  connectionRepository,
  sealedSecrets,
  agentRepository,
}: Container) {
  return seedConnections({
    transactions,
    connections: connectionRepository,
    secrets: sealedSecrets,
    usedBy: (connectionId) => agentRepository.usingConnection(connectionId),
    providers: {
      openai: { apiKey: env.OPENAI_API_KEY, baseUrl: env.OPENAI_BASE_URL },
      anthropic: { apiKey: env.ANTHROPIC_API_KEY, baseUrl: env.ANTHROPIC_BASE_URL },
      google: { apiKey: env.GOOGLE_API_KEY, baseUrl: env.GOOGLE_BASE_URL },
      groq: { apiKey: env.GROQ_API_KEY, baseUrl: env.GROQ_BASE_URL },
      ollama: { baseUrl: env.OLLAMA_BASE_URL },
    },
  })
}

/** Makes an administrator when there is none; says where the password is if it had to be generated. */
async function seedAdmin({ env, authService, userRepository }: Container): Promise<string | undefined> {
  if (await userRepository.hasAdmin()) return undefined
  const generated = env.ADMIN_PASSWORD ? undefined : randomBytes(15).toString('base64url')
  const password = env.ADMIN_PASSWORD ?? generated ?? ''
  // Kept before it is needed: a process that dies in between leaves a file that the next one writes anew.
  const file = generated && env.NODE_ENV === 'production' ? await keepPassword(env.DATA_DIR, generated) : undefined
  await authService.createUser({ email: env.ADMIN_EMAIL, password, name: 'Administrator' }, 'admin')
  if (file) return `Administrator: ${env.ADMIN_EMAIL}  password: in ${file}. Sign in, change it, and delete the file.`
  return generated && `Administrator: ${env.ADMIN_EMAIL}  password (shown only now): ${generated}`
}

/** Output of production ends in logs, which many read: the password is in a file of its owner's alone. Answers its path. */
async function keepPassword(folder: string, password: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const path = resolve(folder, 'admin-password')
  const fresh = `${path}.new`
  // A file that is there keeps its mode, whatever is asked for.
  await rm(fresh, { force: true })
  await writeFile(fresh, `${password}\n`, { mode: 0o600, flag: 'wx' })
  await rename(fresh, path)
  return path
}
