import type { AgentService } from '../../src/agents/agent.service.ts'
import type { BreakerRepository } from '../../src/connections/breaker.repository.ts'
import type { ProviderNetwork } from '../../src/connections/provider-network.ts'
import type { Conversation } from '../../src/conversations/conversation.entity.ts'
import type { ConversationRepository } from '../../src/conversations/conversation.repository.ts'
import type { MessageRepository } from '../../src/conversations/message.repository.ts'
import type { LedgerService } from '../../src/credits/ledger.service.ts'
import type { MeteredCall } from '../../src/credits/metered-call.ts'
import type { Transactions } from '../../src/database/transaction.ts'
import type { Announcer } from '../../src/runs/announcer.ts'
import type { RunViews } from '../../src/runs/run-views.ts'
import { charAt, isLetter } from '../../src/shared/folded-text.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { withoutEnd } from '../../src/shared/text-ends.ts'
import { type ModelTermsBook, onTerms } from '../agent-runtime/model-terms.ts'
import { TITLE_PROMPT, transcriptText } from '../agent-runtime/prompts.ts'
import { askUnlessOpen } from '../agent-runtime/small-call.ts'
import { thoughtRoom } from '../agent-runtime/thought-room.ts'

interface TitleDependencies {
  conversationRepository: ConversationRepository
  messageRepository: MessageRepository
  agentService: AgentService
  ledgerService: Pick<LedgerService, 'chargeCalls' | 'balance'>
  terms: ModelTermsBook
  network: ProviderNetwork
  breakers: Pick<BreakerRepository, 'failed' | 'isOpen'>
  transactions: Transactions
  announcer: Announcer
  runViews: RunViews
  attempts: number
  timeoutMs: number
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
    const { title, calls, failed } = await this.#ask(conversation, transcriptText(first), job.signal)
    if (failed) logger.info({ conversationId, attempt: due.attempt, code: failed }, 'a title was not given')
    const fallback =
      failed && !due.isLast ? undefined : titleFromWords(first.find((m) => m.role === 'user')?.content ?? '')
    await this.#write(conversation, title ?? fallback, calls, due.attempt)
  }

  async #ask(
    conversation: Conversation,
    text: string,
    abortSignal: AbortSignal,
  ): Promise<{ title: string | undefined; calls: MeteredCall[]; failed?: string }> {
    const { agentService, ledgerService, terms: book, network, breakers, timeoutMs } = this.#deps
    const [agent] = await agentService.participants(conversation.agentIds)
    if (!agent || (await ledgerService.balance(conversation.userId)).available <= 0n)
      return { title: undefined, calls: [] }
    const terms = await book.of(conversation.userId, agent).catch(() => undefined)
    if (!terms) return { title: undefined, calls: [] }
    const answer = await askUnlessOpen(terms, network, {
      purpose: 'title',
      system: TITLE_PROMPT,
      prompt: text.slice(0, READ_CHARS).toWellFormed(),
      maxOutputTokens: 200 + thoughtRoom(terms),
      timeoutMs,
      abortSignal,
      breakers,
    })
    return { title: titleOf(answer.text), calls: onTerms(terms, answer.calls, agent), failed: answer.failure?.code }
  }

  /** The title and what it cost, in one transaction. The user's own title stays. */
  async #write(
    conversation: Conversation,
    title: string | undefined,
    calls: MeteredCall[],
    attempt: number,
  ): Promise<void> {
    const { conversationRepository, ledgerService, transactions, runViews, announcer } = this.#deps
    const { id, userId } = conversation
    const outcome = await transactions.run(async (tx) => {
      if (!(await conversationRepository.lock(id, tx))) return undefined
      const named = title ? await conversationRepository.giveTitle(id, title, tx) : false
      const money = await ledgerService.chargeCalls(
        {
          key: `title:${id}:${attempt}`,
          userId,
          conversationId: id,
          calls,
        },
        tx,
      )
      return { named, money }
    })
    if (!outcome) return
    if (calls.length) await announcer.balance(userId, outcome.money)
    if (!outcome.named) return
    const view = await runViews.conversation(userId, id)
    await announcer.publish(id, view.version, [
      { type: 'conversation.updated', conversationId: id, conversation: view },
    ])
  }
}
