/** How a tokenizer is to read any text: words such as <|endoftext|> in somebody's text are text, not control tokens. */
export const ANY_TEXT = { disallowedSpecial: new Set<string>() }

/** A run of this many characters without a break (or of nothing but breaks) is cut. */
const LONG_RUN = /\S{1000}|\s{1000}/
/** UTF-16 pairs stay whole. */
const PIECE = /[\s\S]{1,500}/gu

/**
 * A text in pieces that a tokenizer takes quickly. Its time grows with the square of a run without breaks (32,000 letters
 * block the process for a second), so a text with a long one is cut, which costs a token a cut at most. Other texts stay
 * whole and their counts exact.
 */
export const textPieces = (text: string): string[] => (LONG_RUN.test(text) ? (text.match(PIECE) ?? []) : [text])
