import type { StrategyName } from '../contract/views.ts'
import { handoff } from './handoff.ts'
import { mention } from './mention.ts'
import { owesModeration, panel } from './panel.ts'
import { roundRobin } from './round-robin.ts'
import { hardStopOf, outlook, type Progress, type StopRules, stopReasonOf } from './stop-rules.ts'
import { leastRecent, type NextStep, type RoundState, type Strategy } from './strategy.ts'
import { supervisor } from './supervisor.ts'

const strategies: Record<StrategyName, Strategy> = {
  round_robin: roundRobin,
  supervisor,
  mention,
  handoff,
  panel,
}

/**
 * What happens after a turn was settled (or, with no turns, first of all). A run does not end over an interjection that no
 * one answered, unless its credits or its time are used up; and a panel that has answered is summed up.
 */
export function nextStep(
  name: StrategyName,
  known: RoundState,
  rules: StopRules,
  progress: Progress,
  unanswered: boolean,
): NextStep {
  const state = { ...known, turnsLeft: rules.maxTurns - known.turns.length }
  const last = state.turns.at(-1)
  if (last?.kind === 'wrap_up') return { end: 'max_credits' }
  const hard = hardStopOf(rules, progress)
  if (!unanswered && !(name === 'panel' && owesModeration(state))) {
    const reason = stopReasonOf(rules, state, progress)
    if (name === 'panel' && last?.kind === 'moderate' && reason !== 'phrase') return { end: 'finished' }
    if (reason) return { end: reason }
  }
  if (hard) return { end: hard }
  const chosen = strategies[name](state)
  if ('end' in chosen && !unanswered) return chosen
  const step = 'end' in chosen ? { speak: [leastRecent(state)] } : chosen
  switch (outlook(rules, state.turns.length, progress)) {
    case 'nothing':
      return { end: 'max_credits' }
    case 'last':
      return step.kind === 'moderate' ? step : { speak: [onlyOf(step.speak) ?? leastRecent(state)], kind: 'wrap_up' }
    default:
      return step
  }
}

const onlyOf = (speakers: ReadonlyArray<string | null>): string | null =>
  speakers.length === 1 ? (speakers[0] ?? null) : null
