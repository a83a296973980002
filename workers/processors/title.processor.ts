import type { AgentService } from '../../src/agents/agent.service.ts'
import type { BreakerRepository } from '../../src/connections/breaker.repository.ts'
import type { ProviderNetwork } from '../../src/connections/provider-network.ts'
import type { Conversation } from '../../src/conversations/conversation.entity.ts'
import type { ConversationRepository } from '../../src/conversations/conversation.repository.ts'
import type { MessageRepository } from '../../src/conversations/message.repository.ts'
import type { ChoreHold, ChoreHolds } from '../../src/credits/chore-holds.ts'
import { holdFor } from '../../src/credits/hold-size.ts'
import type { MeteredCall } from '../../src/credits/metered-call.ts'
import { countTokens } from '../../src/credits/token-counting.ts'
import type { Transactions } from '../../src/database/transaction.ts'
import type { Announcer } from '../../src/runs/announcer.ts'
import type { RunViews } from '../../src/runs/run-views.ts'
import { charAt, isLetter } from '../../src/shared/folded-text.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { withoutEnd } from '../../src/shared/text-ends.ts'
import { thinksUnseen } from '../agent-runtime/hidden-thoughts.ts'
import { type ModelTermsBook, onTerms } from '../agent-runtime/model-terms.ts'
import { TITLE_PROMPT, transcriptText } from '../agent-runtime/prompts.ts'
import { askUnlessOpen } from '../agent-runtime/small-call.ts'
import { thoughtRoom } from '../agent-runtime/thought-room.ts'

interface TitleDependencies {
  conversationRepository: ConversationRepository
  messageRepository: MessageRepository
  agentService: AgentService
  choreHolds: Pick<ChoreHolds, 'place' | 'settle'>
  terms: ModelTermsBook
  network: ProviderNetwork
  breakers: Pick<BreakerRepository, 'failed' | 'isOpen'>
  transactions: Transactions
  announcer: Announcer
  runViews: RunViews
  attempts: number
  timeoutMs: number
  limits: { HIDDEN_TOKENS_PER_SECOND: number }
  logger: Logger
}

const MAX_CHARS = 60
/** An answer longer than this is a speech and no heading. */
const NO_TITLE_CHARS = 100
const READ_MESSAGES = 4
const READ_CHARS = 2_000
/** A title that failed is tried again after this long, in ms. */
const PAUSE_MS = 30_000

/** At most 60 characters, cut between words where that is possible. */
function shortened(text: string): string {
  const clean = text.replace(/\s+/g, ' ').trim()
  if (clean.length <= MAX_CHARS) return clean
  const cut = clean.slice(0, MAX_CHARS - 1)
  const space = cut.lastIndexOf(' ')
  return `${withoutEnd((space > MAX_CHARS / 2 ? cut.slice(0, space) : cut).toWellFormed(), ' ,;:.–—-')}…`
}

/** What models put around a title. */
const MARKS = '"\'“”«»*_#`'

/** A line without the marks, the word "Title" and the colons that it begins with. */
function withoutLabel(line: string): string {
  let at = 0
  let hasLabel = false
  while (at < line.length) {
    const sign = line.charAt(at)
    const isWord = line.slice(at, at + 5).toLowerCase() === 'title' && !isLetter(charAt(line, at + 5))
    if (isWord) at += 5
    else if (MARKS.includes(sign) || sign.trim() === '' || (sign === ':' && hasLabel)) at += 1
    else break
    hasLabel ||= isWord || MARKS.includes(sign)
  }
  return line.slice(at)
}

/** A model's answer as a title; undefined when it is none. */
export function titleOf(answer: string): string | undefined {
  const [line = '', ...others] = answer
    .slice(0, READ_CHARS)
    .trim()
    .split('\n')
    .filter((one) => one.trim() !== '')
  const bare = withoutEnd(withoutLabel(line), `${MARKS}.\t `)
  if (others.length > 0 || bare === '' || bare.length > NO_TITLE_CHARS) return undefined
  return shortened(bare)
}

/** The first sentence of the user's words, for when no model gives a title. */
export const titleFromWords = (words: string): string =>
  shortened(
    words
      .trim()
      .split('\n')[0]
      ?.split(/(?<=[.!?])\s/)[0] ?? '',
  )

/** Names a conversation after its first words, once. Whatever goes wrong is harmless: the user's own words are the title then. */
export class TitleProcessor {
  readonly #deps: TitleDependencies

  constructor(dependencies: TitleDependencies) {
    this.#deps = dependencies
  }

  /** The handler of `conversations.title`. */
  async handle({ conversationId }: { conversationId: string }, job: { signal: AbortSignal }): Promise<void> {
    const { conversationRepository, messageRepository, attempts, logger } = this.#deps
    const due = await conversationRepository.claimTitle(conversationId, attempts, PAUSE_MS)
    const conversation = due && (await conversationRepository.find(conversationId))
    if (!due || !conversation) return
    const first = await messageRepository.listAfter(conversationId, 0, READ_MESSAGES)
    const { title, paid, failed } = await this.#ask(conversation, transcriptText(first), job.signal)
    if (failed) logger.info({ conversationId, attempt: due.attempt, code: failed }, 'a title was not given')
    const fallback =
      failed && !due.isLast ? undefined : titleFromWords(first.find((m) => m.role === 'user')?.content ?? '')
    await this.#write(conversation, title ?? fallback, paid)
  }

  async #ask(
    conversation: Conversation,
    text: string,
    abortSignal: AbortSignal,
  ): Promise<{ title?: string | undefined; paid?: { hold: ChoreHold; calls: MeteredCall[] }; failed?: string }> {
    const { agentService, choreHolds, terms: book, network, breakers, timeoutMs, limits } = this.#deps
    const { id: conversationId, userId } = conversation
    const [agent] = await agentService.participants(conversation.agentIds)
    const terms = agent && (await book.of(userId, agent).catch(() => undefined))
    if (!terms) return {}
    const prompt = text.slice(0, READ_CHARS).toWellFormed()
    const inputTokens = await countTokens(`${TITLE_PROMPT}\n${prompt}`)
    const maxOutputTokens = 200 + thoughtRoom(terms)
    const chore = { kind: 'title' as const, userId, conversationId }
    const hold = await choreHolds.place(chore, holdFor(terms, inputTokens, maxOutputTokens))
    if (!hold) return {}
    const answer = await askUnlessOpen(terms, network, {
      purpose: 'title',
      system: TITLE_PROMPT,
      prompt,
      inputTokens,
      maxOutputTokens,
      hiddenTokensPerSecond: thinksUnseen(terms) ? limits.HIDDEN_TOKENS_PER_SECOND : 0,
      timeoutMs,
      abortSignal,
      breakers,
    })
    const paid = { hold, calls: onTerms(terms, answer.calls, agent) }
    return { title: titleOf(answer.text), paid, failed: answer.failure?.code }
  }

  /** The title and what it cost, in one transaction; what was asked is paid also where nothing is named any more. */
  async #write(
    conversation: Conversation,
    title: string | undefined,
    paid: { hold: ChoreHold; calls: MeteredCall[] } | undefined,
  ): Promise<void> {
    const { conversationRepository, choreHolds, transactions, runViews, announcer } = this.#deps
    const { id, userId } = conversation
    const outcome = await transactions.run(async (tx) => {
      const isThere = await conversationRepository.lock(id, tx)
      // The user's own title stays.
      const named = isThere && title ? await conversationRepository.giveTitle(id, title, tx) : false
      return { named, money: paid && (await choreHolds.settle(paid.hold, paid.calls, tx)) }
    })
    if (outcome.money) await announcer.balance(userId, outcome.money)
    if (!outcome.named) return
    await announcer.conversationUpdated(userId, await runViews.conversation(userId, id))
  }
}
