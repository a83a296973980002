import { addressed, named } from './addressing.ts'
import { nextInOrder, type Strategy } from './strategy.ts'

/**
 * The speaker names who goes on: whom the last words address, else whom they name last. Words that name nobody hand on to
 * the next in order.
 */
export const handoff: Strategy = (state) => {
  const { participants, turns, lastText } = state
  const last = turns.at(-1)?.agentId
  const isOther = (id: string) => id !== last
  const called = addressed(lastText, participants).filter(isOther)
  const next = turns.length === 0 ? called[0] : (called.at(-1) ?? named(lastText, participants).filter(isOther).at(-1))
  return { speak: [next ?? nextInOrder(state)] }
}
