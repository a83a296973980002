import { createOpenAICompatible } from '@ai-sdk/openai-compatible'
import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { noopLogger } from '@mastra/core/logger'

export const INSTRUCTIONS = 'You are Bench of the test.'

export const benchProvider = (url: string) =>
  createOpenAICompatible({ name: 'bench', baseURL: `${url}/v1`, apiKey: 'bench', includeUsage: true })

/** Mastra's agent on a model of the scripted provider: the one that the product is held against. */
export function benchAgent(provider: ReturnType<typeof benchProvider>, model: string): Agent {
  const agent = new Agent({
    id: model,
    name: 'Bench',
    instructions: INSTRUCTIONS,
    model: provider(model) as MastraModelConfig,
  })
  agent.__setLogger(noopLogger)
  return agent
}
