/** How a tokenizer is to read any text: words such as <|endoftext|> in somebody's text are text, not control tokens. */
export const ANY_TEXT = { disallowedSpecial: new Set<string>() }

/** A tokenizer takes runs of one kind as a whole: letters, white space, anything else. */
const MOST_OF_A_KIND = 128
/** One such run, or as much of it as is allowed. The kinds exclude each other, so that nothing is read twice; pairs stay whole. */
const RUN = /[\p{L}\p{M}]{1,128}|\s{1,128}|[^\p{L}\p{M}\s]{1,128}/gu

/**
 * A text in pieces that a tokenizer takes quickly. Its time grows with the square of a run of one kind (32,000 letters block
 * the process for a second), so that a long one is cut, which costs a token a cut at most. Other texts stay whole and
 * their counts exact. Linear in the text.
 */
export function textPieces(text: string): string[] {
  const pieces: string[] = []
  let from = 0
  for (const { 0: run, index } of text.matchAll(RUN)) {
    if (run.length < MOST_OF_A_KIND) continue
    pieces.push(text.slice(from, index + run.length))
    from = index + run.length
  }
  if (from < text.length || pieces.length === 0) pieces.push(text.slice(from))
  return pieces
}
