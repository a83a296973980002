import type { EditBody } from '../contract/chat.schemas.ts'
import type { AcceptedView } from '../contract/views.ts'
import type { Conversation } from '../conversations/conversation.entity.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { Message } from '../conversations/message.entity.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { SummaryRepository } from '../conversations/summary.repository.ts'
import type { Tx } from '../database/transaction.ts'
import { partyDefaults, type TurnLimits } from '../rounds/party-defaults.ts'
import type { RunRepository } from '../runs/run.repository.ts'
import type { RunSteps } from '../runs/run-steps.ts'
import { AppError } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import type { FileService } from '../storage/file.service.ts'
import { type Anew, type AnewDependencies, acceptAnew } from './accept-anew.ts'
import type { MessageBudget } from './message-budget.ts'
import { requestKey } from './request-key.ts'
import { type BeginningDependencies, type BeginningRun, createLike, requireBeginning } from './run-beginning.ts'
import { lockMessage } from './standing-message.ts'

interface EditDependencies extends AnewDependencies, BeginningDependencies, TurnLimits {
  runs: RunRepository
  steps: Pick<RunSteps, 'begin'>
  conversations: ConversationRepository
  messages: MessageRepository
  summaries: Pick<SummaryRepository, 'forgetFrom'>
  files: Pick<FileService, 'requireAll'>
  messageBudget: Pick<MessageBudget, 'take'>
  runDeadlineMs: number
}

/**
 * Has the user's last words said otherwise, and answered again by the same agents in the same way. What was said before stays, marked
 * as superseded: the old words and all that followed them. The new ones are a message of their own.
 */
export class EditService {
  readonly #deps: EditDependencies

  constructor(dependencies: EditDependencies) {
    this.#deps = dependencies
  }

  /**
   * Accepts the new words and a run like the one that the old ones were said to; `messageId` of the answer is the new message.
   * @throws AppError 402; 404; 409 `chat.busy` while agents talk, `chat.not_last_of_user` for anything but the user's last words; 429
   */
  edit(userId: string, messageId: string, body: EditBody, idempotencyKey?: string): Promise<AcceptedView> {
    const key = requestKey('chat/edit', idempotencyKey, { messageId, ...body })
    return acceptAnew(userId, key, (tx) => this.#write(userId, messageId, body, tx), this.#deps)
  }

  async #write(userId: string, messageId: string, body: EditBody, tx: Tx): Promise<Anew> {
    const { runs, steps, conversations, messages, summaries } = this.#deps
    const { conversation, message: before } = await lockMessage(userId, messageId, this.#deps, tx)
    const { id: conversationId } = conversation
    if ((await messages.lastStanding(conversationId, 'user', tx)) !== before.id)
      throw new AppError('chat.not_last_of_user')
    const fileIds = await this.#filesOf(userId, before, body.fileIds, tx)
    const like = await this.#like(conversation, before, tx)
    await requireBeginning(like, { text: body.message, seq: 1 }, undefined, this.#deps, tx)
    const run = await createLike(like, this.#deps, tx)
    const superseded = await messages.supersedeFrom(before, tx)
    await summaries.forgetFrom(conversationId, before.seq, tx)
    const { seq, version } = await conversations.takeSeq(conversationId, tx)
    const said = await messages.say(
      {
        id: newId(),
        conversationId,
        seq,
        role: 'user',
        agentId: null,
        agentName: null,
        content: body.message,
        status: 'complete',
        runId: run.id,
        turn: null,
        fileIds,
      },
      tx,
    )
    await steps.begin(run, tx)
    // Last, since others of the user's wait for it.
    const size = { bytes: Buffer.byteLength(body.message), messages: 1 }
    await this.#deps.messageBudget.take(userId, size, tx)
    const status = (await runs.find(run.id, tx))?.status ?? run.status
    return { accepted: { conversationId, runId: run.id, messageId: said.id, status }, superseded, said, version }
  }

  /** Those that are asked for, or those that the message had and that are still there. @throws AppError 404 */
  async #filesOf(userId: string, before: Message, asked: string[] | undefined, tx: Tx): Promise<string[]> {
    const { accepts, files } = this.#deps
    const wanted = asked ?? before.fileIds
    if (wanted.length === 0) return []
    const request = { userId, agentIds: [], conversationId: undefined, fileIds: wanted, key: undefined }
    const { fileIds: usable } = await accepts.look(request, tx)
    if (asked) files.requireAll(asked, usable)
    return wanted.filter((id) => usable.includes(id))
  }

  /** The run that the words were said to; of a branch, and of a run that is no longer kept, what its conversation remembers. */
  async #like(conversation: Conversation, { runId }: Message, tx: Tx): Promise<BeginningRun> {
    const { id: conversationId, userId, agentIds } = conversation
    const run = runId === null ? null : await this.#deps.runs.find(runId, tx)
    if (run) return { ...run, regenerates: null, retries: null }
    const isParty = agentIds.length > 1
    const asked = isParty ? { agents: agentIds.length } : { agents: 1, maxTurns: 1, strategy: 'round_robin' as const }
    const { strategy, maxTurns } = partyDefaults(asked, conversation.strategy, this.#deps)
    const none = {
      maxRounds: null,
      maxCredits: null,
      maxSeconds: null,
      stopPhrase: null,
      answer: null,
      regenerates: null,
      retries: null,
    }
    return { conversationId, userId, agentIds, strategy, maxTurns, ...none }
  }
}
