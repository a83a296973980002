import { createHash } from 'node:crypto'
import { requestKey } from '../../chat/request-key.ts'
import type { AcceptedView, RunView } from '../../contract/views.ts'
import type { RunViews } from '../../runs/run-views.ts'
import { invalidRequest, notFound } from '../../shared/errors.ts'
import type { Answer, DoorService } from '../door.service.ts'
import { type EarlierLine, earlierWords } from '../earlier-words.ts'
import { askedBy } from '../question.ts'
import { groupOf, namedWhom, type Whom } from '../whom.ts'
import { type AgUiMessageInput, agUiContent, type RunAgentInput } from './ag-ui.schemas.ts'

interface AgUiDependencies {
  door: DoorService
  views: Pick<RunViews, 'conversation'>
}

/** Runs as clients of AG-UI ask for them; their threads are conversations. */
export class AgUiService {
  readonly #deps: AgUiDependencies

  constructor(dependencies: AgUiDependencies) {
    this.#deps = dependencies
  }

  /**
   * What a client is told next: of the run that its last message begins; or of one that goes on, for what is sent is somebody's word on what it
   * asked. Both: what was asked is answered first; a message that was said before that, and waited behind it, is not said once more.
   * @throws AppError
   */
  async answer(
    userId: string,
    input: RunAgentInput,
    model: string | undefined,
    idempotencyKey: string | undefined,
  ): Promise<{ runId: string; isAnswer: boolean }> {
    const answers = (input.resume ?? []).map(answerOf)
    const thread = answers.length > 0 && (await this.#deps.door.thread(threadOf(userId, input.threadId)))
    if (answers.length > 0 && !thread) throw notFound('approval')
    const resumed = thread && (await this.#deps.door.decide(userId, thread.conversationId, answers))
    if (resumed && input.messages.at(-1)?.role !== 'user') return { runId: resumed.runId, isAnswer: true }
    const said =
      thread && resumed && (await this.#deps.door.said(thread.conversationId, wordsOf(input.messages), resumed.runId))
    if (resumed && said) return { runId: said, isAnswer: said === resumed.runId }
    const { runId } = await this.accept(userId, input, model, idempotencyKey)
    return { runId, isAnswer: false }
  }

  /**
   * Accepts what the last message says. A request that comes twice, with the same run's id and last message, is accepted once.
   * @throws AppError
   */
  async accept(
    userId: string,
    input: RunAgentInput,
    model: string | undefined,
    idempotencyKey: string | undefined,
  ): Promise<AcceptedView> {
    const { threadId, runId, messages, forwardedProps } = input
    const message = wordsOf(messages)
    const asked = forwardedProps ?? {}
    const named = await namedWhom(this.#deps.door.models, userId, { ...asked, model: asked.model ?? model })
    const own = createHash('sha256')
      .update(JSON.stringify([threadId, runId, messages.at(-1)?.id]))
      .digest('hex')
    const key = idempotencyKey ?? own
    return this.#deps.door.say({
      userId,
      model: named ?? (await this.#lastWhom(userId, threadId)),
      message,
      fileIds: asked.fileIds,
      where: { thread: threadOf(userId, threadId) },
      earlier: earlierWords(messages.slice(0, -1).flatMap(lineOf)),
      key: requestKey('ag-ui', key, { threadId, message, asked, model }),
    })
  }

  /** Stops what is under way in a thread, and answers it as it ended; undefined where nothing is. */
  async cancel(userId: string, threadId: string): Promise<RunView | undefined> {
    const thread = await this.#deps.door.thread(threadOf(userId, threadId))
    if (!thread) return undefined
    const { activeRun } = await this.#deps.views.conversation(userId, thread.conversationId)
    return activeRun ? this.#deps.door.cancel(userId, activeRun.id) : undefined
  }

  /** Whoever was spoken with last. @throws AppError 400 where nobody was; 404 where the conversation was deleted meanwhile */
  async #lastWhom(userId: string, threadId: string): Promise<Whom> {
    const thread = await this.#deps.door.thread(threadOf(userId, threadId))
    if (!thread) throw invalidRequest([{ path: 'forwardedProps.model', message: 'must name an agent or a party' }])
    const conversation = await this.#deps.door.conversation(userId, thread.conversationId)
    if (!conversation) throw notFound('conversation')
    return groupOf(conversation.agentIds)
  }
}

const threadOf = (userId: string, thread: string) => ({ userId, door: 'ag-ui' as const, thread })

function answerOf(entry: NonNullable<RunAgentInput['resume']>[number]): Answer {
  const asked = askedBy(entry.interruptId)
  if (entry.status === 'cancelled' || !entry.payload.approved) return { ...asked, decision: 'deny' }
  return { ...asked, decision: 'approve', ...(entry.payload.editedArgs && { arguments: entry.payload.editedArgs }) }
}

/** What the last message says. @throws AppError 400 where it is no user's, or has parts that no agent reads */
function wordsOf(messages: AgUiMessageInput[]): string {
  const last = messages.length - 1
  const message = messages[last]
  if (message?.role !== 'user') {
    const said = 'must be "user": the last message is what is said'
    throw invalidRequest([{ path: `messages.${Math.max(last, 0)}.role`, message: said }])
  }
  const content = agUiContent.safeParse(message.content).data
  if (content === undefined) {
    throw invalidRequest([{ path: `messages.${last}.content`, message: 'must be a text, or parts' }])
  }
  if (typeof content === 'string') return content
  const other = content.findIndex(({ type }) => type !== 'text')
  if (other >= 0) {
    const said = 'must be a text: files are uploaded by POST /api/storage/upload, and named in forwardedProps.fileIds'
    throw invalidRequest([{ path: `messages.${last}.content.${other}`, message: said }])
  }
  return content.map(({ text = '' }) => text).join('\n')
}

/** Of what a client shows besides words, such as its tools' results, agents here hear nothing. */
const ROLES: Record<string, EarlierLine['role']> = {
  user: 'user',
  assistant: 'assistant',
  system: 'system',
  developer: 'system',
}

function lineOf({ role: given, name, content }: AgUiMessageInput): EarlierLine[] {
  const role = Object.hasOwn(ROLES, given) ? ROLES[given] : undefined
  const parts = agUiContent.safeParse(content).data ?? ''
  const text = typeof parts === 'string' ? parts : parts.flatMap((part) => part.text ?? []).join('\n')
  return role ? [{ role, name, text }] : []
}
