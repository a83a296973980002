import { createInterface } from 'node:readline/promises'
import type { AgentView, ChatspartyClient } from './client.ts'

/** The demo's agents with tools: all calculate and look into files; the first asks before it does. */
export async function giveTools(client: ChatspartyClient, { id }: AgentView, position: number): Promise<AgentView> {
  const policy = position === 0 ? 'ask' : 'allow'
  return client.agents.update(id, { tools: ['calculator', 'search_files'].map((name) => ({ name, policy })) })
}

/** Copies of agents, with tools; taken away again by `giveBack`. */
export async function agentsWithTools(client: ChatspartyClient, originals: readonly AgentView[]) {
  const agents: AgentView[] = []
  for (const { name, instructions, characteristics, chatStyle } of originals) {
    const agent = await client.agents.create({ name, instructions, characteristics, chatStyle })
    agents.push(await giveTools(client, agent, agents.length))
  }
  const giveBack = async () => {
    for (const { id } of agents) await client.agents.delete(id)
  }
  return { agents, giveBack }
}

/** Asks about each call that waits; no answer is a no. */
export async function askInTerminal(
  client: ChatspartyClient,
  write: (text: string) => void,
  stop: AbortSignal,
): Promise<void> {
  const { data } = await client.approvals.list()
  const terminal = createInterface({ input: process.stdin, output: process.stdout })
  try {
    for (const { agentName, call } of data) {
      write(`\n  ${agentName ?? 'An agent'} wants to use ${call.title} with ${call.args}\n`)
      const closed = new Promise<string>((resolve) => terminal.once('close', () => resolve('')))
      const answer = await Promise.race([terminal.question('  Allow it? [y/N] ', { signal: stop }), closed]).catch(
        () => '',
      )
      await client.approvals.decide(call, { decision: /^y/i.test(answer.trim()) ? 'approve' : 'deny' })
      write('\n')
    }
  } finally {
    terminal.close()
  }
}
