import { z } from 'zod'
import { spanOf } from '../shared/json-in-text.ts'
import type { Participant, RoundState, Strategy } from './strategy.ts'

/** A model picks who speaks; it is asked by the turn itself, just before the speaker. */
export const supervisor: Strategy = ({ participants }) => ({
  speak: [participants.length === 1 ? (participants[0]?.id ?? null) : null],
})

/** What a supervisor may decide. `hand_back` leaves the word to the user. */
export type Decision = { kind: 'speak'; agentId: string } | { kind: 'done' } | { kind: 'hand_back' }

/** The JSON schema that the model is asked to answer by. */
export const decisionSchema = (participants: readonly Participant[]) => ({
  type: 'object' as const,
  properties: {
    done: { type: 'boolean' as const, description: 'True when the question is answered and nothing new would come.' },
    handBackToUser: { type: 'boolean' as const, description: 'True when only the user can say what is needed next.' },
    next: { type: 'string' as const, enum: participants.map(({ name }) => name), description: 'Who speaks next.' },
    reason: { type: 'string' as const, description: 'One short sentence.' },
  },
  required: ['done', 'handBackToUser', 'next', 'reason'],
  additionalProperties: false,
})

/** An answer longer than this is looked at from its end. */
const MOST_CHARS = 16_384
/** So many braces are looked at, from the last one backwards. */
const MOST_OBJECTS = 64

/** The last complete object of a text that decides something, whatever is around it (thoughts, fences, chatter). */
function decisionIn(text: string): Record<string, unknown> | undefined {
  const tail = text.slice(-MOST_CHARS)
  for (let from = tail.lastIndexOf('{'), n = 0; from >= 0 && n < MOST_OBJECTS; n++) {
    const end = spanOf(tail, from)?.end
    const parsed = end === undefined ? undefined : object.safeParse(parsedLeniently(tail.slice(from, end))).data
    if (parsed && ['next', 'done', 'handBackToUser'].some((key) => key in parsed)) return parsed
    from = from === 0 ? -1 : tail.lastIndexOf('{', from - 1)
  }
  return undefined
}

const object = z.record(z.string(), z.unknown())

/** JSON, also with a comma too many or with Python's words. */
function parsedLeniently(text: string): unknown {
  for (const attempt of [
    (json: string) => json,
    (json: string) => json.replaceAll(/,(?=\s*[}\]])/g, ''),
    (json: string) =>
      json
        .replaceAll(/,(?=\s*[}\]])/g, '')
        .replaceAll(/\bTrue\b/g, 'true')
        .replaceAll(/\bFalse\b/g, 'false')
        .replaceAll(/\bNone\b/g, 'null'),
  ]) {
    try {
      return JSON.parse(attempt(text))
    } catch {
      // The next attempt is more lenient.
    }
  }
  return undefined
}

/** A yes, also in words or as a number. */
const isYes = (value: unknown): boolean =>
  value === true ||
  value === 1 ||
  (typeof value === 'string' && ['true', 'yes', '1'].includes(value.trim().toLowerCase()))

/** The name in `next`, also where it stands in a list or an object. */
function nameIn(next: unknown): string {
  if (typeof next === 'string') return next
  if (Array.isArray(next)) return nameIn(next.length === 1 ? next[0] : undefined)
  return z.object({ name: z.string() }).safeParse(next).data?.name ?? ''
}

const folded = (name: string): string => name.normalize('NFKC').trim().toLowerCase()

/** By exact name or id, else by the only name that stands within the words: "Otto (the chemist)". */
function speakerIn(next: string, participants: readonly Participant[]): Participant | undefined {
  const wanted = folded(next.slice(0, 500)).replace(/^@/, '')
  const exact = participants.find(({ name, id }) => folded(name) === wanted || id === wanted)
  if (exact || wanted === '') return exact
  const within = participants.filter(({ name }) => stands(folded(name), wanted))
  return within.length === 1 ? within[0] : undefined
}

/** True where a name stands in a text as a word of its own; names in scripts without spaces need no boundary. */
function stands(name: string, text: string): boolean {
  const isLetter = (sign: string | undefined) => sign !== undefined && /[a-z0-9\u00c0-\u024f\u0370-\u052f]/.test(sign)
  for (let at = text.indexOf(name); at >= 0 && name !== ''; at = text.indexOf(name, at + 1)) {
    const isBounded =
      !(isLetter(text[at - 1]) && isLetter(name[0])) && !(isLetter(text[at + name.length]) && isLetter(name.at(-1)))
    if (isBounded) return true
  }
  return false
}

/**
 * What a supervisor's answer means, or undefined when it is unusable: no such JSON, an unknown name, whoever spoke last
 * again (no monologues), or an end before anybody has answered the user (`unanswered`).
 */
export function readDecision(
  text: string,
  { participants, turns }: Pick<RoundState, 'participants' | 'turns'>,
  unanswered: boolean,
): Decision | undefined {
  const decided = decisionIn(text)
  if (!decided) return undefined
  const isDone = isYes(decided.done)
  const isEnd = isDone || isYes(decided.handBackToUser)
  if (isEnd && !unanswered) return { kind: isDone ? 'done' : 'hand_back' }
  const speaker = speakerIn(nameIn(decided.next), participants)
  if (!speaker || speaker.id === turns.at(-1)?.agentId) return undefined
  return { kind: 'speak', agentId: speaker.id }
}
