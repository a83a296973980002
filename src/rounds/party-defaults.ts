import type { StrategyName } from '../contract/views.ts'

/** The server's limits on the turns of one request. */
export interface TurnLimits {
  /** Turns of a party that did not say. */
  maxTurnsDefault: number
  maxTurnsCap: number
}

/**
 * How a party talks and for how long at most: the strategy that was asked for, else the one that its conversation remembers, else
 * round robin; the turns that were asked for, else the usual number. Everybody on a panel answers, and the moderator sums up.
 */
export function partyDefaults(
  asked: { strategy?: StrategyName; maxTurns?: number; agents: number },
  remembered: StrategyName | undefined,
  { maxTurnsDefault, maxTurnsCap }: TurnLimits,
): { strategy: StrategyName; maxTurns: number } {
  const strategy = asked.strategy ?? remembered ?? 'round_robin'
  const usual = strategy === 'panel' ? Math.max(maxTurnsDefault, asked.agents + 1) : maxTurnsDefault
  return { strategy, maxTurns: asked.maxTurns ?? Math.min(usual, maxTurnsCap) }
}
