import { randomBytes } from 'node:crypto'
import { seedDemoAgents } from './agents/agent.seed.ts'
import { DEMO_CONNECTION_ID, seedConnections } from './connections/connection.seed.ts'
import type { Container } from './container.ts'
import { seedPrices } from './credits/price.seed.ts'

/** What the first seeding made; `adminPassword` only when it was generated, and never again. */
export interface Seeded {
  adminEmail: string
  adminPassword: string | undefined
}

/** An administrator, the price list, the platform's connections and the demo agents. What is there stays as it is. */
export async function seed(container: Container): Promise<Seeded> {
  const { env, transactions, connectionRepository, sealedSecrets, agentRepository } = container
  await seedPrices(container.priceRepository)
  await seedConnections({
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
  await seedDemoAgents(agentRepository, DEMO_CONNECTION_ID)
  return { adminEmail: env.ADMIN_EMAIL, adminPassword: await seedAdmin(container) }
}

/** Makes an administrator when there is none; answers the password if it had to be generated. */
async function seedAdmin({ env, authService, userRepository }: Container): Promise<string | undefined> {
  if (await userRepository.hasAdmin()) return undefined
  const generated = env.ADMIN_PASSWORD ? undefined : randomBytes(15).toString('base64url')
  const password = env.ADMIN_PASSWORD ?? generated ?? ''
  await authService.createUser({ email: env.ADMIN_EMAIL, password, name: 'Administrator' }, 'admin')
  return generated
}
