import type { EarlierMessage } from '../chat/accept.repository.ts'

/** How much a body may hold that has a whole chat in it, as clients send it again and again. */
export const HISTORY_SHAPE = { depth: 12, keys: 200, items: 2_000, values: 6_000 }
/** Of a longer history the latest are kept: turns read no more than this. */
export const MOST_EARLIER = 200
/** Of a speaker's name elsewhere, so many characters are kept: no name here is longer. */
const NAME_CHARS = 60
/** Whoever spoke elsewhere without a name. */
const NAMELESS = 'Assistant'

/** Something that was said before a conversation began here. */
export interface EarlierLine {
  role: 'user' | 'assistant' | 'system'
  /** Of an assistant. */
  name?: string | undefined
  text: string
}

/** What a client tells of before, as the first messages of a conversation that begins; its speakers are none of ours. */
export const earlierWords = (lines: EarlierLine[]): EarlierMessage[] =>
  lines
    .filter(({ text }) => text.trim() !== '')
    .slice(-MOST_EARLIER)
    .map(({ role, name, text: content }) =>
      role === 'assistant'
        ? { role: 'agent', agentId: null, agentName: nameOf(name), content }
        : { role, agentId: null, agentName: null, content },
    )

/** As names are here: one line, without what ends a label. */
const nameOf = (name = ''): string =>
  name
    .slice(0, 4 * NAME_CHARS)
    .replace(/[\p{Cc}\s:@\ufe55\ufe6b\uff1a\uff20]+/gu, ' ')
    .trim()
    .slice(0, NAME_CHARS)
    .toWellFormed() || NAMELESS
