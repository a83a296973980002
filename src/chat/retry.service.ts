import { type AcceptedView, isTerminal } from '../contract/views.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { Tx } from '../database/transaction.ts'
import type { Run } from '../runs/run.entity.ts'
import type { RunRepository } from '../runs/run.repository.ts'
import type { RunSteps } from '../runs/run-steps.ts'
import type { TurnRepository } from '../runs/turn.repository.ts'
import { AppError, notFound } from '../shared/errors.ts'
import type { ToolCallRepository } from '../tools/tool-call.repository.ts'
import { type Anew, type AnewDependencies, acceptAnew } from './accept-anew.ts'
import { requestKey } from './request-key.ts'
import { type BeginningDependencies, createLike, requireBeginning } from './run-beginning.ts'
import { requireQuiet } from './standing-message.ts'

interface RetryDependencies extends AnewDependencies, BeginningDependencies {
  runs: RunRepository
  turns: TurnRepository
  steps: Pick<RunSteps, 'begin'>
  conversations: ConversationRepository
  messages: MessageRepository
  toolCalls: Pick<ToolCallRepository, 'hasWritten'>
  runDeadlineMs: number
}

/**
 * Has a run that failed, or was stopped, held once more from the user's message on. The message is the new run's then; what
 * agents had said to it stays, marked as superseded, and is not heard by anybody. What tools have done is not done again: turns in
 * which they did something go on from there (`tool_inherit`).
 */
export class RetryService {
  readonly #deps: RetryDependencies

  constructor(dependencies: RetryDependencies) {
    this.#deps = dependencies
  }

  /**
   * Accepts a new run like this one. `messageId` of the answer is the user's last message to it, or, of a regeneration, what is said anew.
   * @throws AppError 404; 402; 409 `chat.busy` while agents talk, `run.not_failed`, `run.not_last` when there is a newer one
   */
  async retry(userId: string, runId: string, idempotencyKey?: string): Promise<AcceptedView> {
    const known = await this.#deps.runs.findOwned(userId, runId)
    if (!known) throw notFound('run')
    const key = requestKey('chat/retry', idempotencyKey, { runId })
    return acceptAnew(userId, key, (tx) => this.#write(known, tx), this.#deps)
  }

  async #write({ id, conversationId, userId }: Run, tx: Tx): Promise<Anew> {
    const { runs, turns, steps, conversations, messages } = this.#deps
    const conversation = await conversations.lock(conversationId, tx)
    // Read again under the lock: it may have been retried a moment ago.
    const run = conversation && (await runs.find(id, tx))
    if (!run) throw notFound('run')
    await requireQuiet(runs, conversationId, tx)
    if ((await runs.newestOf(conversationId, tx)) !== id) throw new AppError('run.not_last')
    if (!isTerminal(run.status) || run.status === 'completed') throw new AppError('run.not_failed')
    const user = await messages.lastOfUser(id, tx)
    const regenerated = run.regenerates === null ? null : await turns.find({ runId: id, turn: 0 }, tx)
    // As for the first time.
    await requireBeginning(run, user, regenerated?.agentId, this.#deps, tx)
    const retries = (await this.#deps.toolCalls.hasWritten(id, tx)) ? id : run.retries
    const next = await createLike({ ...run, retries }, this.#deps, tx)
    const messageId = (await messages.giveToRun(id, next.id, tx)) ?? run.regenerates
    if (messageId === null) throw new AppError('run.not_failed')
    const superseded = await messages.supersedeRun(id, tx)
    if (regenerated) {
      const { agentId, kind } = regenerated
      await turns.create({ runId: next.id, index: 0, step: 0, userId, agentId, kind }, tx)
    } else await steps.begin(next, tx)
    const version = await conversations.advance(conversationId, tx)
    const status = (await runs.find(next.id, tx))?.status ?? next.status
    return { accepted: { conversationId, runId: next.id, messageId, status }, superseded, version }
  }
}
