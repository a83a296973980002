import type { Agent } from '../../src/agents/agent.entity.ts'
import { affordableTokens, FEWEST_TOKENS, holdFor } from '../../src/credits/hold-size.ts'
import type { Purpose } from '../../src/credits/metered-call.ts'
import type { TurnClaim } from '../../src/runs/turn-claim.ts'
import type { TurnClaims } from '../../src/runs/turn-claims.ts'
import { CallMeter, type MeterOptions } from './call-meter.ts'
import { thinksUnseen } from './hidden-thoughts.ts'
import { type ModelTerms, quoteOf } from './model-terms.ts'
import { RollingHold } from './rolling-hold.ts'
import { fewestTokens } from './thought-room.ts'
import type { TurnStop } from './turn-stop.ts'

/** A call that is about to be made: its terms, and how much it reads and may say. */
export interface PlannedCall extends ModelTerms {
  purpose: Purpose
  /** Its number in its turn; 0 where it is the only one. */
  call?: number
  /** UTF-16 units of the live text that are paid already. */
  said?: number
  /** Tokens of the prompt, estimated. */
  inputTokens: number
  /** Tokens that the answer should be allowed. */
  maxOutputTokens: number
  effort: Agent['reasoningEffort']
  /** The run's own limit, in micro-credits. */
  maxCredits: bigint | null
}

export interface PayLimits {
  HOLD_SLICE_TOKENS: number
  HIDDEN_TOKENS_PER_SECOND: number
  LOSS_ALLOWANCE: bigint
}

interface PayDependencies {
  claims: Pick<TurnClaims, 'reserve' | 'extend'>
  limits: PayLimits
  beforeCommit?: (() => void) | undefined
  /** Milliseconds; for tests. */
  now?: () => number
}

/** A call that is paid ahead. */
export interface PaidAhead {
  holdId: string
  /** What its request may allow the provider: as much as is held. */
  maxOutputTokens: number
  /** The meter of the call. What comes beyond the limit is held for as it comes, or stops the turn. */
  meter(listener: Pick<MeterOptions, 'onOutput' | 'onText'>): CallMeter
  /** To be awaited when the last word has come, and before the settlement. */
  ended(): Promise<void>
}

/**
 * Holds what a turn's call may cost, before its request: a provider may think unseen, say all at once, or be stopped where
 * nobody can count. Undefined when credits do not reach; then the turn is stopped by the reason.
 * @throws ClaimLost; AppError when too many of the user's calls were lost
 */
export async function payAhead(
  claim: TurnClaim,
  call: PlannedCall,
  stop: TurnStop,
  { claims, limits, beforeCommit, now }: PayDependencies,
): Promise<PaidAhead | undefined> {
  const { purpose, inputTokens, maxOutputTokens: wanted, effort, maxCredits, connection, said } = call
  if (maxCredits !== null && wanted < FEWEST_TOKENS) {
    stop.stop('max_credits')
    return undefined
  }
  const hiddenTokensPerSecond = thinksUnseen(call, effort) ? limits.HIDDEN_TOKENS_PER_SECOND : 0
  const request = {
    quote: quoteOf(call, { call: call.call ?? 0, purpose, inputTokens, hiddenTokensPerSecond, ...(said && { said }) }),
    least: holdFor(call, inputTokens, Math.min(wanted, fewestTokens(call, effort))),
    amount: holdFor(call, inputTokens, wanted),
    maxCredits,
    lossAllowance: connection.scope === 'platform' ? limits.LOSS_ALLOWANCE : null,
  }
  const placed = await claims.reserve(claim, request, beforeCommit)
  if ('refused' in placed) {
    stop.stop(placed.refused)
    return undefined
  }
  const { holdId, amount, isShort } = placed
  const maxOutputTokens = Math.min(wanted, affordableTokens(call, inputTokens, amount))
  const hold = new RollingHold({
    terms: call,
    limitTokens: maxOutputTokens,
    sliceTokens: limits.HOLD_SLICE_TOKENS,
    extend: (step, more) => claims.extend({ ...claim, holdId, maxCredits }, step, more),
    onExhausted: (what) => stop.stop(what),
  })
  let meter: CallMeter | undefined
  return {
    holdId,
    maxOutputTokens,
    meter: ({ onOutput, onText }) => {
      meter = new CallMeter({
        inputTokens,
        coveredTokens: () => hold.coveredTokens,
        hiddenTokensPerSecond,
        onOutput: (text) => {
          onOutput?.(text)
          hold.spoke(text)
        },
        ...(onText && { onText }),
        ...(now && { now }),
      })
      return meter
    },
    async ended() {
      await hold.settled()
      // It had more to say, and was allowed less than its agent allows it.
      if (isShort && meter?.lastFinish === 'length') stop.stop('credits_exhausted')
    },
  }
}
