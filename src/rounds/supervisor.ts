import { z } from 'zod'
import type { Participant, RoundState, Strategy } from './strategy.ts'

/** A model picks who speaks; it is asked by the turn itself, just before the speaker. */
export const supervisor: Strategy = ({ participants }) => ({
  speak: [participants.length === 1 ? (participants[0]?.id ?? null) : null],
})

/** What a supervisor may decide. `hand_back` leaves the word to the user. */
export type Decision = { kind: 'speak'; agentId: string } | { kind: 'done' } | { kind: 'hand_back' }

const answer = z.object({
  done: z.boolean().nullish(),
  handBackToUser: z.boolean().nullish(),
  next: z.string().nullish(),
})

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

/** The first JSON object of a text, whatever is around it (fences, chatter); undefined when there is none. */
function jsonIn(text: string): unknown {
  const from = text.indexOf('{')
  const to = text.lastIndexOf('}')
  if (from < 0 || to < from) return undefined
  try {
    return JSON.parse(text.slice(from, to + 1))
  } catch {
    return undefined
  }
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
  const parsed = answer.safeParse(jsonIn(text))
  if (!parsed.success) return undefined
  const { done, handBackToUser, next } = parsed.data
  const isEnd = done || handBackToUser
  if (isEnd && !unanswered) return { kind: done ? 'done' : 'hand_back' }
  const wanted = next?.trim().replace(/^@/, '').toLowerCase()
  const speaker = participants.find(({ name, id }) => name.toLowerCase() === wanted || id === wanted)
  if (!speaker || speaker.id === turns.at(-1)?.agentId) return undefined
  return { kind: 'speak', agentId: speaker.id }
}
