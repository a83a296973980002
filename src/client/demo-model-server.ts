import type { ProviderName } from '../contract/providers.ts'
import type { AgentView, ChatspartyClient } from './client.ts'

/** A model of one's own that the demo's agents are to speak with. */
export interface DemoModelServer {
  provider: ProviderName
  model: string
  baseUrl: string | undefined
  apiKey: string | undefined
}

/** Agents that take part for the length of the demo. */
export interface BorrowedAgents {
  agents: AgentView[]
  /** Leaves the account as it was. */
  giveBack: () => Promise<void>
}

/**
 * The same agents on a model of one's own: connected, tested, and taken away again by `giveBack`. `tell` gets what the test
 * found out, line by line.
 * @throws Error that says what is wrong with the connection
 */
export async function agentsOn(
  client: ChatspartyClient,
  server: DemoModelServer,
  originals: readonly AgentView[],
  tell: (line: string) => void,
): Promise<BorrowedAgents> {
  const { provider, model, baseUrl, apiKey } = server
  const connection = await client.connections.create({
    name: 'Demo',
    provider,
    model,
    ...(baseUrl && { baseUrl }),
    ...(apiKey && { apiKey }),
  })
  const agents: AgentView[] = []
  const giveBack = async () => {
    for (const { id } of agents) await client.agents.delete(id)
    await client.connections.delete(connection.id)
  }
  try {
    const test = await client.connections.test(connection.id)
    if (!test.ok) throw new Error(test.error.message)
    tell(`${model}:`)
    for (const line of test.learnt) tell(`  ${line}`)
    for (const { name, instructions } of originals) {
      agents.push(await client.agents.create({ name, instructions, connectionId: connection.id }))
    }
    return { agents, giveBack }
  } catch (error) {
    await giveBack()
    throw error
  }
}
