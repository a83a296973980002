import type { Agent } from '../agents/agent.entity.ts'
import { requireDistinctNames } from '../agents/agent.policy.ts'
import type { AgentService } from '../agents/agent.service.ts'
import type { ConnectionService } from '../connections/connection.service.ts'
import type { AnswerForm } from '../contract/answer-form.ts'
import type { PartyBody, SingleBody } from '../contract/chat.schemas.ts'
import { type AcceptedView, acceptedView, type OnBusy } from '../contract/views.ts'
import type { NewMessage } from '../conversations/message.entity.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { PriceBook } from '../credits/price-book.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { partyDefaults } from '../rounds/party-defaults.ts'
import type { Announcer } from '../runs/announcer.ts'
import { formIssues, storedForm } from '../runs/answer-forms.ts'
import type { Dispatcher } from '../runs/dispatcher.ts'
import { following } from '../runs/following.ts'
import { AppError, invalidRequest, notFound, tooMany } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { runOrigin } from '../shared/request-origin.ts'
import type { FileService } from '../storage/file.service.ts'
import type { AcceptAnswer, Acceptance, AcceptRepository, EarlierMessage, Known } from './accept.repository.ts'
import { leastHolds, leastOf } from './least-hold.ts'
import type { MessageBudget } from './message-budget.ts'
import { type PartyTerms, termsAlone, termsAsked, termsSaved } from './party-terms.ts'
import { keyConflict, type RequestKey, requestKey } from './request-key.ts'

interface ChatDependencies {
  agents: Pick<AgentService, 'inOrder'>
  connections: Pick<ConnectionService, 'open'>
  prices: Pick<PriceBook, 'require'>
  ledger: Pick<LedgerService, 'requireAvailable'>
  ownKeyRatePpm: bigint
  files: Pick<FileService, 'requireAll'>
  accepts: AcceptRepository
  transactions: Transactions
  announcer: Announcer
  dispatcher: Dispatcher
  /** Carries out, in the background, a stop that was committed. */
  stop: (runId: string) => void
  runDeadlineMs: number
  maxTurnsDefault: number
  maxTurnsCap: number
  userConcurrency: number
  /** USER_CONVERSATIONS. */
  mostConversations: number
  messageBudget: MessageBudget
}

/** What a request brings along that came by another protocol than the API's own. */
export interface Preface {
  /** Its Idempotency-Key, with a hash of all that it stands for. */
  key: RequestKey | undefined
  /** Said elsewhere before: the first messages of the conversation, if it begins with this request. */
  earlier: EarlierMessage[]
  /** What else of it is kept by `note`, as JSON: it takes room as messages do. */
  kept?: string | undefined
  /** Notes something beside what was written, in the same transaction: what it throws undoes all of it. */
  note?: (accepted: AcceptedView, tx: Tx) => Promise<void>
}

/** Rolls back what was written before it was clear that nothing is accepted. */
class NotAccepted extends Error {
  readonly answer: AcceptAnswer

  constructor(answer: AcceptAnswer) {
    super(answer.outcome)
    this.answer = answer
  }
}

/** A request to speak, whoever it is put to. */
interface Request {
  userId: string
  message: string
  fileIds: string[]
  conversationId: string | undefined
  /** As the request has them; a saved party's are added to them. */
  terms: PartyTerms
  partyId: string | undefined
  isParty: boolean
  /** The form that the answer is to have. */
  answer: AnswerForm | undefined
  onBusy: OnBusy
  key: RequestKey | undefined
  preface: Preface | undefined
}

/**
 * Accepts messages: looks up what the request names, checks it, writes it. Accepted means durable: the answer is given after
 * the commit of message, run and first turn; the queue hears of it afterwards, and from the reconciler if that fails.
 */
export class ChatService {
  readonly #deps: ChatDependencies

  constructor(dependencies: ChatDependencies) {
    this.#deps = dependencies
  }

  /** One agent answers. */
  single(userId: string, body: SingleBody, idempotencyKey?: string, preface?: Preface): Promise<AcceptedView> {
    const { message, conversationId, fileIds = [], onBusy = 'enqueue', answer } = body
    return this.#accept({
      userId,
      message,
      conversationId,
      fileIds,
      terms: termsAlone(body.agentId),
      partyId: undefined,
      isParty: false,
      answer,
      onBusy,
      key: preface ? preface.key : requestKey('chat', idempotencyKey, body),
      preface,
    })
  }

  /** Several agents talk. */
  party(userId: string, body: PartyBody, idempotencyKey?: string, preface?: Preface): Promise<AcceptedView> {
    const { message, conversationId, fileIds = [], onBusy = 'interject', partyId, stop } = body
    const hashed = { ...body, stop: stop && { ...stop, maxCredits: stop.maxCredits?.toString() } }
    return this.#accept({
      userId,
      message,
      conversationId,
      fileIds,
      terms: termsAsked(body),
      partyId,
      isParty: true,
      answer: undefined,
      onBusy,
      key: preface ? preface.key : requestKey('chat/multi-agent', idempotencyKey, hashed),
      preface,
    })
  }

  async #accept(request: Request): Promise<AcceptedView> {
    const { accepts, announcer, dispatcher } = this.#deps
    const known = await accepts.look({ ...request, agentIds: request.terms.agentIds, keyId: runOrigin()?.keyId })
    if (known.before) {
      // Whatever has become of its agents since.
      if (known.before.bodyHash !== request.key?.bodyHash) throw keyConflict()
      return acceptedView.parse(known.before.response)
    }
    const acceptance = this.#check(request, known)
    const answer = await this.#write(acceptance, request.preface)
    switch (answer.outcome) {
      case 'accepted': {
        const { accepted, seq, createdAt, version, run, conversation, dispatches, interrupted } = answer
        const message = messageOf(acceptance, accepted, seq, createdAt)
        const events = [announcer.messageCreated(message), announcer.runChanged(run)]
        // Before a worker can have the turn: the run is shown as it was written, and must not be seen after what follows.
        const how = acceptance.isNewConversation ? 'conversation.created' : 'conversation.updated'
        await Promise.all([
          announcer.publish(accepted.conversationId, version, events),
          announcer.listed(request.userId, conversation, how),
        ])
        await dispatcher.enqueue(dispatches)
        if (interrupted) this.#deps.stop(interrupted)
        return accepted
      }
      case 'repeated':
        return acceptedView.parse(answer.response)
      case 'busy':
        throw new AppError('chat.busy', { details: { runId: answer.runId } })
      case 'conflict':
        throw keyConflict()
      case 'conversation_gone':
        throw notFound('conversation')
      case 'files_gone':
        throw notFound('file')
      case 'too_much':
        throw this.#deps.messageBudget.refusal(answer.waitMs, acceptance.isGuest)
      case 'too_many':
        throw tooMany('conversation', this.#deps.mostConversations)
    }
  }

  /** One statement, but for what came by another protocol and brings more along. */
  async #write(acceptance: Acceptance, preface: Preface | undefined): Promise<AcceptAnswer> {
    const { accepts, transactions } = this.#deps
    const { earlier = [], note } = preface ?? {}
    const isToBegin = acceptance.isNewConversation && earlier.length > 0
    if (!isToBegin && !note) return transactions.once((tx) => accepts.accept(acceptance, tx))
    try {
      return await transactions.run(async (tx) => {
        if (isToBegin && !(await accepts.begin(acceptance, earlier, tx))) return { outcome: 'too_many' }
        const answer = await accepts.accept(isToBegin ? { ...acceptance, isNewConversation: false } : acceptance, tx)
        if (answer.outcome !== 'accepted') throw new NotAccepted(answer)
        await note?.(answer.accepted, tx)
        return answer
      })
    } catch (error) {
      if (error instanceof NotAccepted) return error.answer
      throw error
    }
  }

  /** Everything that can be checked before it is written. @throws AppError 400, 402, 404, 409, 422, 429 */
  #check(request: Request, known: Known): Acceptance {
    const { agents: agentService, ledger, files, messageBudget } = this.#deps
    const { userId, conversationId, isParty, fileIds, partyId, answer } = request
    const issues = answer ? formIssues(answer) : []
    if (issues.length > 0) throw invalidRequest(issues.map((issue) => ({ ...issue, path: `answer.${issue.path}` })))
    // It stands in the prompt.
    const form = answer ? [JSON.stringify(answer)] : []
    const terms = partyId === undefined ? request.terms : termsSaved(request.terms, known.party)
    const { agentIds } = terms
    const agents = agentService.inOrder(
      known.agents.map(({ agent }) => agent),
      agentIds,
      terms.path,
    )
    if (isParty) requireDistinctNames(agents)
    const asked = [request.message, ...form]
    const holds = leastHolds(known.agents, { words: asked.join('\n'), isParty }, this.#deps)
    files.requireAll(fileIds, known.fileIds)
    if (conversationId !== undefined && !known.conversation) throw notFound('conversation')
    // It would wait behind a question that whoever reads its answer may not know of.
    if (known.isAsking && request.preface) throw new AppError('chat.awaits_decision')
    const party = { strategy: terms.strategy, maxTurns: terms.maxTurns, agents: agents.length }
    const { strategy, maxTurns } = partyDefaults(party, known.conversation?.strategy, this.#deps)
    const limits = { ...terms.limits, maxTurns }
    const earlier = conversationId === undefined ? (request.preface?.earlier ?? []) : []
    const { kept = [] } = request.preface ?? {}
    const { isGuest } = known
    const words = [...earlier.map(({ content }) => content), ...asked].concat(kept)
    const costMs = messageBudget.costMs(words, isGuest)
    messageBudget.require(known.takenMs, costMs, isGuest)
    const first = firstSpeakers({ ...limits, strategy, regenerates: null }, agents, request.message)
    const speakers = first.map(({ agentId }) => agentId)
    ledger.requireAvailable(known.available, leastOf(holds, speakers, agents[0]?.id), known.budgetLeft)
    return {
      userId,
      conversationId: conversationId ?? newId(),
      isNewConversation: conversationId === undefined,
      runId: newId(),
      messageId: newId(),
      message: request.message,
      fileIds,
      onBusy: request.onBusy,
      isParty,
      agentIds,
      strategy,
      limits,
      answer: answer ? storedForm(answer) : null,
      deadlineMs: this.#deps.runDeadlineMs,
      first,
      userConcurrency: this.#deps.userConcurrency,
      mostConversations: this.#deps.mostConversations,
      costMs,
      isGuest,
      key: request.key,
      origin: runOrigin(),
    }
  }
}

/** Who speaks first when the user has said this. */
function firstSpeakers(
  run: Parameters<typeof following>[0]['run'],
  participants: Agent[],
  message: string,
): Acceptance['first'] {
  const user = { text: message, seq: 1 }
  const next = following({ run, participants, turns: [], user, lastWords: '', spent: 0n, seconds: 0 })
  if ('end' in next) throw new Error(`a run of ${run.strategy} would end before it begins`)
  return next.speak.map((agentId) => ({ agentId, kind: next.kind }))
}

const messageOf = (
  { message, fileIds }: Acceptance,
  { conversationId, runId, messageId }: AcceptedView,
  seq: number,
  createdAt: Date,
): NewMessage => ({
  id: messageId,
  conversationId,
  seq,
  role: 'user',
  agentId: null,
  agentName: null,
  content: message,
  status: 'complete',
  runId,
  turn: null,
  fileIds,
  createdAt,
})
