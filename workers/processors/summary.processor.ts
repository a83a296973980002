import type { AgentService } from '../../src/agents/agent.service.ts'
import type { BreakerRepository } from '../../src/connections/breaker.repository.ts'
import type { ProviderNetwork } from '../../src/connections/provider-network.ts'
import type { Conversation } from '../../src/conversations/conversation.entity.ts'
import type { ConversationRepository } from '../../src/conversations/conversation.repository.ts'
import type { TranscriptLine } from '../../src/conversations/message.repository.ts'
import type { SummaryRepository } from '../../src/conversations/summary.repository.ts'
import type { ChoreHold, ChoreHolds } from '../../src/credits/chore-holds.ts'
import { holdFor } from '../../src/credits/hold-size.ts'
import type { MeteredCall } from '../../src/credits/metered-call.ts'
import { countTokens } from '../../src/credits/token-counting.ts'
import type { Transactions } from '../../src/database/transaction.ts'
import type { Announcer } from '../../src/runs/announcer.ts'
import type { RunRepository } from '../../src/runs/run.repository.ts'
import type { SummaryJobs } from '../../src/runs/summary-jobs.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { thinksUnseen } from '../agent-runtime/hidden-thoughts.ts'
import { type ModelTermsBook, onTerms } from '../agent-runtime/model-terms.ts'
import { PROMPT_VERSION, SUMMARY_PROMPT, transcriptText } from '../agent-runtime/prompts.ts'
import { askUnlessOpen } from '../agent-runtime/small-call.ts'
import { keptTokens } from '../agent-runtime/summary-policy.ts'
import { thoughtRoom } from '../agent-runtime/thought-room.ts'

interface SummaryDependencies {
  conversationRepository: ConversationRepository
  summaryRepository: SummaryRepository
  runRepository: RunRepository
  agentService: AgentService
  choreHolds: Pick<ChoreHolds, 'place' | 'settle'>
  terms: ModelTermsBook
  network: ProviderNetwork
  breakers: Pick<BreakerRepository, 'failed' | 'isOpen'>
  transactions: Transactions
  announcer: Announcer
  summaryJobs: SummaryJobs
  contextTokenBudget: number
  timeoutMs: number
  limits: { HIDDEN_TOKENS_PER_SECOND: number }
  logger: Logger
}

const MAX_OUTPUT_TOKENS = 700
/** A summary is kept this short, whatever a model writes. */
const MAX_CHARS = 4_000
/** Calls of one job: a conversation that was imported whole is caught up with over several. */
const MAX_CHUNKS = 4

/** The beginnings of what was said, for the demo model, which cannot sum up. */
const extract = (before: string, lines: readonly TranscriptLine[]): string =>
  [before, ...lines.map((line) => transcriptText([{ ...line, content: line.content.split(/(?<=[.!?])\s/)[0] ?? '' }]))]
    .filter(Boolean)
    .join('\n')
    .slice(-MAX_CHARS / 2)
    .toWellFormed()

/**
 * Keeps a rolling summary of what no longer fits into a turn's context. Each version builds on the one before and says up
 * to which message it goes. Its failure is harmless: turns go on with the summary that there is, and ask again.
 */
export class SummaryProcessor {
  readonly #deps: SummaryDependencies

  constructor(dependencies: SummaryDependencies) {
    this.#deps = dependencies
  }

  /** The handler of `conversations.summarize`. */
  async handle({ conversationId }: { conversationId: string }, job: { signal: AbortSignal }): Promise<void> {
    const conversation = await this.#deps.conversationRepository.find(conversationId)
    if (!conversation) return
    for (let chunk = 0; chunk < MAX_CHUNKS; chunk++) {
      if (!(await this.#extend(conversation, job.signal))) return
    }
  }

  /** One more version; true when there is more to sum up. */
  async #extend(conversation: Conversation, signal: AbortSignal): Promise<boolean> {
    const { summaryRepository, runRepository, contextTokenBudget, choreHolds, transactions, announcer } = this.#deps
    const { id, userId } = conversation
    const latest = await summaryRepository.latest(id)
    const { lines, more } = await summaryRepository.outgrown(id, latest?.upToSeq ?? 0, {
      keepTokens: keptTokens(contextTokenBudget),
      chunkTokens: contextTokenBudget,
      beforeSeq: await runRepository.firstOpenSeq(id),
    })
    const upToSeq = lines.at(-1)?.seq
    if (upToSeq === undefined) return false
    const written = await this.#write(conversation, latest?.text ?? '', lines, signal)
    if (!written) return false
    const { text, paid } = written
    const version = (latest?.version ?? 0) + 1
    // What was asked is paid, also where nothing came of it or another was quicker.
    const { isNew, money } = await transactions.run(async (tx) => {
      const next = { conversationId: id, version, upToSeq, text, promptVersion: PROMPT_VERSION }
      const readSeqs = lines.map(({ seq }) => seq)
      const isNew = text !== '' && (await summaryRepository.add(next, readSeqs, tx))
      return { isNew, money: paid && (await choreHolds.settle(paid.hold, paid.calls, tx)) }
    })
    if (money) await announcer.balance(userId, money)
    return more && isNew
  }

  async #write(
    conversation: Conversation,
    before: string,
    lines: TranscriptLine[],
    abortSignal: AbortSignal,
  ): Promise<{ text: string; paid?: { hold: ChoreHold; calls: MeteredCall[] } } | undefined> {
    const { agentService, choreHolds, terms: book, network, breakers, timeoutMs, limits, logger } = this.#deps
    const { id: conversationId, userId } = conversation
    const [agent] = await agentService.participants(conversation.agentIds)
    const terms = agent && (await book.of(userId, agent).catch(() => undefined))
    if (!terms) return undefined
    if (terms.connection.provider === 'demo') return { text: extract(before, lines) }
    const prompt = `Minutes so far:\n${before || '(none)'}\n\nSaid since:\n${transcriptText(lines)}`
    const inputTokens = await countTokens(`${SUMMARY_PROMPT}\n${prompt}`)
    const maxOutputTokens = MAX_OUTPUT_TOKENS + thoughtRoom(terms)
    const chore = { kind: 'summary' as const, userId, conversationId }
    const hold = await choreHolds.place(chore, holdFor(terms, inputTokens, maxOutputTokens))
    if (!hold) return undefined
    const answer = await askUnlessOpen(terms, network, {
      purpose: 'summary',
      system: SUMMARY_PROMPT,
      prompt,
      inputTokens,
      maxOutputTokens,
      hiddenTokensPerSecond: thinksUnseen(terms) ? limits.HIDDEN_TOKENS_PER_SECOND : 0,
      timeoutMs,
      abortSignal,
      breakers,
    })
    const text = answer.text.trim().slice(0, MAX_CHARS).toWellFormed()
    if (!text) logger.info({ conversationId, code: answer.failure?.code }, 'a summary was not written')
    return { text, paid: { hold, calls: onTerms(terms, answer.calls, agent) } }
  }
}
