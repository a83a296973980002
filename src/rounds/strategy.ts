import type { StopReason } from '../contract/views.ts'

/** Somebody who may speak in a run. */
export interface Participant {
  id: string
  name: string
}

/**
 * What a turn is for.
 * - speak: an answer like any other
 * - moderate: sums up what a panel said
 * - wrap_up: the last words that the run's credits allow
 */
export type TurnKind = 'speak' | 'moderate' | 'wrap_up'

/** A turn of the run that is over. */
export interface PastTurn {
  index: number
  agentId: string
  /** The speaker had nothing to add, and said so. */
  passed: boolean
  kind?: TurnKind
  /** Turns of one step are siblings: they were asked at once and did not hear each other. By default the turn's index. */
  step?: number
  /** It came to nothing by its provider's fault. */
  failed?: boolean
  /** The last `seq` of the run's messages that the speaker had read. */
  seenSeq?: number
}

/** What a strategy knows when it picks who speaks next. `participants` keep the request's order and are never empty. */
export interface RoundState {
  participants: readonly Participant[]
  /** Settled turns of this run, oldest first. */
  turns: readonly PastTurn[]
  /** The latest words in the conversation: of the last speaker, or of the user. */
  lastText: string
  /** What the user said last to this run. */
  user?: { text: string; seq: number }
  /** Turns that the run may still take. */
  turnsLeft?: number
}

/** Who takes the next turns: several at once in a panel; `null` leaves the choice to the turn itself (a supervisor's call). */
export type NextStep = { speak: ReadonlyArray<string | null>; kind?: TurnKind } | { end: StopReason }

/** Picks who speaks next; pure. Stop rules are not its matter. */
export type Strategy = (state: RoundState) => NextStep

type Speakers = Pick<RoundState, 'participants' | 'turns'>

/** Who comes after the last speaker in the participants' order. */
export function nextInOrder({ participants, turns }: Speakers): string {
  const last = participants.findIndex((participant) => participant.id === turns.at(-1)?.agentId)
  const next = participants[(last + 1) % participants.length]
  if (!next) throw new RangeError('a round needs participants')
  return next.id
}

/**
 * Who has been silent for longest, the first in the participants' order among equals; never the last speaker while there is
 * anybody else.
 */
export function leastRecent({ participants, turns }: Speakers): string {
  const spokeAt = (id: string) => turns.findLastIndex((turn) => turn.agentId === id)
  const others = participants.filter(({ id }) => id !== turns.at(-1)?.agentId)
  const [next] = (others.length ? others : [...participants]).sort((a, b) => spokeAt(a.id) - spokeAt(b.id))
  if (!next) throw new RangeError('a round needs participants')
  return next.id
}
