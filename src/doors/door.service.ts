import type { AgentService } from '../agents/agent.service.ts'
import type { EarlierMessage } from '../chat/accept.repository.ts'
import type { ApprovalService } from '../chat/approval.service.ts'
import type { ChatService, Preface } from '../chat/chat.service.ts'
import type { RequestKey } from '../chat/request-key.ts'
import type { AnswerForm } from '../contract/answer-form.ts'
import type { DecisionInput } from '../contract/approval-views.ts'
import type { ChatSchemas } from '../contract/chat.schemas.ts'
import type { AcceptedView, MessageView, RunView } from '../contract/views.ts'
import type { Conversation } from '../conversations/conversation.entity.ts'
import { presentMessage } from '../conversations/conversation.presenter.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { Tx } from '../database/transaction.ts'
import type { CancelService } from '../runs/cancel.service.ts'
import type { RunRepository } from '../runs/run.repository.ts'
import type { RunViews } from '../runs/run-views.ts'
import { checkedInput } from '../shared/checked-input.ts'
import { AppError, notFound } from '../shared/errors.ts'
import type { OpenCall, ToolCallRepository } from '../tools/tool-call.repository.ts'
import type { DoorModels } from './door-models.ts'
import { type DoorThread, GIVEN_BYTES, THREAD_BYTES } from './door-thread.entity.ts'
import type { DoorThreadRepository, ThreadName } from './door-thread.repository.ts'
import type { Whom } from './whom.ts'

interface DoorDependencies {
  chat: Pick<ChatService, 'single' | 'party'>
  schemas: ChatSchemas
  agents: Pick<AgentService, 'participants'>
  models: DoorModels
  threads: DoorThreadRepository
  runs: Pick<RunRepository, 'findOwned' | 'saying'>
  conversations: Pick<ConversationRepository, 'findOwned'>
  messages: Pick<MessageRepository, 'ofAgents'>
  views: Pick<RunViews, 'run'>
  cancels: Pick<CancelService, 'cancel'>
  toolCalls: Pick<ToolCallRepository, 'open' | 'findOwned' | 'said'>
  approvals: Pick<ApprovalService, 'decide'>
}

/** What a client of a door says. */
export interface Saying {
  userId: string
  model: Whom
  message: string
  fileIds?: string[] | undefined
  /** The form that the answer of an agent alone is to have. */
  answer?: AnswerForm | undefined
  /**
   * Where: in a conversation that is there; in that of the door's own thread, which begins with the first request that names it; or in
   * a new one.
   */
  where: { conversationId: string } | { thread: ThreadName } | 'new'
  /** Said before, as the client tells it: the first messages of a conversation that begins. */
  earlier: EarlierMessage[]
  key: RequestKey | undefined
  /** What `note` keeps of it, as JSON. */
  kept?: string | undefined
  /** Notes more beside it, in the transaction that accepts: what it throws undoes all. */
  note?: (accepted: AcceptedView, tx: Tx) => Promise<void>
}

/** What the open turns of a run have done with tools. */
export interface OpenCalls {
  calls: OpenCall[]
  /** The words of those that wait: nobody speaks there, and what was said live may be forgotten. */
  said: Array<{ turn: number; attempt: number; text: string }>
}

/** Calls that are decided on at once: more than a turn may ask about. */
export const MOST_ANSWERS = 64

/** What somebody has decided about a call of a tool. */
export interface Answer extends DecisionInput {
  /** The call's. */
  id: string
}

/** Undone: somebody else began the thread at the same moment. */
class ThreadTaken extends Error {}

/**
 * What all doors have in common: they translate, and nothing else. What is said is accepted as everywhere, with the same checks, holds
 * and keys; a run is read, and stopped, as everywhere.
 */
export class DoorService {
  readonly #deps: DoorDependencies

  constructor(dependencies: DoorDependencies) {
    this.#deps = dependencies
  }

  get models(): DoorModels {
    return this.#deps.models
  }

  get threads(): DoorThreadRepository {
    return this.#deps.threads
  }

  /** Accepts what is said. @throws AppError as `POST /api/chat` does */
  async say(saying: Saying): Promise<AcceptedView> {
    const { where } = saying
    if (where === 'new' || 'conversationId' in where) return this.#accept(saying, where, undefined)
    checkThread(where.thread)
    // Whoever began it a moment ago has committed by the second time.
    for (const _ of [1, 2]) {
      const known = await this.#deps.threads.find(where.thread)
      try {
        return await this.#accept(saying, known ?? 'new', known ? undefined : where.thread)
      } catch (error) {
        if (!(error instanceof ThreadTaken)) throw error
      }
    }
    throw new AppError('thread.busy')
  }

  /** The conversation of a thread, and what was given with it; undefined where there is none. */
  async thread(name: ThreadName): Promise<DoorThread | undefined> {
    return Buffer.byteLength(name.thread) > THREAD_BYTES
      ? undefined
      : ((await this.#deps.threads.find(name)) ?? undefined)
  }

  /** A conversation's row, without its runs; null where it is not this user's. */
  conversation(userId: string, id: string): Promise<Conversation | null> {
    return this.#deps.conversations.findOwned(userId, id)
  }

  /** The id of a run's conversation; undefined where the run is not this user's. */
  async conversationOf(userId: string, runId: string): Promise<string | undefined> {
    return (await this.#deps.runs.findOwned(userId, runId))?.conversationId
  }

  /** The names of who may speak in a run, by their ids; those of deleted agents too. @throws AppError 404 */
  async speakers(userId: string, runId: string): Promise<Map<string, string>> {
    const run = await this.#deps.runs.findOwned(userId, runId)
    if (!run) throw notFound('run')
    const agents = await this.#deps.agents.participants(run.agentIds)
    return new Map(agents.map(({ id, name }) => [id, name]))
  }

  /** @throws AppError 404 */
  run(userId: string, runId: string): Promise<RunView> {
    return this.#deps.views.run(userId, runId)
  }

  /** What agents said in a run so far, in the order of their turns; of a run that is this user's. */
  async words({ id }: Pick<RunView, 'id'>): Promise<MessageView[]> {
    return (await this.#deps.messages.ofAgents(id)).map(presentMessage)
  }

  /** Stops a run and answers it as it ended. @throws AppError 404 */
  cancel(userId: string, runId: string): Promise<RunView> {
    return this.#deps.cancels.cancel(userId, runId)
  }

  /** What the turns of a run that are not over, and these, have done with tools, and what those have said that wait for somebody. */
  async calls(runId: string, turns: readonly number[] = []): Promise<OpenCalls> {
    const { toolCalls } = this.#deps
    const calls = await toolCalls.open(runId, turns)
    const waiting = new Map(
      calls.flatMap(({ turn, turnAttempt, isWaiting }) => (isWaiting ? [[turn, turnAttempt]] : [])),
    )
    const said = await Promise.all(
      [...waiting].map(async ([turn, attempt]) => ({ turn, attempt, text: await toolCalls.said({ runId, turn }) })),
    )
    return { calls, said }
  }

  /**
   * Decides on calls of a run of this conversation, and answers which run goes on, from which turn on. What was decided on before, or in vain,
   * stays as it is: whoever reads the run is told.
   * @throws AppError 404 `approval.not_found`; 400 for arguments that do not fit
   */
  async decide(userId: string, conversationId: string, answers: Answer[]): Promise<{ runId: string; turn: number }> {
    const { toolCalls, approvals } = this.#deps
    const calls = await Promise.all(answers.map(({ id }) => toolCalls.findOwned(userId, id)))
    const [first] = calls
    if (!first || calls.some((call) => call?.runId !== first.runId)) throw notFound('approval')
    if ((await this.conversationOf(userId, first.runId)) !== conversationId) throw notFound('approval')
    for (const { id, ...decision } of answers) {
      await approvals.decide(userId, id, decision).catch((error: unknown) => {
        if (!(error instanceof AppError) || error.code !== 'approval.over') throw error
      })
    }
    return { runId: first.runId, turn: Math.min(...calls.map((call) => call?.turn ?? first.turn)) }
  }

  /** The run that was begun by these words behind that one, or is it; undefined where they were not said since. */
  said(conversationId: string, text: string, fromId: string): Promise<string | undefined> {
    return this.#deps.runs.saying(conversationId, text, fromId)
  }

  #accept(
    { userId, model, message, fileIds, answer, earlier, key, kept, note }: Saying,
    where: { conversationId: string } | 'new',
    begins: ThreadName | undefined,
  ): Promise<AcceptedView> {
    const { chat, schemas, threads } = this.#deps
    const preface: Preface = {
      key,
      earlier,
      kept,
      ...((begins || note) && {
        note: async (accepted, tx) => {
          const { conversationId } = accepted
          if (begins && !(await threads.add({ ...begins, conversationId, given: null }, tx))) throw new ThreadTaken()
          await note?.(accepted, tx)
        },
      }),
    }
    const said = {
      message,
      fileIds,
      // Nothing that a client of a door said is ever mixed into an answer that it does not read.
      onBusy: 'enqueue' as const,
      ...(where !== 'new' && { conversationId: where.conversationId }),
    }
    if (model.kind === 'agent') {
      const body = checkedInput(schemas.single, { agentId: model.agent.id, answer, ...said })
      return chat.single(userId, body, undefined, preface)
    }
    const who = model.kind === 'party' ? { partyId: model.party.id } : { agentIds: model.agentIds }
    const body = checkedInput(schemas.party, { ...who, ...model.terms, ...said })
    return chat.party(userId, body, undefined, preface)
  }
}

/** Whether what a client gave to be shown again is short enough to be kept; the database writes JSON with some more spaces. */
export const isShort = (given: unknown): boolean =>
  Buffer.byteLength(JSON.stringify(given)) <= GIVEN_BYTES - GIVEN_BYTES / 8

function checkThread({ thread }: ThreadName): void {
  if (thread !== '' && Buffer.byteLength(thread) <= THREAD_BYTES) return
  throw new AppError('thread.invalid', { words: { limit: THREAD_BYTES } })
}
