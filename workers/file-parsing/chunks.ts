import { wholeEnd } from '../../src/shared/text-ends.ts'
import { estimateTokens } from '../../src/shared/token-estimate.ts'
import { LanguageTracker } from '../../src/storage/search-language.ts'
import { chunkTerms } from '../../src/storage/search-terms.ts'
import type { ParsedChunk } from './protocol.ts'
import { tooMuchText } from './rejection.ts'

/** A stretch of text with its place, as a reader finds it. */
export interface Section {
  page: number | null
  heading: string | null
  text: string
  /** Of a row of a sheet. */
  cells?: CellRange
}

/** Rows and columns from 1. */
export interface CellRange {
  from: number
  to: number
  /** The last column that has anything. */
  columns: number
}

/** About 300 tokens: small enough to be about one thing, large enough to be understood alone. */
const TARGET = 1_200
const MAX_HEADING = 200
/** A text in more pieces than this is nothing that one would read. */
const MAX_CHUNKS = 50_000
// biome-ignore lint/suspicious/noControlCharactersInRegex: removing them is what this is for; PostgreSQL's text takes no NUL.
const CONTROL = /[\u0000-\u0008\u000e-\u001b\u001f\u007f]/g
/** Whatever begins a new line anywhere, also those that only Unicode and old devices know. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: form feeds and separators are among them.
const LINE_ENDS = /\r\n?|[\u000b\u000c\u001c-\u001e\u0085\u2028\u2029]/g

/** Text without control characters and lone surrogates, with plain line ends and at most one empty line in a row. */
export function cleanText(text: string): string {
  const lines: string[] = []
  let empty = 0
  for (const line of text.toWellFormed().replace(LINE_ENDS, '\n').replace(CONTROL, '').split('\n')) {
    const clean = line.trimEnd()
    empty = clean ? 0 : empty + 1
    if (empty < 2) lines.push(clean)
  }
  return lines.join('\n').trim()
}

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
  const space = Math.max(window.lastIndexOf(' '), window.lastIndexOf('\t'), window.lastIndexOf('\u3000'))
  if (space > half) return space + 1
  return wholeEnd(text, limit)
}

/** 3 -> 'C' */
function columnName(column: number): string {
  let name = ''
  for (let left = column; left > 0; left = Math.floor((left - 1) / 26)) {
    name = String.fromCharCode(65 + ((left - 1) % 26)) + name
  }
  return name
}

const cellsOf = ({ from, to, columns }: CellRange): string => `A${from}:${columnName(columns)}${to}`

/** A chunk that is being filled. Its text is joined only when it is cut: reading it back at each piece would cost the square. */
interface Open {
  page: number | null
  heading: string | null
  pieces: string[]
  length: number
  cells?: CellRange
}

/**
 * Cuts sections into chunks of about the same size. A chunk never spans two places; sections of one place are joined, rows of a
 * sheet as whole rows. `maxTextChars` bounds the whole.
 */
export class Chunker {
  readonly #maxTextChars: number
  readonly #language = new LanguageTracker()
  #open: Open | undefined
  #count = 0
  /** Characters of text so far. */
  textLength = 0

  constructor(maxTextChars: number) {
    this.#maxTextChars = maxTextChars
  }

  /** @throws Rejection `file.too_much_text` */
  *add(section: Section): Iterable<ParsedChunk> {
    // What is cleaned costs time, too.
    if (section.text.length > this.#maxTextChars * 4) throw tooMuchText(this.#maxTextChars)
    const text = cleanText(section.text)
    if (!text) return
    this.textLength += text.length
    if (this.textLength > this.#maxTextChars) throw tooMuchText(this.#maxTextChars)
    const heading =
      (section.heading &&
        cleanText(section.heading.slice(0, MAX_HEADING * 4))
          .slice(0, MAX_HEADING)
          .toWellFormed()) ||
      null
    const { page, cells } = section
    const fits = this.#open && (!cells || this.#open.length + text.length <= TARGET)
    if (this.#open && this.#open.page === page && this.#open.heading === heading && fits) {
      this.#open.pieces.push(text)
      this.#open.length += text.length + 1
      if (this.#open.cells && cells) {
        this.#open.cells.to = cells.to
        this.#open.cells.columns = Math.max(this.#open.cells.columns, cells.columns)
      }
    } else {
      yield* this.end()
      this.#open = { page, heading, pieces: [text], length: text.length, ...(cells && { cells: { ...cells } }) }
    }
    if (this.#open.length > TARGET * 1.25) yield* this.#cut(this.#open)
  }

  /** The last piece. */
  *end(): Iterable<ParsedChunk> {
    const open = this.#open
    this.#open = undefined
    if (open) yield* this.#chunk(open, open.pieces.join('\n'))
  }

  *#cut(open: Open): Iterable<ParsedChunk> {
    const text = open.pieces.join('\n')
    let from = 0
    while (text.length - from > TARGET * 1.25) {
      const piece = text.slice(from, from + TARGET + 1)
      const cut = cutAt(piece, TARGET)
      yield* this.#chunk(open, piece.slice(0, cut))
      from += cut
    }
    open.pieces = [text.slice(from)]
    open.length = text.length - from
  }

  *#chunk({ page, heading, cells }: Open, piece: string): Iterable<ParsedChunk> {
    const text = piece.trim()
    if (!text) return
    if (this.#count >= MAX_CHUNKS) throw tooMuchText(this.#maxTextChars)
    const terms = chunkTerms(heading, text)
    const index = this.#count++
    const language = this.#language.of(index, text)
    const place = { index, page, heading, cells: cells ? cellsOf(cells) : null }
    yield { ...place, text, terms, language, tokens: estimateTokens(text) }
  }
}
