import { addressed } from './addressing.ts'
import { leastRecent, type Strategy } from './strategy.ts'

/**
 * Whoever was addressed by name answers: first those whom the user addressed and who have not spoken since, then the one
 * whom the last speaker addressed; else who has been silent for longest.
 */
export const mention: Strategy = (state) => {
  const { participants, turns, lastText, user } = state
  const last = turns.at(-1)?.agentId
  const since = user ? turns.filter((turn) => (turn.seenSeq ?? 0) >= user.seq) : turns
  const byUser = addressed(user?.text ?? '', participants).filter((id) => !since.some((turn) => turn.agentId === id))
  const bySpeaker = addressed(lastText, participants).filter((id) => id !== last)
  return { speak: [byUser[0] ?? bySpeaker.at(-1) ?? leastRecent(state)] }
}
