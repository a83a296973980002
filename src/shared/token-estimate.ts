/**
 * Tokens of texts, near enough to cut by: nothing is billed by them (`countTokens` of the credits is for that). Real tokenizers
 * cost milliseconds a page, and hostile text makes them quadratic; budgets need no more than this.
 */
import { wholeEnd } from './text-ends.ts'

const ASCII_PER_TOKEN = 3.6
/** Letters outside ASCII take about a token each in CJK, half of one in Cyrillic or Arabic. */
const OTHER_TOKENS = 0.8

/** About how many tokens a model counts for this text, rather too many than too few. */
export function estimateTokens(text: string): number {
  let others = 0
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 127) others++
  return Math.ceil((text.length - others) / ASCII_PER_TOKEN + others * OTHER_TOKENS)
}

/** As much of a text's beginning as `estimateTokens` has within so many tokens; no half of a pair. */
export function withinTokens(text: string, tokens: number): string {
  let taken = 0
  for (let index = 0; index < text.length; index++) {
    taken += text.charCodeAt(index) > 127 ? OTHER_TOKENS : 1 / ASCII_PER_TOKEN
    // Sums of fractions are a little off.
    if (taken > tokens + 1e-6) return text.slice(0, wholeEnd(text, index))
  }
  return text
}

const BYTES_PER_TOKEN = 4
/** What names a message's speaker and sets it apart from others. */
const TOKENS_AROUND = 8

/**
 * The same of a message in a transcript. Bytes, because PostgreSQL knows them without reading the text, and has to tell the same
 * of messages that never reach this process (`MESSAGE_TOKENS`); they err to the safe side for other scripts than Latin.
 */
export const messageTokens = (content: string): number =>
  Math.floor(Buffer.byteLength(content) / BYTES_PER_TOKEN) + TOKENS_AROUND

/** `messageTokens` in SQL, of a row with `content`; `transcript.sql`, which can take no text from here, says the same. */
export const MESSAGE_TOKENS = `(octet_length(content) / ${BYTES_PER_TOKEN} + ${TOKENS_AROUND})`
