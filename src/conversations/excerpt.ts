import type { ExcerptView } from '../contract/views.ts'
import type { Span } from './message-words.ts'

/** Characters that are shown before the first place, and in all. */
const BEFORE = 40
export const EXCERPT_CHARS = 200

/**
 * A piece of a text around the first of these places, cut up so that what was looked for stands by itself; undefined where there is none.
 * Reads places only as far as the piece goes.
 */
export function excerptOf(text: string, spans: Iterator<Span>): ExcerptView | undefined {
  const first = spans.next()
  if (first.done) return undefined
  const from = startAt(text, Math.max(0, first.value[0] - BEFORE))
  const to = endAt(text, Math.min(text.length, from + EXCERPT_CHARS))
  const pieces: ExcerptView = []
  const add = (start: number, end: number, isMatch: boolean) => {
    if (end > start) pieces.push({ text: text.slice(start, end), isMatch })
  }
  let at = from
  for (let next: IteratorResult<Span> = first; !next.done && next.value[0] < to; next = spans.next()) {
    const [start, end] = [Math.max(next.value[0], at), Math.min(next.value[1], to)]
    if (end <= at) continue
    const last = pieces.at(-1)
    // Signs beside each other are one match.
    if (last?.isMatch && start === at) last.text += text.slice(start, end)
    else {
      add(at, start, false)
      add(start, end, true)
    }
    at = end
  }
  add(at, to, false)
  if (from > 0) pieces.unshift({ text: '…', isMatch: false })
  if (to < text.length) pieces.push({ text: '…', isMatch: false })
  return pieces
}

/** A text as an excerpt in which nothing was looked for: its beginning. */
export const beginningOf = (text: string): ExcerptView => {
  const to = endAt(text, Math.min(text.length, EXCERPT_CHARS))
  return [{ text: text.slice(0, to) + (to < text.length ? '…' : ''), isMatch: false }]
}

const isLow = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff
/** No surrogate pair is split. */
const startAt = (text: string, at: number): number => (at > 0 && isLow(text.charCodeAt(at)) ? at - 1 : at)
const endAt = (text: string, at: number): number => (at < text.length && isLow(text.charCodeAt(at)) ? at - 1 : at)
