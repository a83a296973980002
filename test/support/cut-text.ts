/** A text in pieces of these lengths, and what is left of it. */
export function cutText(text: string, lengths: readonly number[]): string[] {
  let at = 0
  const pieces = lengths.map((length) => {
    at += length
    return text.slice(at - length, at)
  })
  return [...pieces, text.slice(at)]
}
