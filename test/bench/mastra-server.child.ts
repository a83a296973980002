import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { noopLogger } from '@mastra/core/logger'
import { Mastra } from '@mastra/core/mastra'
import { MastraServer } from '@mastra/express'
import express from 'express'

// Mastra's own server around an agent a model, as its documentation has it: no memory, no storage, nobody signs in.
const [providerUrl = '', ...models] = process.argv.slice(2)
const provider = createOpenAICompatible({
  name: 'bench',
  baseURL: `${providerUrl}/v1`,
  apiKey: 'bench',
  includeUsage: true,
})
const agentOf = (model: string) =>
  new Agent({
    id: model,
    name: 'Bench',
    instructions: 'You are Bench of the test.',
    model: provider(model) as MastraModelConfig,
  })
const agents = Object.fromEntries(models.map((model) => [model, agentOf(model)]))
const app = express()
app.use(express.json())
await new MastraServer({ app, mastra: new Mastra({ agents, logger: noopLogger }) }).init()
const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(`listening ${typeof address === 'object' ? address?.port : ''}`)
})
