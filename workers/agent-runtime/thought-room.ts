import { traitsOf } from '../../src/connections/provider-factory.ts'
import type { ReasoningEffort } from '../../src/contract/providers.ts'
import { FEWEST_TOKENS } from '../../src/credits/hold-size.ts'
import type { ModelTerms } from './model-terms.ts'

/** Tokens that thoughts may take beside the words, by how hard a model is to think. */
const ROOM: Record<ReasoningEffort, number> = { none: 0, minimal: 512, low: 1_024, medium: 4_096, high: 16_384 }
/** Of a model that thinks as hard as its provider likes. */
const ROOM_UNASKED = 2_048

/** What a limit of words is raised by, so that thoughts, which providers count as output, do not use it up. */
export function thoughtRoom(
  { connection, modelId }: Pick<ModelTerms, 'connection' | 'modelId'>,
  effort: ReasoningEffort | null = null,
): number {
  if (effort !== null) return ROOM[effort]
  return traitsOf(connection, modelId).includes('thinks') ? ROOM_UNASKED : 0
}

/** Of the room for thoughts, the share that must be held at least: a model that thinks comes to no word in less. */
const LEAST_SHARE = 8

/** Fewer output tokens than these are not asked for. */
export const fewestTokens = (
  terms: Pick<ModelTerms, 'connection' | 'modelId'>,
  effort: ReasoningEffort | null = null,
) => FEWEST_TOKENS + Math.ceil(thoughtRoom(terms, effort) / LEAST_SHARE)
