import { foldWord, isPaired } from './search-terms.ts'

/** A `tsvector` keeps no later position and no longer lexeme than these. */
const LAST_POSITION = 16_383
/** Beginnings of words stand for their stems in languages that PostgreSQL has no stemmer for. */
const BEGINNINGS = [4, 5] as const
const STEMMABLE = /^\p{L}[\p{L}\p{M}]*$/u
/** A file's words for the search by likeness; more are not kept. */
const VOCABULARY_WORDS = 20_000
const NAME_LENGTHS = { least: 4, most: 40 }

/** `^umow` and `^umowa` for `umowami`; none for short words. */
export const beginningsOf = (folded: string): string[] =>
  folded.length > BEGINNINGS[0] && STEMMABLE.test(folded) && !isPaired(folded)
    ? BEGINNINGS.filter((length) => length < folded.length || length === BEGINNINGS.at(-1)).map(
        (length) => `^${folded.slice(0, length)}`,
      )
    : []

/**
 * What is stored for terms (`searchTerms`): `exact`, the text of a `tsvector` of the words without accents (and of their
 * beginnings when nothing can stem them), and `words`, those that a stemmer shall see, accents and all, with spaces between.
 */
export function lexemesOf(terms: readonly string[], stemmed: boolean): { exact: string; words: string } {
  const positions = new Map<string, number[]>()
  const words: string[] = []
  const note = (lexeme: string, position: number) => {
    const known = positions.get(lexeme)
    if (!known) positions.set(lexeme, [position])
    else if (known.length < 16) known.push(position)
  }
  for (const [index, term] of terms.entries()) {
    const position = Math.min(index + 1, LAST_POSITION)
    const folded = foldWord(term)
    if (!folded) continue
    note(folded, position)
    if (stemmed) words.push(term)
    else for (const beginning of beginningsOf(folded)) note(beginning, position)
  }
  const exact = [...positions].map(([lexeme, places]) => `'${lexeme.replace(/['\\]/g, '')}':${places.join(',')}`)
  return { exact: exact.join(' '), words: words.join(' ') }
}

/** The distinct words of a file that a misspelt or inflected name may be like. */
export class Vocabulary {
  readonly #words = new Set<string>()

  add(terms: readonly string[]): void {
    for (const term of terms) {
      if (this.#words.size >= VOCABULARY_WORDS) return
      const folded = foldWord(term)
      if (isName(folded)) this.#words.add(folded)
    }
  }

  /** With spaces between. */
  get text(): string {
    return [...this.#words].join(' ')
  }
}

/** Long enough to be told from other words by its letters. */
export const isName = (folded: string): boolean =>
  folded.length >= NAME_LENGTHS.least &&
  folded.length <= NAME_LENGTHS.most &&
  STEMMABLE.test(folded) &&
  !isPaired(folded)

/** SQL: the `tsvector` of one row of arrays: `exact`, and the stems of `words` by `language` (null: none). Stop words have no stem. */
export const searchVector = (row: string): string => `(${row}.exact::tsvector || coalesce((
  SELECT string_agg('''~' || ${foldedStem('stem')} || ''':' || least(place, ${LAST_POSITION}), ' ')
  FROM unnest(string_to_array(${row}.words, ' ')) WITH ORDINALITY AS w(word, place),
    unnest(ts_lexize((${row}.language || '_stem')::regdictionary, word)) AS stem
  WHERE ${row}.language IS NOT NULL)::tsvector, ''::tsvector))`

/** SQL: a stem without accents, so that those who type none find it; what could end a quoted lexeme is taken out. */
export const foldedStem = (stem: string): string =>
  `regexp_replace(normalize(${stem}, NFD), '[\\u0300-\\u036f''\\\\]', '', 'g')`

/** What to look for: `exact` lexemes (those that end in `*` stand for all that begin so), and `words` for a stemmer. */
export interface SearchQuery {
  exact: string[]
  words: string[]
}

/** More words than these make a query slow and no better. */
const QUERY_WORDS = 64

/** What a question looks for; its first words count when it has too many. */
export function queryOf(terms: readonly string[]): SearchQuery {
  const exact = new Set<string>()
  const words = new Set<string>()
  for (const [index, term] of terms.entries()) {
    if (words.size + exact.size >= QUERY_WORDS) break
    if (STEMMABLE.test(term) && !isPaired(term)) words.add(term)
    else if (!isPaired(term) || (term.match(/\P{M}/gu)?.length ?? 0) > 1) exact.add(term)
    // The last sign of a run is in the pair before it; a sign that stands alone is the beginning of many pairs.
    else if (!terms[index - 1]?.endsWith(term)) exact.add(`${term}*`)
  }
  return { exact: [...exact], words: [...words] }
}
