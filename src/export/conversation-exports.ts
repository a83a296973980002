import { Readable } from 'node:stream'
import { presentMessage } from '../conversations/conversation.presenter.ts'
import type { ShownMessage } from '../conversations/message.entity.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { RunViews } from '../runs/run-views.ts'
import { AppError } from '../shared/errors.ts'
import { Seats } from '../shared/seats.ts'
import { cleanName, contentDisposition } from '../storage/file-name.ts'
import { jsonList, markdownOf } from './export-texts.ts'

/** Messages that are read at once, within what a page may hold. */
const READ_AT_ONCE = 100

/** Exports at once in this process, of one user and of all: each holds a page. */
const SEATS = { each: 4, all: 64 }
const RETRY_AFTER_SECONDS = 5

const FORMATS = {
  markdown: { contentType: 'text/markdown; charset=utf-8', extension: 'md' },
  json: { contentType: 'application/json; charset=utf-8', extension: 'json' },
}

/** A conversation on its way to a file. */
export interface ConversationExport {
  contentType: string
  contentDisposition: string
  body: Readable
}

/** One conversation as a file: Markdown to read, JSON with everything that the API shows. */
export class ConversationExports {
  readonly #views: Pick<RunViews, 'numbered'>
  readonly #messages: Pick<MessageRepository, 'listAfter'>
  readonly #seats = new Seats(SEATS)

  constructor(views: Pick<RunViews, 'numbered'>, messages: Pick<MessageRepository, 'listAfter'>) {
    this.#views = views
    this.#messages = messages
  }

  /**
   * What was said until now, read page by page as the client takes it: between two pages nothing is held but the page.
   * @throws AppError 404; 429 `export.too_many`, 503 `server.busy`
   */
  async open(userId: string, id: string, format: keyof typeof FORMATS): Promise<ConversationExport> {
    const { conversation, lastSeq } = await this.#views.numbered(userId, id)
    const { contentType, extension } = FORMATS[format]
    const leave = this.#seats.take(userId)
    if (leave === 'each')
      throw new AppError('export.too_many', { words: { limit: SEATS.each }, details: { limit: SEATS.each } })
    if (leave === 'all') throw new AppError('server.busy', { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } })
    const messages = this.#messagesOf(id, lastSeq)
    const text = format === 'json' ? jsonOf(conversation, messages) : markdownOf(conversation.title, readable(messages))
    const body = Readable.from(text, { objectMode: false })
    body.once('close', leave)
    const name = nameOf(conversation, extension)
    return { contentType, contentDisposition: contentDisposition('attachment', name), body }
  }

  async *#messagesOf(id: string, lastSeq: number): AsyncGenerator<ShownMessage> {
    for (let after = 0; after < lastSeq; ) {
      const page = await this.#messages.listAfter(id, after, READ_AT_ONCE)
      // It was deleted meanwhile.
      if (page.length === 0) throw new Error(`conversation ${id} has no messages after ${after}`)
      for (const message of page) if (message.seq <= lastSeq) yield message
      after = page.at(-1)?.seq ?? lastSeq
    }
  }
}

async function* readable(messages: AsyncIterable<ShownMessage>) {
  for await (const { role, agentName, content, status, createdAt } of messages) {
    yield { row: { role, agent_name: agentName, content, status, created_at: createdAt.toISOString() } }
  }
}

async function* jsonOf(conversation: object, messages: AsyncIterable<ShownMessage>): AsyncGenerator<string> {
  yield `{"conversation": ${JSON.stringify(conversation)},\n"messages": `
  yield* jsonList(presented(messages))
  yield '}\n'
}

async function* presented(messages: AsyncIterable<ShownMessage>) {
  for await (const message of messages) yield { row: presentMessage(message) }
}

/** What no file system takes in a name, and what would be a folder. */
const UNNAMEABLE = /[/\\<>:"|?*]/g

const nameOf = ({ title, createdAt }: { title: string | null; createdAt: string }, extension: string): string =>
  cleanName(`${(title ?? 'Conversation').replace(UNNAMEABLE, '-')} ${createdAt.slice(0, 10)}.${extension}`)
