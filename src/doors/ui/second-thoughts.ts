import type { ConversationService } from '../../chat/conversation.service.ts'
import type { EditService } from '../../chat/edit.service.ts'
import type { RegenerateService } from '../../chat/regenerate.service.ts'
import type { RetryService } from '../../chat/retry.service.ts'
import type { ChatSchemas } from '../../contract/chat.schemas.ts'
import type { AcceptedView, ConversationView } from '../../contract/views.ts'
import { checkedInput } from '../../shared/checked-input.ts'
import { AppError, notFound } from '../../shared/errors.ts'

interface SecondThoughtDependencies {
  conversations: Pick<ConversationService, 'get'>
  edits: Pick<EditService, 'edit'>
  retries: Pick<RetryService, 'retry'>
  regenerations: Pick<RegenerateService, 'regenerate'>
  schemas: Pick<ChatSchemas, 'edit'>
}

/** Which of a client's messages is meant: our id of it, where the client has it from us, or its place among those of the user. */
export interface Meant {
  messageId: string | undefined
  /** The user's messages up to this one, itself included, as the client shows them. */
  place: number
}

/** As many messages as a page has: what is said anew is among the last ones. */
const LOOKED_AT = 100

/** What clients of `useChat` have done anew: the last answer (`regenerate`), or the user's last words (`sendMessage` with a `messageId`). */
export class SecondThoughts {
  readonly #deps: SecondThoughtDependencies

  constructor(dependencies: SecondThoughtDependencies) {
    this.#deps = dependencies
  }

  /**
   * The newest run once more: a failed or stopped one from the user's words on, a single message by its agent alone, a party's from the
   * same words on.
   * @throws AppError 404; 409 `chat.busy`, `run.not_last` for an answer before the last
   */
  async answerAnew(
    userId: string,
    conversation: ConversationView | undefined,
    messageId: string | undefined,
    key: string | undefined,
  ): Promise<AcceptedView> {
    const run = conversation?.lastRun
    if (!conversation || !run) throw notFound('message')
    const { retries, regenerations, edits } = this.#deps
    const { messages, users } = await this.#latest(userId, conversation.id)
    const last = users.at(-1)
    const isKnown = messages.some(({ id, runId }) => id === messageId || runId === messageId)
    if (isKnown && messageId !== run.id && messageId !== last?.id) throw new AppError('run.not_last')
    if (run.status !== 'completed') return retries.retry(userId, run.id, key)
    const [said, another] = run.turns.flatMap(({ messageId: id }) => id ?? [])
    if (said !== undefined && another === undefined) return regenerations.regenerate(userId, said, key)
    if (!last) throw notFound('message')
    return edits.edit(userId, last.id, { message: last.content }, key)
  }

  /**
   * The user's last words said otherwise; undefined where the client means words that never came here.
   * @throws AppError 400; 409 `chat.busy`, `chat.not_last_of_user`
   */
  async sayOtherwise(
    userId: string,
    conversationId: string,
    { messageId, place }: Meant,
    said: { message: string; fileIds: string[] | undefined },
    key: string | undefined,
  ): Promise<AcceptedView | undefined> {
    const body = checkedInput(this.#deps.schemas.edit, said)
    const { users, isAll } = await this.#latest(userId, conversationId)
    const known = users.find(({ id }) => id === messageId)
    if (!known && isAll && place > users.length) return undefined
    const meant = known ?? (isAll ? users[place - 1] : undefined)
    if (!meant) throw new AppError('chat.not_last_of_user')
    return this.#deps.edits.edit(userId, meant.id, body, key)
  }

  async #latest(userId: string, conversationId: string) {
    const page = await this.#deps.conversations.get(userId, conversationId, { limit: LOOKED_AT })
    const messages = page.messages.filter(({ status }) => status !== 'superseded')
    return { messages, users: messages.filter(({ role }) => role === 'user'), isAll: page.nextCursor === null }
  }
}
