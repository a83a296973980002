import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import type { Agent } from '@mastra/core/agent'
import { z } from 'zod'
import { benchAgent, benchProvider, INSTRUCTIONS } from './bench-agent.ts'
import { serveTasks } from './child.ts'
import { closedLoop } from './load-http.ts'
import { HISTORY, QUESTION } from './questions.ts'

// What a turn costs with nothing around it: clients in a loop, in this process, without HTTP, rows or anybody who watches.
const [providerUrl = ''] = process.argv.slice(2)
const task = z.object({
  layer: z.enum(['agent', 'provider']),
  model: z.string(),
  clients: z.number(),
  ms: z.number().optional(),
  turns: z.number().optional(),
})

const provider = benchProvider(providerUrl)
const agents = new Map<string, Agent>()
function agentOf(model: string): Agent {
  const agent = agents.get(model) ?? benchAgent(provider, model)
  agents.set(model, agent)
  return agent
}

async function speak(model: string): Promise<void> {
  const stream = await agentOf(model).stream([...HISTORY, { role: 'user', content: QUESTION }], {
    modelSettings: { maxRetries: 0 },
  })
  let text = ''
  for await (const chunk of stream.fullStream) if (chunk.type === 'text-delta') text += chunk.payload.text
  const usage = await stream.totalUsage
  if (text === '' || !usage.outputTokens) throw new Error('the agent said nothing')
}

const prompt: LanguageModelV4Prompt = [
  { role: 'system', content: INSTRUCTIONS },
  ...HISTORY.map(({ role, content }) => ({ role, content: [{ type: 'text' as const, text: content }] })),
  { role: 'user', content: [{ type: 'text', text: QUESTION }] },
]

async function request(model: string): Promise<void> {
  const { stream } = await provider(model).doStream({ prompt })
  let text = ''
  for await (const part of stream) if (part.type === 'text-delta') text += part.delta
  if (text === '') throw new Error('the provider said nothing')
}

serveTasks(async (asked) => {
  const { layer, model, clients, ms, turns } = task.parse(asked)
  const work = () => (layer === 'agent' ? speak(model) : request(model))
  return closedLoop(Array(clients).fill(work), { ms, turns })
})
