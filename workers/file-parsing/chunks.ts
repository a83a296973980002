import { estimateTokens } from '../../src/shared/token-estimate.ts'
import { searchTerms } from '../../src/storage/search-terms.ts'
import type { ParsedChunk } from './protocol.ts'
import { tooMuchText } from './rejection.ts'

/** A stretch of text with its place, as a reader finds it. */
export interface Section {
  page: number | null
  heading: string | null
  text: string
}

/** About 300 tokens: small enough to be about one thing, large enough to be understood alone. */
const TARGET = 1_200
const MAX_HEADING = 200
/** A text in more pieces than this is nothing that one would read. */
const MAX_CHUNKS = 50_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is what this is for; PostgreSQL's text takes no NUL.
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g

/** Text without control characters and lone surrogates, with plain line ends and at most one empty line in a row. */
const cleanText = (text: string): string =>
  text
    .toWellFormed()
    .replace(/\r\n?/g, '\n')
    .replace(CONTROL, '')
    .replace(/[^\S\n]+\n/g, '\n')
    .replace(/\n{3,}/g, '\n\n')
    .trim()

/** Where to cut a text that is too long: after a paragraph, else a line, else a sentence, else a word, never inside a letter. */
function cutAt(text: string, limit: number): number {
  const half = limit / 2
  for (const mark of ['\n\n', '\n']) {
    const at = text.lastIndexOf(mark, limit - mark.length)
    if (at > half) return at + mark.length
  }
  const window = text.slice(0, limit)
  const sentence = [...window.matchAll(/[.!?\u3002\uff01\uff1f](?=\s|$)\s*|[\u3002\uff01\uff1f]/g)].at(-1)
  if (sentence && sentence.index > half) return sentence.index + sentence[0].length
  const space = window.search(/\s\S*$/)
  if (space > half) return space + 1
  const code = text.charCodeAt(limit - 1)
  return code >= 0xd800 && code < 0xdc00 ? limit - 1 : limit
}

/**
 * Cuts sections into chunks of about the same size. A chunk never spans two places; sections of one place are joined.
 * `maxTextChars` bounds the whole.
 */
export class Chunker {
  readonly #maxTextChars: number
  #open: Section | undefined
  #count = 0
  /** Characters of text so far. */
  textLength = 0

  constructor(maxTextChars: number) {
    this.#maxTextChars = maxTextChars
  }

  /** @throws Rejection `file.too_much_text` */
  *add(section: Section): Iterable<ParsedChunk> {
    const text = cleanText(section.text)
    if (!text) return
    this.textLength += text.length
    if (this.textLength > this.#maxTextChars) throw tooMuchText(this.#maxTextChars)
    const heading = (section.heading && cleanText(section.heading).slice(0, MAX_HEADING).toWellFormed()) || null
    if (this.#open && this.#open.page === section.page && this.#open.heading === heading) {
      this.#open.text += `\n${text}`
    } else {
      yield* this.end()
      this.#open = { page: section.page, heading, text }
    }
    while (this.#open.text.length > TARGET * 1.25) {
      const cut = cutAt(this.#open.text, TARGET)
      yield* this.#chunk(this.#open, this.#open.text.slice(0, cut))
      this.#open.text = this.#open.text.slice(cut)
    }
  }

  /** The last piece. */
  *end(): Iterable<ParsedChunk> {
    const open = this.#open
    this.#open = undefined
    if (open) yield* this.#chunk(open, open.text)
  }

  *#chunk({ page, heading }: Section, piece: string): Iterable<ParsedChunk> {
    const text = piece.trim()
    if (!text) return
    if (this.#count >= MAX_CHUNKS) throw tooMuchText(this.#maxTextChars)
    const terms = searchTerms(heading ? `${heading} ${text}` : text) ?? null
    yield { index: this.#count++, page, heading, text, terms, tokens: estimateTokens(text) }
  }
}
