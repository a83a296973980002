import type { ConversationService } from '../../chat/conversation.service.ts'
import { requestKey } from '../../chat/request-key.ts'
import { isGuid } from '../../contract/inputs.ts'
import type { AcceptedView, ConversationView, RunView } from '../../contract/views.ts'
import type { Conversation } from '../../conversations/conversation.entity.ts'
import { presentMessage } from '../../conversations/conversation.presenter.ts'
import type { RunViews } from '../../runs/run-views.ts'
import { AppError, invalidRequest, notFound } from '../../shared/errors.ts'
import { presentToolCall } from '../../tools/tool-call.presenter.ts'
import { type Answer, type DoorService, MOST_ANSWERS } from '../door.service.ts'
import type { DoorThread } from '../door-thread.entity.ts'
import { type EarlierLine, earlierWords } from '../earlier-words.ts'
import { groupOf, namedWhom, type Whom } from '../whom.ts'
import type { SecondThoughts } from './second-thoughts.ts'
import { answersIn, turnName, type UiChatBody, type UiMessageInput } from './ui.schemas.ts'
import { type UiMessage, uiMessages, type WaitingTurn } from './ui-history.ts'

interface UiChatDependencies {
  door: DoorService
  conversations: Pick<ConversationService, 'get'>
  views: Pick<RunViews, 'conversation' | 'ofRuns'>
  secondThoughts: SecondThoughts
}

/** Chats as the AI SDK's `useChat` has them: their ids are the client's own, or those of conversations. */
export class UiChatService {
  readonly #deps: UiChatDependencies

  constructor(dependencies: UiChatDependencies) {
    this.#deps = dependencies
  }

  /**
   * What a client is told next: of the run that its last message begins; or of one that goes on, `from` a turn on, for what is sent is somebody's
   * word on calls of it.
   * @throws AppError
   */
  async answer(
    userId: string,
    body: UiChatBody,
    idempotencyKey: string | undefined,
  ): Promise<{ runId: string; from?: number }> {
    const answers = body.trigger === 'submit-message' ? answersOf(body) : []
    if (answers.length === 0) return this.accept(userId, body, idempotencyKey)
    const conversation = await this.#conversation(userId, body.id)
    if (!conversation) throw notFound('approval')
    const { runId, turn } = await this.#deps.door.decide(userId, conversation.id, answers)
    return { runId, from: turn }
  }

  /** Accepts what the last of the messages says, also in the place of what it said before, or has the last answer given anew. @throws AppError */
  async accept(userId: string, body: UiChatBody, idempotencyKey: string | undefined): Promise<AcceptedView> {
    const { secondThoughts } = this.#deps
    const { messageId = undefined, fileIds } = body
    if (body.trigger === 'regenerate-message') {
      const conversation = await this.#withRuns(userId, body.id)
      return secondThoughts.answerAnew(userId, conversation, messageId ?? undefined, idempotencyKey)
    }
    const conversation = await this.#conversation(userId, body.id)
    const message = wordsOf(body.messages)
    if (messageId && conversation) {
      const meant = { messageId, place: body.messages.filter(({ role }) => role === 'user').length }
      const anew = { message, fileIds }
      const accepted = await secondThoughts.sayOtherwise(userId, conversation.id, meant, anew, idempotencyKey)
      if (accepted) return accepted
    }
    const thread: Pick<DoorThread, 'userId' | 'door' | 'thread'> = { userId, door: 'ui', thread: body.id }
    return this.#deps.door.say({
      userId,
      model: await this.#whom(userId, body, conversation),
      message,
      fileIds,
      where: conversation ? { conversationId: conversation.id } : { thread },
      earlier: earlierWords(body.messages.slice(0, -1).flatMap(linesOf)),
      key: requestKey('ui/chat', idempotencyKey, body),
    })
  }

  /** The run that a client may go on with: the named one, or that which is under way; undefined where nothing is. @throws AppError 404 */
  async current(userId: string, chat: string, runId: string | undefined): Promise<string | undefined> {
    if (runId === undefined) return (await this.#withRuns(userId, chat))?.activeRun?.id
    const conversation = await this.#conversation(userId, chat)
    if (!conversation) return undefined
    if ((await this.#deps.door.conversationOf(userId, runId)) !== conversation.id) throw notFound('run')
    return runId
  }

  /** Stops what is under way, and answers it as it ended; undefined where nothing is. */
  async stop(userId: string, chat: string): Promise<RunView | undefined> {
    const runId = await this.current(userId, chat, undefined)
    return runId === undefined ? undefined : this.#deps.door.cancel(userId, runId)
  }

  /** A page of a chat, the latest first page; of a chat in which nothing was said, an empty one. */
  async history(
    userId: string,
    chat: string,
    page: { limit: number; beforeSeq: number | undefined },
  ): Promise<{ conversationId: string | null; data: UiMessage[]; nextCursor: string | null }> {
    const conversation = await this.#conversation(userId, chat)
    if (!conversation) return { conversationId: null, data: [], nextCursor: null }
    const found = await this.#deps.conversations.get(userId, conversation.id, page)
    // A page begins with what a user said, so that no answer is torn in two.
    const first = found.nextCursor === null ? 0 : found.messages.findIndex(({ role }) => role === 'user')
    const shown = found.messages.slice(Math.max(first, 0)).map(presentMessage)
    const runs = await this.#deps.views.ofRuns([...new Set(shown.flatMap(({ runId }) => runId ?? []))])
    const waiting = page.beforeSeq === undefined ? await this.#waiting(userId, [...runs.values()]) : undefined
    const nextCursor = first > 0 && shown[0] ? String(shown[0].seq) : found.nextCursor
    return { conversationId: conversation.id, data: uiMessages(shown, runs, waiting), nextCursor }
  }

  /** The turn of each run in which somebody is asked first. */
  async #waiting(userId: string, runs: RunView[]): Promise<Map<string, WaitingTurn>> {
    const { door } = this.#deps
    const found = runs
      .filter(({ status }) => status === 'waiting')
      .map(async (run) => {
        const { calls, said } = await door.calls(run.id)
        const [first] = said
        const turn = run.turns.find(({ index }) => index === first?.turn)
        if (!first || !turn) return []
        const names = await door.speakers(userId, run.id)
        const shown = calls.flatMap((call) => (call.turn === first.turn ? [presentToolCall(call)] : []))
        const agentName = names.get(turn.agentId ?? '') ?? ''
        return [[run.id, { ...turn, agentName, text: first.text, calls: shown }] as const]
      })
    return new Map((await Promise.all(found)).flat())
  }

  /** The id of a chat's conversation, which may be none of this user's. */
  async #idOf(userId: string, chat: string): Promise<string | undefined> {
    const thread = await this.#deps.door.thread({ userId, door: 'ui', thread: chat })
    return thread?.conversationId ?? (isGuid(chat) ? chat.toLowerCase() : undefined)
  }

  async #conversation(userId: string, chat: string): Promise<Conversation | null> {
    const id = await this.#idOf(userId, chat)
    return id === undefined ? null : this.#deps.door.conversation(userId, id)
  }

  /** The same as clients see it: its runs cost queries of their own. */
  async #withRuns(userId: string, chat: string): Promise<ConversationView | undefined> {
    const id = await this.#idOf(userId, chat)
    if (id === undefined) return undefined
    return this.#deps.views.conversation(userId, id).catch((error: unknown) => {
      if (error instanceof AppError && error.code === notFound('conversation').code) return undefined
      throw error
    })
  }

  async #whom(userId: string, body: UiChatBody, conversation: Conversation | null): Promise<Whom> {
    const named = await namedWhom(this.#deps.door.models, userId, body)
    if (named) return named
    if (conversation) return groupOf(conversation.agentIds)
    throw invalidRequest([{ path: 'model', message: 'must name an agent or a party' }])
  }
}

/** What somebody has decided about calls of tools: in the last message, or in that which is named. */
function answersOf({ messages, messageId }: UiChatBody): Answer[] {
  const message = messages.find(({ id, role }) => id === messageId && role === 'assistant') ?? messages.at(-1)
  const answers = message?.role === 'assistant' ? answersIn(message) : []
  if (answers.length > MOST_ANSWERS) {
    throw invalidRequest([{ path: 'messages', message: `must answer at most ${MOST_ANSWERS} calls at once` }])
  }
  return answers
}

/** What the last message says. @throws AppError 400 where it is no user's, or has parts that no agent reads */
function wordsOf(messages: UiMessageInput[]): string {
  const last = messages.length - 1
  const message = messages[last]
  if (message?.role !== 'user') {
    throw invalidRequest([
      { path: `messages.${last}.role`, message: 'must be "user": the last message is what is said' },
    ])
  }
  const file = message.parts.findIndex(({ type }) => type === 'file')
  if (file >= 0) {
    const said = 'cannot be a file: upload it by POST /api/storage/upload, and name it in fileIds'
    throw invalidRequest([{ path: `messages.${last}.parts.${file}`, message: said }])
  }
  return textOf(message)
}

const textOf = ({ parts }: UiMessageInput): string =>
  parts.flatMap(({ type, text }) => (type === 'text' && text ? [text] : [])).join('\n')

/** What a message said: of an assistant's, each turn under its speaker's name. */
function linesOf(message: UiMessageInput): EarlierLine[] {
  if (message.role !== 'assistant') return [{ role: message.role, text: textOf(message) }]
  let name: string | undefined
  return message.parts.flatMap((part) => {
    if (part.type === 'data-turn') name = turnName.safeParse(part).data?.data.name
    return part.type === 'text' && part.text ? [{ role: 'assistant', name, text: part.text }] : []
  })
}
