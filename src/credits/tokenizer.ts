import { ANY_TEXT, textPieces } from '../shared/text-pieces.ts'

/**
 * Tokens of a text, by the tokenizer of OpenAI's current models, at once. Bounded by the text's length alone: a microsecond or
 * two a byte at the worst. Its tables are loaded at the first call, not at start.
 */
export async function tokenize(text: string): Promise<number> {
  const { countTokens, setMergeCacheSize } = await import('gpt-tokenizer')
  // Its cache of words is slow to throw away what is old, once it is full of what somebody made up.
  setMergeCacheSize(0)
  return textPieces(text).reduce((sum, piece) => sum + countTokens(piece, ANY_TEXT), 0)
}
