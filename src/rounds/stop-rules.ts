import type { StopReason } from '../contract/views.ts'
import { hasPhrase } from './stop-phrase.ts'
import type { RoundState } from './strategy.ts'

/** When a run ends, whatever its strategy; all that are set apply at once. `maxCredits` is micro-credits. */
export interface StopRules {
  maxTurns: number
  maxRounds: number | null
  maxCredits: bigint | null
  maxSeconds: number | null
  phrase: string | null
}

/** How far a run has come. `spent` is micro-credits. */
export interface Progress {
  spent: bigint
  seconds: number
}

const everybodyPassed = ({ participants, turns }: RoundState): boolean =>
  turns.length >= participants.length && turns.slice(-participants.length).every((turn) => turn.passed)

/** The first rule that ends the run now, or null. Enforced outside of any model. */
export function stopReasonOf(rules: StopRules, state: RoundState, progress: Progress): StopReason | null {
  const taken = state.turns.length
  if (taken > 0 && rules.phrase && hasPhrase(state.lastText, rules.phrase)) return 'phrase'
  if (everybodyPassed(state)) return 'all_passed'
  if (taken >= rules.maxTurns) return state.participants.length === 1 ? 'finished' : 'max_turns'
  if (rules.maxRounds !== null && taken >= rules.maxRounds * state.participants.length) return 'max_rounds'
  return hardStopOf(rules, progress)
}

/** The rules that hold even against words of the user that nobody has answered yet: its credits or its time are used up. */
export function hardStopOf(rules: StopRules, progress: Progress): StopReason | null {
  if (rules.maxCredits !== null && progress.spent >= rules.maxCredits) return 'max_credits'
  if (rules.maxSeconds !== null && progress.seconds >= rules.maxSeconds) return 'max_seconds'
  return null
}

/**
 * What the credits left allow: turns cost what they cost so far on average and a quarter more, since each reads what the
 * one before said. `last`: one more, but not two, so that one had better be the last word.
 */
export function outlook(rules: StopRules, taken: number, { spent }: Progress): 'enough' | 'last' | 'nothing' {
  if (rules.maxCredits === null || taken === 0 || spent === 0n) return 'enough'
  const left = rules.maxCredits - spent
  const next = (spent * 5n) / (BigInt(taken) * 4n)
  if (left >= 2n * next) return 'enough'
  // The last word is shortened to what can be paid; below half a turn it is no word.
  return left >= next / 2n && left > 0n ? 'last' : 'nothing'
}
