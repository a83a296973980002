import type { PartyBody } from '../contract/chat.schemas.ts'
import type { StrategyName } from '../contract/views.ts'
import { requireWhole } from '../parties/party.policy.ts'
import type { Run } from '../runs/run.entity.ts'
import { notFound } from '../shared/errors.ts'
import type { KnownParty } from './accept.repository.ts'

/** Who is to talk, how, and until when. */
export interface PartyTerms {
  agentIds: string[]
  /** Where the request names the agent of this position. */
  path: (position: number) => string
  /** Undefined: the one that the conversation remembers. */
  strategy: StrategyName | undefined
  /** Undefined: the usual number for the strategy. */
  maxTurns: number | undefined
  limits: Pick<Run, 'maxRounds' | 'maxCredits' | 'maxSeconds' | 'stopPhrase'>
}

/** One agent answers, once. */
export const termsAlone = (agentId: string): PartyTerms => ({
  agentIds: [agentId],
  path: () => 'agentId',
  strategy: 'round_robin',
  maxTurns: 1,
  limits: { maxRounds: null, maxCredits: null, maxSeconds: null, stopPhrase: null },
})

/** What a request itself says of its party. */
export const termsAsked = ({ agentIds = [], strategy, maxTurns, stop }: PartyBody): PartyTerms => ({
  agentIds,
  path: (position) => `agentIds.${position}`,
  strategy,
  maxTurns,
  limits: {
    maxRounds: stop?.maxRounds ?? null,
    maxCredits: stop?.maxCredits ?? null,
    maxSeconds: stop?.maxSeconds ?? null,
    stopPhrase: stop?.phrase ?? null,
  },
})

/**
 * A saved party's terms, with what the request says besides in their place; of two limits of credits the smaller one counts, so that
 * nobody lifts the party's by a slip.
 * @throws AppError 404 `party.not_found`; 409 `party.agents_gone`
 */
export function termsSaved(asked: PartyTerms, saved: KnownParty | undefined): PartyTerms {
  if (!saved) throw notFound('party')
  requireWhole(saved.gone)
  const { limits } = asked
  return {
    agentIds: saved.agentIds,
    path: () => 'partyId',
    strategy: asked.strategy ?? saved.strategy,
    maxTurns: asked.maxTurns ?? saved.maxTurns ?? undefined,
    limits: {
      maxRounds: limits.maxRounds ?? saved.maxRounds,
      maxCredits: smaller(limits.maxCredits, saved.maxCredits),
      maxSeconds: limits.maxSeconds ?? saved.maxSeconds,
      stopPhrase: limits.stopPhrase ?? saved.stopPhrase,
    },
  }
}

const smaller = (one: bigint | null, other: bigint | null): bigint | null =>
  one === null || (other !== null && other < one) ? other : one
