import type { AgentService } from '../agents/agent.service.ts'
import type { ConnectionService } from '../connections/connection.service.ts'
import type { PartyBody, SingleBody } from '../contract/chat.schemas.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import { type Estimate, type EstimatedAgent, estimate } from '../credits/estimate.ts'
import type { PriceBook } from '../credits/price-book.ts'
import { FULL_RATE_PPM } from '../credits/pricing.ts'
import { IMAGE_TOKENS } from '../credits/usage.ts'
import { partyDefaults } from '../rounds/party-defaults.ts'
import { notFound } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { estimateTokens } from '../shared/token-estimate.ts'
import { MOST_FILES } from '../storage/context-selection.ts'
import type { FileService } from '../storage/file.service.ts'
import type { AcceptRepository, Known } from './accept.repository.ts'
import { termsAlone, termsAsked, termsSaved } from './party-terms.ts'

interface EstimateDependencies {
  accepts: Pick<AcceptRepository, 'look'>
  agents: Pick<AgentService, 'inOrder'>
  connections: Pick<ConnectionService, 'open'>
  prices: Pick<PriceBook, 'require'>
  messages: Pick<MessageRepository, 'transcriptTexts' | 'fileIds'>
  files: Pick<FileService, 'requireAll' | 'contextSize'>
  ownKeyRatePpm: bigint
  maxOutputTokensDefault: number
  maxTurnsDefault: number
  maxTurnsCap: number
  contextTokenBudget: number
  fileContextTokens: number
}

/**
 * What a request to speak would cost, before it is made. It is free, so it costs us no more than such a request: tokens are
 * estimated in one pass over texts that are cut to what counts. It lives here because it needs agents and conversations.
 */
export class EstimateService {
  readonly #deps: EstimateDependencies

  constructor(dependencies: EstimateDependencies) {
    this.#deps = dependencies
  }

  /** @throws AppError as the request itself would */
  async estimate(userId: string, body: SingleBody | PartyBody): Promise<Estimate> {
    const { accepts, agents: agentService, files, contextTokenBudget } = this.#deps
    const { conversationId, fileIds = [] } = body
    const isSingle = 'agentId' in body
    const asked = isSingle ? termsAlone(body.agentId) : termsAsked(body)
    const partyId = isSingle ? undefined : body.partyId
    const { agentIds: named } = asked
    const known = await accepts.look({ userId, agentIds: named, partyId, conversationId, fileIds, key: undefined })
    const partyTerms = partyId === undefined ? asked : termsSaved(asked, known.party)
    const agents = agentService.inOrder(
      known.agents.map(({ agent }) => agent),
      partyTerms.agentIds,
      partyTerms.path,
    )
    const speakers = agents.flatMap((agent) => known.agents.filter((each) => each.agent === agent))
    const terms = speakers.map((speaker) => this.#termsOf(speaker))
    // Before anything of it is read.
    if (conversationId && !known.conversation) throw notFound('conversation')
    files.requireAll(fileIds, known.fileIds)
    const { strategy, maxTurns } = partyDefaults(
      { strategy: partyTerms.strategy, maxTurns: partyTerms.maxTurns, agents: agents.length },
      known.conversation?.strategy,
      this.#deps,
    )
    return estimate({
      agents: terms,
      maxTurns,
      transcriptTokens: estimateTokens(body.message) + (await this.#spokenTokens(body.conversationId)),
      transcriptBudget: contextTokenBudget,
      fileTokens: await this.#fileTokens(body),
      isSupervised: strategy === 'supervisor',
    })
  }

  #termsOf({ agent, terms }: Known['agents'][number]): EstimatedAgent {
    const { connections, prices, ownKeyRatePpm, maxOutputTokensDefault } = this.#deps
    const connection = connections.open(terms.connection, agent.connectionId)
    return {
      agentId: agent.id,
      price: prices.require(terms.price, connection.provider, agent.model ?? connection.model),
      ratePpm: connection.scope === 'user' ? ownKeyRatePpm : FULL_RATE_PPM,
      instructionTokens: estimateTokens(`${agent.instructions}\n${agent.characteristics}`),
      maxOutputTokens: agent.maxOutputTokens ?? maxOutputTokensDefault,
    }
  }

  /** Tokens of what a turn would read of the conversation so far. */
  async #spokenTokens(conversationId: string | undefined): Promise<number> {
    if (conversationId === undefined) return 0
    const request = { conversationId, runId: newId(), waitingRunIds: [] }
    const texts = await this.#deps.messages.transcriptTexts(request, this.#deps.contextTokenBudget)
    return texts.reduce((sum, text) => sum + estimateTokens(text), 0)
  }

  /** Tokens of the files that come with the message, and of those that the conversation has. */
  async #fileTokens({
    conversationId,
    fileIds = [],
  }: Pick<SingleBody, 'conversationId' | 'fileIds'>): Promise<{ low: number; high: number }> {
    const { messages, files, fileContextTokens } = this.#deps
    const earlier = conversationId ? await messages.fileIds(conversationId, MOST_FILES) : []
    const latest = [...new Set([...fileIds, ...earlier])].slice(0, MOST_FILES)
    const { least, most, images } = await files.contextSize(latest, fileContextTokens)
    return { low: least, high: most + images * IMAGE_TOKENS }
  }
}
