/**
 * A text without those of these signs that stand at its end. An expression such as `/[.,]+$/` begins anew at every sign of every run
 * within the text, which costs the square of a long one; this reads the end once.
 * @example withoutEnd('https://example.com//', '/') // 'https://example.com'
 */
export function withoutEnd(text: string, signs: string): string {
  let end = text.length
  while (end > 0 && signs.includes(text.charAt(end - 1))) end--
  return text.slice(0, end)
}

/** The same at both ends. */
export function withoutEnds(text: string, signs: string): string {
  const rest = withoutEnd(text, signs)
  let start = 0
  while (start < rest.length && signs.includes(rest.charAt(start))) start++
  return rest.slice(start)
}

/** `end`, or the sign before it where a text that ends there would end in the first half of a pair. */
export function wholeEnd(text: string, end = text.length): number {
  const last = text.charCodeAt(end - 1)
  return last >= 0xd800 && last < 0xdc00 ? end - 1 : end
}

/** Both ends of a text that is longer than this, on lines of their own; others as they are. */
export function bothEnds(text: string, most: number): string {
  if (text.length <= most) return text
  return `${text.slice(0, most / 2).toWellFormed()}\n${text.slice(-most / 2).toWellFormed()}`
}
