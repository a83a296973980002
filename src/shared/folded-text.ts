/** Signs that show nothing (soft hyphens, zero-width spaces, marks of direction), but not the joint inside one emoji. */
const INVISIBLE = /(?!\u200d\p{Extended_Pictographic})\p{Default_Ignorable_Code_Point}/gu
/** Signs of vowels that Arabic and Hebrew write or leave out, and the stroke that makes Arabic words longer. */
const POINTS = /[\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0640\u064b-\u0652\u0670]/g
/** Scripts that are written without spaces between words. */
const UNSPACED =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}\p{Script=Tibetan}\u30fc]$/u
const HANGUL = /^\p{Script=Hangul}$/u
const LETTER = /^[\p{L}\p{N}]$/u
/** Belongs to the sign before it: accents, vowel signs, skin tones, the joint inside one emoji. */
const MARK = /^[\p{M}\p{Emoji_Modifier}\u200d]$/u
const DIGIT = /^\p{Nd}$/u

/** Without signs that show nothing. */
export const withoutInvisible = (text: string): string => text.replace(INVISIBLE, '')

const foldOne = (char: string): string => char.toUpperCase().toLowerCase()

/**
 * A text as names and phrases are compared: NFKC, without upper and lower case (all four Turkish i are one letter, as are ß and
 * ss), straight quotes and hyphens, nothing invisible, no vowel points. White space stays as it is. Steps grow with the text's length.
 * @example foldText('ＪＯＳÉ') === foldText('josé')
 */
export function foldText(text: string): string {
  const plain = withoutInvisible(text.normalize('NFKC')).replace(POINTS, '')
  // By character, so that no rule about neighbours applies (the final sigma).
  const folded = /^[\0-\x7f]*$/.test(plain) ? plain.toLowerCase() : Array.from(plain, foldOne).join('')
  return folded
    .replaceAll('i\u0307', 'i')
    .replace(/[\u2018\u2019\u02bc]/g, "'")
    .replace(/[\u201c\u201d]/g, '"')
    .replaceAll('\u2010', '-')
    .normalize('NFKC')
}

/** As `foldText`, with every run of white space as one space and none at the ends: names and phrases as they are looked for. */
export const foldPhrase = (text: string): string => foldText(text).replace(/\s+/g, ' ').trim()

/** Whether letters of this script follow one another without spaces between words. */
export const isUnspaced = (char: string): boolean => UNSPACED.test(char)
export const isHangul = (char: string): boolean => HANGUL.test(char)
export const isLetter = (char: string): boolean => LETTER.test(char)
/** Accents and vowel signs. */
export const isMark = (char: string): boolean => /^\p{M}$/u.test(char)

/** The character that ends before this position; '' at the start. */
export function charBefore(text: string, position: number): string {
  const unit = text.charCodeAt(position - 1)
  const isLow = unit >= 0xdc00 && unit <= 0xdfff
  return position <= 0 ? '' : text.slice(Math.max(0, position - (isLow ? 2 : 1)), position)
}

/** The character that begins at this position; '' at the end. */
export const charAt = (text: string, position: number): string => {
  const code = text.codePointAt(position)
  return code === undefined ? '' : String.fromCodePoint(code)
}

/** What stands around a place in a folded text, as word borders are judged by. */
function sides(text: string, position: number): { left: string; right: string } {
  return { left: charBefore(text, position), right: charAt(text, position) }
}

/**
 * Whether no word of a folded text goes over this place. Between letters of scripts without spaces, and between letters of
 * different kinds (Latin and Han, Latin and Hangul), every place is a border; `3.5`, `is_done` and `can't` are one word each.
 */
export function isBorder(text: string, position: number): boolean {
  const { left, right } = sides(text, position)
  if (MARK.test(right)) return false
  if (left === '' || right === '') return true
  if (isUnspaced(left) || isUnspaced(right)) return true
  if (isLetter(left) || left === '_') {
    if (isLetter(right)) return left !== '_' ? isHangul(left) !== isHangul(right) : !isInner(text, position - 1)
    if (right === '_') return !isInner(text, position)
  }
  // A mark belongs to the letter before it.
  if (isMark(left) && isLetter(right)) return isHangul(left) !== isHangul(right)
  if (right === "'" || right === '.' || right === ',') return !isInner(text, position)
  if (left === '.' || left === ',') return !isInner(text, position - 1)
  return true
}

/** Whether the sign at this place joins what stands on its sides: `is_done`, `can't`, `3.5`. */
function isInner(text: string, position: number): boolean {
  const [before, after] = [charBefore(text, position), charAt(text, position + 1)]
  const sign = text[position]
  if (sign === '.' || sign === ',') return DIGIT.test(before) && DIGIT.test(after)
  const spaced = (char: string) => isLetter(char) && !isUnspaced(char)
  return spaced(before) && spaced(after)
}
