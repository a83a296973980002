import { foldWord, isPaired, searchTerms } from '../storage/search-terms.ts'
import { stretchesOf } from './text-stretches.ts'

/** Of a longer message the beginning is found. */
export const SEARCHED_CHARS = 32_768
/**
 * Bytes of a message's terms, the user's mark before each included; what comes after is not found. A `tsvector` holds a mebibyte, and signs
 * that stand for many letters, with separators between, would make more of a message: it could not be noted, nor what waits behind it.
 */
const MOST_BYTES = 524_288
/** More words of a question are not looked at. */
const MOST_WORDS = 16
/** And no more terms than these: a word of a script without spaces has one for each of its signs. */
const MOST_TERMS = 64

/** A term that what is looked for must have; with `isPrefix`, one that begins so. */
export interface Wanted {
  term: string
  isPrefix: boolean
}

/** What to look for: all of it must be in one message, or in a title. */
export interface WordsQuery {
  wanted: readonly Wanted[]
  /** The text of a `tsquery` of what one user's messages have. */
  words: string
  /** Patterns of LIKE for titles. */
  titles: string[]
}

/**
 * Words are stored with their user's mark before them, so that the index leads to messages of that user alone: however common a word is
 * among all, a search reads what is one's own. Two users may have the same mark; whose a message is, is asked besides.
 */
const markOf = (userId: string): string => `${userId.replaceAll('-', '').slice(-8)}:`

/** Terms hold letters, marks and digits; nothing may end the quotes all the same. */
const quoted = (text: string): string => `'${text.replace(/['\\]/g, '')}'`

/** The text of a `tsvector` of a message's words, without places. Others get their turn meanwhile: a long text takes a while. */
export async function wordsOf(userId: string, text: string): Promise<string> {
  const mark = markOf(userId)
  const terms = new Set<string>()
  let bytes = 0
  for await (const [from, to] of stretchesOf(text.slice(0, SEARCHED_CHARS))) {
    for (const word of searchTerms(text.slice(from, to))) {
      const term = foldWord(word)
      if (term === '' || terms.has(term)) continue
      bytes += mark.length + Buffer.byteLength(term)
      if (bytes > MOST_BYTES) return vectorText(terms, mark)
      terms.add(term)
    }
  }
  return vectorText(terms, mark)
}

/** The text of a `tsvector` of these terms, without places, each with a mark before it. */
export const vectorText = (terms: Iterable<string>, mark: string): string =>
  Array.from(terms, (term) => quoted(mark + term)).join(' ')

/** The text of a `tsquery` of all that is wanted, where terms have this mark before them. */
export const queryText = (wanted: readonly Wanted[], mark: string): string =>
  wanted.map(({ term, isPrefix }) => `${quoted(mark + term)}${isPrefix ? ':*' : ''}`).join(' & ')

/** The words of a question, and the terms that they ask for; none where there is nothing to look for. */
export function wantedBy(asked: string): { pieces: string[]; wanted: Wanted[] } {
  const pieces = asked
    .split(/\s+/)
    .filter((piece) => searchTerms(piece).length > 0)
    .slice(0, MOST_WORDS)
  return { pieces, wanted: pieces.flatMap(wantedOf).slice(0, MOST_TERMS) }
}

/** Words are found by their beginnings; undefined where there is nothing to look for. */
export function wordsQuery(userId: string, asked: string): WordsQuery | undefined {
  const { pieces, wanted } = wantedBy(asked)
  if (wanted.length === 0) return undefined
  return {
    wanted,
    words: queryText(wanted, markOf(userId)),
    titles: pieces.map((piece) => `%${normalized(piece).replace(/[\\%_]/g, (sign) => `\\${sign}`)}%`),
  }
}

const normalized = (text: string): string => text.normalize('NFKC').toLowerCase()

function wantedOf(piece: string): Wanted[] {
  const terms = searchTerms(piece).map(foldWord)
  return terms.flatMap((term, place): Wanted[] => {
    if (!isPaired(term)) return [{ term, isPrefix: true }]
    if ((term.match(/\P{M}/gu)?.length ?? 0) > 1) return [{ term, isPrefix: false }]
    // The last sign of a run is in the pair before it; one that stands alone is the beginning of many pairs.
    return terms[place - 1]?.endsWith(term) ? [] : [{ term, isPrefix: true }]
  })
}

const isWanted = (wanted: readonly Wanted[], found: string): boolean =>
  wanted.some(({ term, isPrefix }) => (isPrefix ? found.startsWith(term) : found === term))

/** From where to where in a text, in UTF-16 code units. */
export type Span = [from: number, to: number]

const RUN = /[\p{L}\p{M}\p{N}]+/gu
/** Signs of a run of several scripts in which places are looked for. */
const MOST_MIXED_SIGNS = 2_000
const SIGN = /[^\p{M}]\p{M}{0,8}|\p{M}/gu

/** Where a text has what is wanted: whole words, or the signs of scripts that have no spaces. In order, as it is read. */
export function* spansOf(text: string, wanted: readonly Wanted[]): Generator<Span> {
  for (const { 0: run, index } of text.matchAll(RUN)) {
    if (isPaired(run)) yield* signSpans(run, index, wanted)
    else if (searchTerms(run).some((term) => isWanted(wanted, foldWord(term)))) yield [index, index + run.length]
  }
}

function* signSpans(run: string, start: number, wanted: readonly Wanted[]): Generator<Span> {
  const signs = Array.from(run.matchAll(SIGN), ({ 0: sign, index }) => ({ sign, from: start + index }))
  const terms = searchTerms(run)
  // A run of such signs alone has a term for each of them; of others each is asked for its own, which takes longer.
  const isEach = terms.length === signs.length && signs.every(({ sign }) => isPaired(sign))
  for (const [place, { sign, from }] of (isEach ? signs : signs.slice(0, MOST_MIXED_SIGNS)).entries()) {
    const next = isPaired(sign) ? signs[place + 1]?.sign : undefined
    const pair = next !== undefined && isPaired(next) ? sign + next : sign
    const term = foldWord((isEach ? terms[place] : searchTerms(pair)[0]) ?? '')
    if (term === '') continue
    const exact = wanted.some((one) => !one.isPrefix && one.term === term)
    if (exact) yield [from, from + pair.length]
    else if (isWanted(wanted, term)) yield [from, from + sign.length]
  }
}
