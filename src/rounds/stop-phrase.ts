import { charBefore, foldPhrase, isBorder, isHangul } from '../shared/folded-text.ts'

/**
 * Whether a text has this phrase as whole words, however it is written: full-width or not, in any case, with any white space.
 * A phrase in a script without spaces, or of signs only, is found wherever it stands; behind Korean words endings may follow.
 * @example hasPhrase('We abandoned it.', 'done') // false
 */
export function hasPhrase(text: string, phrase: string): boolean {
  const [words, wanted] = [foldPhrase(text), foldPhrase(phrase)]
  if (wanted === '') return false
  const takesEndings = isHangul(charBefore(wanted, wanted.length))
  for (let at = words.indexOf(wanted); at >= 0; at = words.indexOf(wanted, at + 1)) {
    const end = at + wanted.length
    if (isBorder(words, at) && (takesEndings || isBorder(words, end))) return true
  }
  return false
}
