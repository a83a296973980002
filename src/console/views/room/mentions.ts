/** Completing names behind an `@`. */

export interface Mention {
  /** Where the `@` stands, and what has been written behind it so far. */
  start: number
  query: string
}

/** Names have at most so many characters that are looked at. */
const MOST_CHARS = 60

/** The mention that is being written before the caret; undefined where there is none. */
export function mentionAt(text: string, caret: number): Mention | undefined {
  const from = Math.max(0, caret - MOST_CHARS)
  const start = text.lastIndexOf('@', caret - 1)
  if (caret === 0 || start < from) return undefined
  const before = text[start - 1]
  if (before !== undefined && /[\p{L}\p{N}_]/u.test(before)) return undefined
  const query = text.slice(start + 1, caret)
  return query.includes('\n') || query.includes('  ') ? undefined : { start, query }
}

/** The names that go on as the query does, at the beginning of any of their words; in their order. */
export function matching<Named extends { name: string }>(
  all: readonly Named[],
  query: string,
  language: string,
): Named[] {
  const wanted = query.toLocaleLowerCase(language)
  return all.filter(({ name }) => {
    const folded = name.toLocaleLowerCase(language)
    return folded.startsWith(wanted) || folded.split(' ').some((word) => wanted !== '' && word.startsWith(wanted))
  })
}

/** The text with the whole name in the place of what was written of it, and the caret behind it and its blank. */
export function complete(text: string, { start, query }: Mention, name: string): { text: string; caret: number } {
  const rest = text.slice(start + 1 + query.length)
  const needsBlank = rest === '' || /^[\p{L}\p{N}]/u.test(rest)
  const written = `@${name}${needsBlank ? ' ' : ''}`
  const isBlank = needsBlank || rest.startsWith(' ')
  return { text: text.slice(0, start) + written + rest, caret: start + 1 + name.length + (isBlank ? 1 : 0) }
}
