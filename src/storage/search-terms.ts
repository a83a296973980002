/** Scripts whose words are not separated by spaces. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

let segmenter: Intl.Segmenter | undefined

/**
 * The words of a text in a script that writes without spaces, with spaces between them; undefined for other texts, which
 * PostgreSQL cuts into words by itself. Used alike for what is indexed and for what is looked for.
 */
export function searchTerms(text: string): string | undefined {
  if (!UNSPACED.test(text)) return undefined
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'word' })
  const words: string[] = []
  for (const { segment, isWordLike } of segmenter.segment(text)) if (isWordLike) words.push(segment)
  return words.join(' ')
}
