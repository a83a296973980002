import type { Attempt, TurnName } from '../contract/attempt.ts'
import type { TurnKind } from '../rounds/strategy.ts'

/** The right to work on a turn and to write its result; guarded by `claimToken` in every write. */
export interface TurnClaim extends Attempt {
  conversationId: string
  userId: string
  /** Null where the turn itself picks the speaker. */
  agentId: string | null
  kind: TurnKind
  /** Turns of one step are siblings. */
  step: number
  /** 1 for the first try. */
  attempt: number
  /** Tries before this one that the provider spoiled. */
  failures: number
  /** Tries before this one that ended because people were asked. */
  waits: number
  claimToken: string
  /** The conversation's version that the claim's commit made; undefined when clients see no difference. */
  version?: number
}

/** Tries that ended without anybody's word, by a crash or a drain: a turn that brings down so many workers is not tried on. */
const MOST_LOST_TRIES = 20
export const isTooOften = ({ attempt, failures, waits }: TurnClaim): boolean =>
  attempt - 1 - failures - waits >= MOST_LOST_TRIES

/** The claim was lost: another has the turn, or it is over. Nothing of this attempt may be written. */
export class ClaimLost extends Error {
  override name = 'ClaimLost'

  constructor(key: TurnName) {
    super(`the claim on turn ${key.runId}/${key.turn} was lost`)
  }
}
