import { setImmediate as turn } from 'node:timers/promises'
import type { ConversationView, ExcerptView, FoundView } from '../contract/views.ts'
import { beginningOf, EXCERPT_CHARS, excerptOf } from '../conversations/excerpt.ts'
import type { FoundMessage, MessageSearchRepository } from '../conversations/message-search.repository.ts'
import { type Span, spansOf, type WordsQuery, wordsQuery } from '../conversations/message-words.ts'
import { stretchesOf } from '../conversations/text-stretches.ts'
import { SearchSeats } from './search-seats.ts'

/** Messages whose words a search notes before it looks; what is older the reconciler notes. */
const NOTED_FIRST = 1_000
/** Of the texts that are shown, so many characters are looked through for the place; of others the beginning is shown. */
const LOOKED_CHARS = 262_144
/** Searches of one user at once, and of all, in this process: each reads as much as its user has said. */
const SEATS = { each: 2, all: 8 }

/** Looks for words in what a user and their agents have said, in any script. */
export class ConversationSearch {
  readonly #messages: MessageSearchRepository
  readonly #seats = new SearchSeats(SEATS)

  constructor(messages: MessageSearchRepository) {
    this.#messages = messages
  }

  /**
   * Has `find` look for these words, when those of the latest messages are noted too. Nothing is found where there is no word.
   * @throws AppError 429 `search.too_many`, 503 `server.busy`
   */
  async of<T>(userId: string, asked: string, find: (query: WordsQuery) => Promise<T[]>): Promise<T[]> {
    const query = wordsQuery(userId, asked)
    if (!query) return []
    return this.#seats.during(userId, async () => {
      await this.#messages.noteWords(userId, NOTED_FIRST)
      return find(query)
    })
  }

  /** Where in these conversations it was found, by their ids. */
  async places(query: WordsQuery, conversations: ConversationView[]): Promise<Map<string, FoundView>> {
    if (conversations.length === 0) return new Map()
    const ids = conversations.map(({ id }) => id)
    const messages = Map.groupBy(await this.#messages.places(query, ids), ({ conversationId }) => conversationId)
    const found = new Map<string, FoundView>()
    let left = LOOKED_CHARS
    for (const { id, title } of conversations) {
      const shown: FoundView['messages'] = []
      for (const message of messages.get(id) ?? []) {
        shown.push(presentFound(message, (left > 0 && (await excerptIn(message.content, query))) || undefined))
        left -= message.content.length
        // Long texts take a while, and others wait.
        await turn()
      }
      found.set(id, { title: title === null ? null : inTitle(title, query), messages: shown })
    }
    return found
  }
}

/** Null where the words are elsewhere. */
const inTitle = (title: string, { wanted }: WordsQuery): ExcerptView | null =>
  excerptOf(title, spansOf(title, wanted)) ?? null

const presentFound = ({ content, conversationId: _, ...message }: FoundMessage, excerpt: ExcerptView | undefined) => ({
  ...message,
  createdAt: message.createdAt.toISOString(),
  excerpt: excerpt ?? beginningOf(content),
})

/** Looks stretch by stretch: others get their turn meanwhile. */
async function excerptIn(text: string, { wanted }: WordsQuery): Promise<ExcerptView | undefined> {
  for await (const [from, to] of stretchesOf(text)) {
    const excerpt = excerptOf(text, spansFrom(text, from, to, wanted))
    if (excerpt) return excerpt
  }
  return undefined
}

/** And a little behind it, as far as an excerpt goes. */
function* spansFrom(text: string, from: number, to: number, wanted: WordsQuery['wanted']): Generator<Span> {
  for (const [start, end] of spansOf(text.slice(from, to + EXCERPT_CHARS), wanted)) yield [from + start, from + end]
}
