import type { Participant } from './strategy.ts'

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** What somebody may be called: by the whole name, and by its first word where that means nobody else. */
function callNames(participant: Participant, all: readonly Participant[]): string[] {
  const first = participant.name.split(/\s+/)[0] ?? ''
  const same = (other: Participant) => other.name.toLowerCase().split(/\s+/).includes(first.toLowerCase())
  const isClear = first.length > 1 && first !== participant.name && all.filter(same).length === 1
  return isClear ? [participant.name, first] : [participant.name]
}

/** Every place where a participant's name stands as a word, in the text's order. */
function occurrences(
  text: string,
  participants: readonly Participant[],
): Array<{ id: string; start: number; end: number }> {
  return participants
    .flatMap((participant) =>
      callNames(participant, participants).flatMap((name) =>
        [...text.matchAll(new RegExp(`(?<![\\p{L}\\p{N}])${escaped(name)}(?![\\p{L}\\p{N}])`, 'giu'))].map((match) => ({
          id: participant.id,
          start: match.index,
          end: match.index + match[0].length,
        })),
      ),
    )
    .sort((a, b) => a.start - b.start || b.end - a.end)
}

const BEFORE =
  /(?:^|[.!?:;\n]\s*|[,—–]\s*|\b(?:hey|hi|hello|so|and|or|but|now|then|ok|okay|well|over to|ask|thanks|what about|how about)\s+)["'“*_]*$/i
const AFTER_OPENING = /^["'”*_]*\s*(?:[,:—–?!]|$|(?:and|or)\s)/i
const AFTER_CLOSING = /^["'”*_]*\s*(?:[?!.]|$)/

/** True where the name is called rather than spoken of: "@Ada", "Ada, what...", "..., Ada?". "Ada's point" is no call. */
function isCall(text: string, start: number, end: number): boolean {
  const before = text.slice(Math.max(0, start - 40), start)
  const after = text.slice(end, end + 8)
  if (before.endsWith('@')) return true
  if (/[,—–]\s*["'“*_]*$/.test(before)) return AFTER_CLOSING.test(after) || /^\s*,/.test(after)
  return BEFORE.test(before) && AFTER_OPENING.test(after)
}

/**
 * Ids of the participants whom a text addresses, in order, each once.
 *
 * @example addressed('Thanks, Ada. @Blaise, do you agree?', participants) // [ada, blaise]
 */
export function addressed(text: string, participants: readonly Participant[]): string[] {
  const found = occurrences(text, participants)
  const at = found.filter(({ start }) => text[start - 1] === '@')
  const called = at.length ? at : found.filter(({ start, end }) => isCall(text, start, end))
  return [...new Set(called.map(({ id }) => id))]
}

/** Ids of the participants whom a text names in any way, in order of their last place in it. */
export function named(text: string, participants: readonly Participant[]): string[] {
  const last = new Map(occurrences(text, participants).map(({ id, start }) => [id, start]))
  return [...last].sort(([, a], [, b]) => a - b).map(([id]) => id)
}
