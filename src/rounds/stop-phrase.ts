import { charBefore, foldPhrase, isBorder, isHangul } from '../shared/folded-text.ts'
import { bothEnds } from '../shared/text-ends.ts'

/** Of a longer text the beginning and the end are looked at, in UTF-16 units. */
const MOST_READ = 131_072

/**
 * Whether a text has this phrase as whole words, however it is written: full-width or not, in any case, with any white space.
 * A phrase in a script without spaces, or of signs only, is found wherever it stands; behind Korean words endings may follow.
 * @example hasPhrase('We abandoned it.', 'done') // false
 */
export function hasPhrase(text: string, phrase: string): boolean {
  const [words, wanted] = [foldPhrase(bothEnds(text, MOST_READ)), foldPhrase(phrase)]
  if (wanted === '') return false
  const takesEndings = isHangul(charBefore(wanted, wanted.length))
  for (let at = words.indexOf(wanted); at >= 0; at = words.indexOf(wanted, at + 1)) {
    const end = at + wanted.length
    if (isBorder(words, at) && (takesEndings || isBorder(words, end))) return true
  }
  return false
}
