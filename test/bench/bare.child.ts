import { createServer } from 'node:http'
import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import type { LanguageModelV4Prompt } from '@ai-sdk/provider'
import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { noopLogger } from '@mastra/core/logger'
import { z } from 'zod'
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

const provider = createOpenAICompatible({
  name: 'bench',
  baseURL: `${providerUrl}/v1`,
  apiKey: 'bench',
  includeUsage: true,
})

const agents = new Map<string, Agent>()
function agentOf(model: string): Agent {
  const known = agents.get(model)
  if (known) return known
  const agent = new Agent({
    id: model,
    name: 'Bench',
    instructions: 'You are Bench of the test.',
    model: provider(model) as MastraModelConfig,
  })
  agent.__setLogger(noopLogger)
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
  { role: 'system', content: 'You are Bench of the test.' },
  ...HISTORY.map(({ role, content }) => ({ role, content: [{ type: 'text' as const, text: content }] })),
  { role: 'user', content: [{ type: 'text', text: QUESTION }] },
]

async function request(model: string): Promise<void> {
  const { stream } = await provider(model).doStream({ prompt })
  let text = ''
  for await (const part of stream) if (part.type === 'text-delta') text += part.delta
  if (text === '') throw new Error('the provider said nothing')
}

const server = createServer(async (req, res) => {
  try {
    let body = ''
    for await (const piece of req.setEncoding('utf8')) body += piece
    const { layer, model, clients, ms, turns } = task.parse(JSON.parse(body))
    const work = () => (layer === 'agent' ? speak(model) : request(model))
    res.end(JSON.stringify(await closedLoop(Array(clients).fill(work), { ms, turns })))
  } catch (error) {
    res.writeHead(500).end(error instanceof Error ? error.stack : String(error))
  }
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening ${typeof address === 'object' ? address?.port : ''}`)
})
