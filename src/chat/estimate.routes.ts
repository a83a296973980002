import { z } from 'zod'
import type { Agent } from '../agents/agent.entity.ts'
import type { AgentService } from '../agents/agent.service.ts'
import type { Env } from '../config/env.ts'
import type { ConnectionService } from '../connections/connection.service.ts'
import type { ChatSchemas } from '../contract/chat.schemas.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import { type EstimatedAgent, estimate } from '../credits/estimate.ts'
import type { PriceBook } from '../credits/price-book.ts'
import { FULL_RATE_PPM } from '../credits/pricing.ts'
import { countTokens, IMAGE_TOKENS } from '../credits/usage.ts'
import { defineRoute, type Route } from '../http/route.ts'
import { notFound } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { formatCredits } from '../shared/money.ts'
import { MOST_FILES } from '../storage/context-selection.ts'
import type { FileService } from '../storage/file.service.ts'

interface EstimateServices {
  env: Pick<
    Env,
    | 'CREDITS_OWN_KEY_RATE'
    | 'MAX_OUTPUT_TOKENS_DEFAULT'
    | 'MAX_TURNS_DEFAULT'
    | 'CONTEXT_TOKEN_BUDGET'
    | 'FILE_CONTEXT_TOKENS'
  >
  agents: AgentService
  connections: ConnectionService
  priceBook: PriceBook
  conversationRows: ConversationRepository
  messages: MessageRepository
  storage: { files: Pick<FileService, 'assertUsable' | 'contextSize'> }
  chatSchemas: ChatSchemas
}

/** `POST /api/credits/estimate`: what the same body would cost as a chat POST. It lives here because it needs agents and conversations. */
export const estimateRoutes = (services: EstimateServices): Route[] => [
  defineRoute({
    method: 'post',
    path: '/api/credits/estimate',
    access: 'user',
    body: z.union([services.chatSchemas.single, services.chatSchemas.party]),
    handler: async ({ user, body }) => {
      const { env } = services
      const isSingle = 'agentId' in body
      const agents = isSingle
        ? await services.agents.resolve(user.id, [body.agentId], () => 'agentId')
        : await services.agents.resolve(user.id, body.agentIds, (position) => `agentIds.${position}`)
      const terms = await Promise.all(agents.map((agent) => termsOf(services, user.id, agent)))
      // Before anything of them is read.
      if (body.conversationId && !(await services.conversationRows.findOwned(user.id, body.conversationId))) {
        throw notFound('conversation')
      }
      await services.storage.files.assertUsable(user.id, body.fileIds ?? [])
      const { low, high, perAgent } = estimate({
        agents: terms,
        maxTurns: isSingle ? 1 : (body.maxTurns ?? env.MAX_TURNS_DEFAULT),
        transcriptTokens: (await countTokens(body.message)) + (await spokenTokens(services, body.conversationId)),
        transcriptBudget: env.CONTEXT_TOKEN_BUDGET,
        fileTokens: await fileTokens(services, body),
        isSupervised: !isSingle && body.strategy === 'supervisor',
      })
      return {
        low: formatCredits(low),
        high: formatCredits(high),
        perAgent: perAgent.map((part) => ({ ...part, low: formatCredits(part.low), high: formatCredits(part.high) })),
      }
    },
  }),
]

async function termsOf(
  { env, connections, priceBook }: EstimateServices,
  userId: string,
  agent: Agent,
): Promise<EstimatedAgent> {
  const connection = await connections.resolve(userId, agent.connectionId)
  return {
    agentId: agent.id,
    price: await priceBook.priceOf(connection.provider, agent.model ?? connection.model),
    ratePpm: connection.scope === 'user' ? env.CREDITS_OWN_KEY_RATE : FULL_RATE_PPM,
    instructionTokens: await countTokens(`${agent.instructions}\n${agent.characteristics}`),
    maxOutputTokens: agent.maxOutputTokens ?? env.MAX_OUTPUT_TOKENS_DEFAULT,
  }
}

/** Tokens of what a turn would read of the conversation so far. */
async function spokenTokens({ env, messages }: EstimateServices, conversationId: string | undefined): Promise<number> {
  if (conversationId === undefined) return 0
  const request = { conversationId, runId: newId(), waitingRunIds: [] }
  const lines = await messages.transcript(request, env.CONTEXT_TOKEN_BUDGET)
  return countTokens(lines.map((line) => line.content).join('\n'))
}

/** Tokens of the files that come with the message, and of those that the conversation has. */
async function fileTokens(
  { env, messages, storage: { files } }: EstimateServices,
  { conversationId, fileIds = [] }: { conversationId?: string | undefined; fileIds?: string[] | undefined },
): Promise<{ low: number; high: number }> {
  const earlier = conversationId ? await messages.fileIds(conversationId, MOST_FILES) : []
  const latest = [...new Set([...fileIds, ...earlier])].slice(0, MOST_FILES)
  const { least, most, images } = await files.contextSize(latest, env.FILE_CONTEXT_TOKENS)
  return { low: least, high: most + images * IMAGE_TOKENS }
}
