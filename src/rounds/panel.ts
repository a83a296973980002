import type { PastTurn, RoundState, Strategy } from './strategy.ts'

const stepOf = (turn: PastTurn): number => turn.step ?? turn.index

/** The turns of the latest step. */
const latest = ({ turns }: RoundState): PastTurn[] => {
  const last = turns.at(-1)
  return last ? turns.filter((turn) => stepOf(turn) === stepOf(last)) : []
}

const said = (turn: PastTurn): boolean => !turn.passed && !turn.failed

/** True when a panel has answered and its moderator has not spoken yet. */
export const owesModeration = (state: RoundState): boolean =>
  state.participants.length > 1 &&
  state.turns.at(-1)?.kind !== 'moderate' &&
  (state.turnsLeft ?? 1) > 0 &&
  latest(state).some(said)

/**
 * All answer the same question at once, none hearing the others; then the first of them who had an answer sums up. Where
 * turns are short, the last participants give way to the moderator. Words of the user after that make another panel.
 */
export const panel: Strategy = (state) => {
  const { participants, turns, turnsLeft = participants.length + 1 } = state
  if (owesModeration(state)) {
    const speakers = new Set(
      latest(state)
        .filter(said)
        .map((turn) => turn.agentId),
    )
    const moderator = participants.find(({ id }) => speakers.has(id))
    return moderator ? { speak: [moderator.id], kind: 'moderate' } : { end: 'finished' }
  }
  if (turns.length > 0 && turns.at(-1)?.kind !== 'moderate')
    return { end: latest(state).some(said) ? 'finished' : 'all_passed' }
  if (turnsLeft < 1) return { end: 'finished' }
  const seats = participants.length === 1 ? 1 : Math.max(1, turnsLeft - 1)
  return { speak: participants.slice(0, seats).map(({ id }) => id) }
}
