import { createRequire } from 'node:module'
import { isJsonObject } from '../shared/json-object.ts'

/**
 * Scripts whose words are not separated by spaces, or carry endings that nothing separates. They are read in pairs of signs: any
 * dictionary cuts a question and a text at different places.
 */
const PAIRED =
  /[\p{Script=Han}\p{Script_Extensions=Hiragana}\p{Script_Extensions=Katakana}\p{Script=Hangul}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
const WORD = /[\p{L}\p{M}\p{N}]+/gu
/** Signs that stand inside of numbers, compounds and identifiers, such as 48,213.77, e-mail, AB-1234/7 or O'Brien. */
const INNER = new Set([...".,-'/_:·’‘‐‑٫٬"])
/** Formatting characters that nobody sees: soft hyphens, zero-width spaces and joiners, directions. */
const INVISIBLE = /\p{Cf}/gu
const ASCII = /^[\0-\x7f]*$/
/** What is longer is no word that anybody looks for. */
const MAX_WORD = 80

let toSimplified: Map<string, string> | undefined
/** Sign by sign, so that pairs of signs stay pairs. Loaded when the first such text comes: most processes meet none. */
function simplifiedSigns(): Map<string, string> {
  if (toSimplified) return toSimplified
  // OpenCC's entry points load every dictionary that there is; the table alone has no types: `萬 万|...`, a traditional sign, then the
  // simplified ones that it may stand for.
  const table: unknown = createRequire(import.meta.url)('opencc-js/dict/TSCharacters')
  if (!isJsonObject(table) || typeof table.default !== 'string') throw new Error('The table of signs is not as it was.')
  toSimplified = new Map(
    table.default.split('|').map((line) => {
      const [sign = '', simple = ''] = line.split(' ')
      return [sign, simple]
    }),
  )
  return toSimplified
}

/** Letters that no decomposition takes apart. */
const SPECIAL: Readonly<Record<string, string>> = {
  ł: 'l',
  ø: 'o',
  đ: 'd',
  ð: 'd',
  þ: 'th',
  æ: 'ae',
  œ: 'oe',
  ß: 'ss',
  ı: 'i',
  ħ: 'h',
  ς: 'σ',
  أ: 'ا',
  إ: 'ا',
  آ: 'ا',
  ى: 'ي',
  ة: 'ه',
  ـ: '',
}
const SPECIAL_LETTERS = new RegExp(`[${Object.keys(SPECIAL).join('')}]`, 'gu')
/** In these scripts a mark is an accent; in others (Thai, Devanagari, kana) it is part of the letter. */
const ACCENTED = /[\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}\p{Script=Arabic}\p{Script=Hebrew}]/u

/** A word without its accents: `Résumé` -> `resume` (words come in lower case). */
export function foldWord(word: string): string {
  if (ASCII.test(word) || !ACCENTED.test(word)) return word
  return word
    .replace(SPECIAL_LETTERS, (letter) => SPECIAL[letter] ?? letter)
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .normalize('NFC')
}

/** Compatible forms become one (ligatures, full width), what nobody sees goes, case goes, digits become 0-9. */
function normalize(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase()
  return text
    .normalize('NFKC')
    .replace(INVISIBLE, '')
    .toLowerCase()
    .normalize('NFC')
    .replace(/\p{Nd}/gu, (digit) => DIGITS.get(digit) ?? digit)
}

/** Where the digits of a script begin: Arabic, Persian, Devanagari, Bengali, Tamil, Thai. */
const DIGITS = new Map(
  [0x660, 0x6f0, 0x966, 0x9e6, 0xbe6, 0xe50].flatMap((zero) =>
    Array.from({ length: 10 }, (_none, value): [string, string] => [String.fromCodePoint(zero + value), String(value)]),
  ),
)

const isDigits = (text: string): boolean => /^\d+$/.test(text)

/** True for a term of a script that is read in pairs. */
export const isPaired = (term: string): boolean => !ASCII.test(term) && PAIRED.test(term)

/** Pairs of neighbouring signs, and the last one alone, so that a single sign is found as the beginning of a pair. */
function pairsOf(run: string, words: string[]): void {
  const map = simplifiedSigns()
  // A sign with its marks is one.
  const signs = (run.match(/[^\p{M}]\p{M}{0,8}|\p{M}/gu) ?? []).map((sign) => map.get(sign) ?? sign)
  for (const [index, sign] of signs.entries()) words.push(sign + (signs[index + 1] ?? ''))
}

/** A run of letters and digits may mix scripts: each stretch is cut as its script is written. */
function addRun(run: string, words: string[]): void {
  const plain = (word: string) => words.push(word.slice(0, MAX_WORD).toWellFormed())
  if (!isPaired(run)) {
    plain(run)
    return
  }
  let paired = false
  let stretch = ''
  const flush = () => {
    if (stretch && paired) pairsOf(stretch, words)
    else if (stretch) plain(stretch)
    stretch = ''
  }
  for (const sign of run) {
    const next: boolean = PAIRED.test(sign) || (paired && /\p{M}/u.test(sign))
    if (next !== paired) flush()
    paired = next
    stretch += sign
  }
  flush()
}

/**
 * The words of a text, normalised, in order; made alike of what is indexed and of what is looked for, so that no database's
 * idea of a letter matters. Numbers and compounds that are written with separators also come without them.
 */
export function searchTerms(text: string): string[] {
  const plain = normalize(text)
  const words: string[] = []
  let parts: string[] = []
  let end = -1
  let gap = ''
  const joinParts = () => {
    // From the first part on: 48,213.77 is found as 48213 and as 4821377, AB-1234/7 as AB1234.
    for (let count = 2, joined = parts[0] ?? ''; count <= parts.length; count++) {
      joined += parts[count - 1] ?? ''
      if (joined.length > MAX_WORD || isPaired(joined)) break
      words.push(joined)
    }
    parts = []
  }
  for (const { 0: run, index } of plain.matchAll(WORD)) {
    gap = end >= 0 && index - end === 1 ? (plain[end] ?? '') : ''
    // Many languages write thousands with a space: 48 213,77.
    const thousands = gap === ' ' && run.length === 3 && isDigits(run) && isDigits(parts.at(-1) ?? 'x')
    if (!(INNER.has(gap) || (thousands && (parts.at(-1)?.length ?? 9) <= 3)) || parts.length > 16) joinParts()
    parts.push(run)
    addRun(run, words)
    end = index + run.length
  }
  joinParts()
  return words
}

/** The terms of a chunk, with those of its heading, with spaces between. */
export const chunkTerms = (heading: string | null, text: string): string =>
  searchTerms(heading ? `${heading} ${text}` : text).join(' ')
