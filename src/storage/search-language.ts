import { franc } from 'franc'

/**
 * Languages by what `franc` calls them, with the name under which PostgreSQL ships a stemmer; null where it ships none, and
 * words meet by how they begin.
 */
const LANGUAGES: Readonly<Record<string, string | null>> = {
  arb: 'arabic',
  hye: 'armenian',
  eus: 'basque',
  cat: 'catalan',
  dan: 'danish',
  nld: 'dutch',
  eng: 'english',
  est: 'estonian',
  ekk: 'estonian',
  fin: 'finnish',
  fra: 'french',
  deu: 'german',
  ell: 'greek',
  hin: 'hindi',
  hun: 'hungarian',
  ind: 'indonesian',
  gle: 'irish',
  ita: 'italian',
  lit: 'lithuanian',
  npi: 'nepali',
  nob: 'norwegian',
  nno: 'norwegian',
  por: 'portuguese',
  ron: 'romanian',
  rus: 'russian',
  srp: 'serbian',
  hrv: 'serbian',
  spa: 'spanish',
  swe: 'swedish',
  tam: 'tamil',
  tur: 'turkish',
  ydd: 'yiddish',
  pol: null,
  ces: null,
  slk: null,
  slv: null,
  ukr: null,
  bul: null,
  mkd: null,
  lav: null,
  heb: null,
  vie: null,
  pes: null,
  ben: null,
  urd: null,
  kat: null,
}
const CODES = Object.keys(LANGUAGES)
/** Fewer letters than these say little. */
const ENOUGH = 60
const SAMPLE = 2_000
/** A long text is looked at here and there: every chunk would cost more than reading it. */
const LOOK_AT_FIRST = 64
const LOOK_EVERY = 16

/** Languages of this script share their most frequent letters; each has some that the others do not write. */
const CYRILLIC: ReadonlyArray<[letters: RegExp, code: string]> = [
  [/[іїєґ]/giu, 'ukr'],
  [/[ђћџљњј]/giu, 'srp'],
  [/[ѓќѕ]/giu, 'mkd'],
  [/[ыэё]/giu, 'rus'],
  [/[ъ]/giu, 'bul'],
]

/** Undefined for what is mostly written in another script. */
function cyrillicLanguage(text: string): string | undefined {
  const own = text.match(/\p{Script=Cyrillic}/gu)?.length ?? 0
  if (own * 2 < text.length) return undefined
  const counts = CYRILLIC.map(([letters, code]) => ({ code, count: text.match(letters)?.length ?? 0 }))
  const most = counts.reduce((best, next) => (next.count > best.count ? next : best))
  return most.count > 0 ? most.code : 'rus'
}

/** Follows the language of a text from chunk to chunk: what is too short or not looked at is as what came before. */
export class LanguageTracker {
  #last: string | null = null

  /** The stemmer for a chunk, by PostgreSQL's name of the language; null when there is none for it. */
  of(index: number, text: string): string | null {
    if (index >= LOOK_AT_FIRST && index % LOOK_EVERY !== 0) return this.#last
    const letters = text.slice(0, SAMPLE).replace(/[^\p{L}\p{M}\s]+/gu, ' ')
    if (letters.replace(/\s+/g, '').length < ENOUGH) return this.#last
    const code = cyrillicLanguage(letters) ?? franc(letters, { only: CODES })
    if (code !== 'und') this.#last = LANGUAGES[code] ?? null
    return this.#last
  }
}
