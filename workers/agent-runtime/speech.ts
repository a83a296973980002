import type { LanguageModelV4 } from '@ai-sdk/provider'
import { Agent } from '@mastra/core/agent'
import type { MastraModelConfig } from '@mastra/core/llm'
import { noopLogger } from '@mastra/core/logger'
import type { PromptMessage } from './prompts.ts'

/** What one agent is to say one thing with. */
export interface SpeechRequest {
  agent: { id: string; name: string }
  model: LanguageModelV4
  system: string
  messages: PromptMessage[]
  temperature: number | null
  maxOutputTokens: number
  abortSignal: AbortSignal
}

/** Images go as bytes: a provider cannot reach our store, and must not. */
const toMastra = (message: PromptMessage) => {
  if (message.role === 'assistant') return message
  const { role, content, images = [] } = message
  if (images.length === 0) return { role, content }
  const pictures = images.map(({ data, contentType }) => ({
    type: 'image' as const,
    image: data,
    mediaType: contentType,
  }))
  return { role, content: [{ type: 'text' as const, text: content }, ...pictures] }
}

/** How a speech ended. `failed` carries what the provider or the network threw. */
export type SpeechEnd = { kind: 'finished' } | { kind: 'aborted' } | { kind: 'failed'; error: unknown }

/**
 * One Mastra agent's speech; its words are heard at the model (`CallMeter`), before Mastra. Never rejects for the provider's
 * sake: Mastra's stream does not throw on 401, 429 or a dropped connection but carries error chunks, which are looked for here.
 */
export async function speak(request: SpeechRequest): Promise<SpeechEnd> {
  const agent = new Agent({
    id: request.agent.id,
    name: request.agent.name,
    instructions: request.system,
    // Mastra runs V4 models, but its types still lag behind them.
    model: request.model as MastraModelConfig,
  })
  // Mastra's own logger prints request bodies; this reaches the agent and the model loop that it makes.
  agent.__registerPrimitives({ logger: noopLogger })
  try {
    const output = await agent.stream(request.messages.map(toMastra), {
      abortSignal: request.abortSignal,
      maxSteps: 1,
      modelSettings: {
        ...(request.temperature !== null && { temperature: request.temperature }),
        maxOutputTokens: request.maxOutputTokens,
        maxRetries: 0,
      },
    })
    let failure: { error: unknown } | undefined
    for await (const chunk of output.fullStream) {
      if (chunk.type === 'error') failure = { error: chunk.payload.error }
      else if (chunk.type === 'finish' && chunk.payload.stepResult.reason === 'error')
        failure ??= { error: output.error }
    }
    if (request.abortSignal.aborted) return { kind: 'aborted' }
    return failure ? { kind: 'failed', ...failure } : { kind: 'finished' }
  } catch (error) {
    return request.abortSignal.aborted ? { kind: 'aborted' } : { kind: 'failed', error }
  }
}
