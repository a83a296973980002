import { randomUUID } from 'node:crypto'
import type { Attempt, TurnName } from '../contract/attempt.ts'
import { isTerminal } from '../contract/views.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { AppError } from '../shared/errors.ts'
import type { EngineRepository, ReserveRequest, RoomLimits } from './engine.repository.ts'
import type { LostAttempts } from './lost-attempts.ts'
import type { Run } from './run.entity.ts'
import type { RunRepository } from './run.repository.ts'
import type { Turn } from './turn.entity.ts'
import type { TurnRepository } from './turn.repository.ts'
import { ClaimLost, type TurnClaim } from './turn-claim.ts'
import type { TurnRoom } from './turn-room.ts'

/**
 * What came of asking for a turn. `retryInMs`: somebody has it, or it is not due yet. `waitsMs`: it waits without a place, for
 * its connection. `over`: nothing is left to do.
 */
export type ClaimOutcome =
  | { claim: TurnClaim; room: TurnRoom }
  | { retryInMs: number }
  | { waitsMs: number; userId: string }
  | { over: true }

/** What is held for a call, in micro-credits; `isShort`: less than was asked for, because the account has no more. */
export interface Reserved {
  holdId: string
  amount: bigint
  isShort: boolean
}

/** A claimed turn with its hold, and what its run may spend. */
interface ClaimWithHold extends Attempt {
  userId: string
  claimToken: string
  holdId: string
  maxCredits: bigint | null
}

interface ClaimDependencies {
  engine: EngineRepository
  runs: RunRepository
  turns: TurnRepository
  conversations: ConversationRepository
  ledger: LedgerService
  lostAttempts: LostAttempts
  transactions: Transactions
  leaseMs: number
  roomLimits: RoomLimits
  /** A call by which a half-open breaker is tried may take so long. */
  probeMs: number
}

const GONE = () => new AppError('run.gone')

const claimOf = (run: Pick<Run, 'conversationId' | 'userId'>, turn: Turn, claimToken: string): TurnClaim => ({
  runId: turn.runId,
  turn: turn.index,
  conversationId: run.conversationId,
  userId: run.userId,
  agentId: turn.agentId,
  kind: turn.kind,
  step: turn.step,
  attempt: turn.attempt,
  failures: turn.failures,
  waits: turn.waits,
  claimToken,
})

/** Taking, keeping and paying ahead for a turn. */
export class TurnClaims {
  readonly #deps: ClaimDependencies

  constructor(dependencies: ClaimDependencies) {
    this.#deps = dependencies
  }

  /** Claims a turn for one attempt, for `leaseMs`, and reads what it needs to know. A run that is to stop is left to whoever stops it. */
  async claim(key: TurnName, leaseMs: number = this.#deps.leaseMs): Promise<ClaimOutcome> {
    const { engine, transactions, roomLimits, probeMs } = this.#deps
    const claimToken = randomUUID()
    const answer = await transactions.once(() => engine.claim(key, claimToken, leaseMs, { ...roomLimits, probeMs }))
    switch (answer.outcome) {
      case 'claimed': {
        const { turn, room, version } = answer
        return { claim: { ...claimOf(room.run, turn, claimToken), version }, room }
      }
      case 'later':
        return { retryInMs: answer.retryInMs }
      case 'waits':
        return { waitsMs: answer.retryInMs, userId: answer.userId }
      case 'lapsed':
        return this.#takeOver(key, leaseMs)
      default:
        return { over: true }
    }
  }

  /**
   * Takes over from an attempt whose lease has lapsed: gives its hold back to the user and books what it is estimated to have
   * used as the platform's loss, in the same transaction.
   */
  async #takeOver(key: TurnName, leaseMs: number): Promise<ClaimOutcome> {
    const { runs, turns, conversations, ledger, lostAttempts, transactions } = this.#deps
    const known = await runs.find(key.runId)
    if (!known) return { over: true }
    const claimToken = randomUUID()
    const claim = await transactions.run(async (tx): Promise<TurnClaim | 'over' | null> => {
      if (!(await conversations.lock(known.conversationId, tx))) return 'over'
      const run = await runs.lock(key.runId, tx)
      if (!run || isTerminal(run.status) || run.cancelRequestedAt) return 'over'
      const claimed = await turns.claim(key, claimToken, leaseMs, tx)
      if (!claimed) return null
      const { turn, tookOver } = claimed
      if (tookOver) {
        await ledger.voidHold(key, tx)
        await lostAttempts.record(run, { ...turn, ...tookOver }, tx)
      }
      return claimOf(run, turn, claimToken)
    })
    if (claim === 'over') return { over: true }
    if (claim) return { claim, room: await this.room(claim) }
    const retryInMs = await turns.claimableInMs(key)
    return retryInMs === null ? { over: true } : { retryInMs }
  }

  /** What is known in the room now. @throws AppError 409 `run.gone` */
  async room(claim: TurnName): Promise<TurnRoom> {
    const room = await this.#deps.engine.room(claim, this.#deps.roomLimits)
    if (!room) throw GONE()
    return room
  }

  /** Renews leases and answers by claim token; a claim that is not answered is lost. See `EngineRepository.renew`. */
  renew(claims: readonly TurnClaim[], leaseMs: number): Promise<Map<string, { busy: boolean; isToStop: boolean }>> {
    return this.#deps.engine.renew(claims, leaseMs)
  }

  /**
   * Reserves what a call of an attempt may cost, before its request, and notes the terms of the call beside it. Less than was
   * asked for is held where the user's turns have to share what there is. Refused when not even the least is there, when the
   * run's own limit (`maxCredits`) does not reach, or when the user's lost calls have cost the platform too much. A crash of
   * the database a moment later may forget both: what the attempt used is then not known, should its worker die as well.
   * @throws ClaimLost
   */
  async reserve(
    claim: TurnClaim,
    request: ReserveRequest,
    beforeCommit?: () => void,
  ): Promise<Reserved | { refused: 'credits_exhausted' | 'max_credits' }> {
    const { engine, transactions } = this.#deps
    const answer = await transactions.once((tx) => engine.reserve(claim, request, tx), beforeCommit)
    switch (answer.outcome) {
      case 'held':
        return answer
      case 'lost':
        throw new ClaimLost(claim)
      case 'other':
        throw new AppError('credits.hold_pending')
      case 'losses':
        throw new AppError('credits.too_many_losses')
      default:
        return { refused: answer.outcome }
    }
  }

  /**
   * Raises the hold of an attempt while it speaks. `step` counts its extensions and makes each happen once. `resolved` says
   * that the turn is another's by now, or over.
   */
  async extend(
    hold: ClaimWithHold,
    step: number,
    amount: bigint,
  ): Promise<'held' | 'credits_exhausted' | 'resolved' | 'max_credits'> {
    const { holdId, maxCredits, claimToken } = hold
    const { turns, ledger, transactions } = this.#deps
    const extension = { ...hold, amount, key: `extend:${holdId}:${step}` }
    const extended =
      maxCredits === null
        ? await transactions.once((tx) => ledger.extendHold(extension, tx))
        : await transactions.run(async (tx) =>
            (await this.#exceeds(hold.runId, amount, maxCredits, tx))
              ? 'max_credits'
              : ledger.extendHold(extension, tx),
          )
    if (extended !== 'resolved') return extended
    // Nobody resolves the hold of a turn that is claimed: a crash of the database has forgotten it.
    return transactions.run(async (tx) => {
      if (!(await turns.lockClaimed(hold, claimToken, tx))) return 'resolved'
      const { held } = await ledger.placeHold({ ...hold, amount }, tx)
      return held ? 'held' : 'credits_exhausted'
    })
  }

  /**
   * True when what a run has spent and holds, and this amount, are more than its limit: siblings count together. The
   * run's lock makes them ask one after another.
   */
  async #exceeds(runId: string, amount: bigint, maxCredits: bigint, tx: Tx): Promise<boolean> {
    await this.#deps.runs.lock(runId, tx)
    return (await this.#deps.ledger.committedOf(runId, tx)) + amount > maxCredits
  }
}
