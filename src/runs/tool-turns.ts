import { MOST_WAITING } from '../contract/approval-views.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { MeteredCall } from '../credits/metered-call.ts'
import type { Transactions } from '../database/transaction.ts'
import type {
  CallEnd,
  CallStart,
  ResumeTerms,
  StartTerms,
  StepToCommit,
  ToolCallRepository,
  ToolState,
} from '../tools/tool-call.repository.ts'
import type { Announcer } from './announcer.ts'
import { ClaimLost, type TurnClaim } from './turn-claim.ts'

/** What somebody has approved is not forgotten for so long, should limits of ours be in the way, in milliseconds. */
const KEEP_MS = 600_000

export interface ToolTurnDependencies extends ResumeTerms {
  toolCalls: ToolCallRepository
  ledger: Pick<LedgerService, 'chargeArguments'>
  announcer: Pick<Announcer, 'balance' | 'publish' | 'runEvent' | 'waiting'>
  transactions: Transactions
  /** A run has so long again after that. */
  runDeadlineMs: number
}

/** A model call that ended with calls of tools, with what it used. */
export interface PaidStep extends StepToCommit {
  holdId: string | null
  calls: MeteredCall[]
}

/** What a turn that uses tools commits on its way, each under its claim. */
export class ToolTurns {
  readonly #deps: ToolTurnDependencies

  constructor(dependencies: ToolTurnDependencies) {
    this.#deps = dependencies
  }

  /** What an attempt goes on from; calls that a dead one left open are decided on. @throws ClaimLost */
  async resume(claim: TurnClaim): Promise<ToolState> {
    const state = await this.#deps.toolCalls.resume(claim, this.#deps)
    if (state === 'lost') throw new ClaimLost(claim)
    // Nobody decided on it in time: that is seen first by whoever goes on.
    if (state.calls.some(({ status }) => status === 'expired')) await tellWaiting(this.#deps, claim.userId)
    return state
  }

  /** Commits a step: its model call is paid, once, and its calls of tools are planned. @throws ClaimLost */
  async commit(claim: TurnClaim, step: PaidStep, beforeCommit?: () => void): Promise<void> {
    const { toolCalls, ledger, announcer, transactions, approvalMs } = this.#deps
    const charge = ledger.chargeArguments({ ...claim, holdId: step.holdId, calls: step.calls })
    const balance = await transactions.once(
      (tx) => toolCalls.step(claim, step, charge, approvalMs, tx),
      beforeCommit && ((written) => written !== 'lost' && beforeCommit()),
    )
    if (balance === 'lost') throw new ClaimLost(claim)
    await announcer.balance(claim.userId, balance)
  }

  /** Says of a turn, as a code, what went otherwise than asked for. @throws ClaimLost */
  async notice(claim: TurnClaim, notice: string): Promise<void> {
    if (!(await this.#deps.toolCalls.notice(claim, notice))) throw new ClaimLost(claim)
  }

  /** As the database sees it now. */
  state(claim: TurnClaim): Promise<ToolState> {
    return this.#deps.toolCalls.state(claim)
  }

  /** Notes that a call is about to be made, if it is to be: `tool_start` says what is answered. @throws ClaimLost */
  async start(
    claim: TurnClaim,
    call: number,
    terms: Pick<StartTerms, 'perMinute' | 'defaultPolicy'>,
  ): Promise<CallStart> {
    const { toolCalls, approvalMs } = this.#deps
    const start = await toolCalls.start(claim, call, { ...terms, approvalMs, keepMs: KEEP_MS })
    if (start.outcome === 'lost') throw new ClaimLost(claim)
    return start
  }

  /** A limit of ours kept a call from being made that was noted as started. False where no approval of late is to be kept for it. */
  putOff(claim: TurnClaim, call: number): Promise<boolean> {
    return this.#deps.toolCalls.putOff(claim, call, KEEP_MS)
  }

  /** Notes that a call is not made after all. False where it was decided on before. @throws ClaimLost */
  async skip(claim: TurnClaim, call: number, end: CallEnd): Promise<boolean> {
    const outcome = await this.#deps.toolCalls.skip(claim, call, end)
    if (outcome === 'lost') throw new ClaimLost(claim)
    return outcome === 'skipped'
  }

  /** Notes how a call ended that this attempt had started. False where a later attempt had decided on it before. */
  end(claim: TurnClaim, call: number, end: CallEnd): Promise<boolean> {
    return this.#deps.toolCalls.end(claim, call, claim.attempt, end)
  }

  /**
   * Gives the turn up until people have decided, or for `laterMs`: when it `waits`, somebody else goes on with it. `decided`: they have by now;
   * `stopping`: its run is to stop.
   * @throws ClaimLost
   */
  async wait(claim: TurnClaim, laterMs: number | null = null): Promise<'waits' | 'decided' | 'stopping'> {
    const { toolCalls, announcer, runDeadlineMs } = this.#deps
    const waited = await toolCalls.wait(claim, runDeadlineMs, laterMs)
    if (waited.outcome === 'lost') throw new ClaimLost(claim)
    if (waited.outcome !== 'waits') return waited.outcome
    await announcer.publish(claim.conversationId, waited.version, [await announcer.runEvent(claim.runId)])
    await tellWaiting(this.#deps, claim.userId)
    return 'waits'
  }
}

/** Tells a user how much waits for a decision, as the rows have it. What it tells is in the rows, and asked for besides: it never rejects. */
export async function tellWaiting(
  { toolCalls, announcer }: { toolCalls: Pick<ToolCallRepository, 'waiting'>; announcer: Pick<Announcer, 'waiting'> },
  userId: string,
): Promise<void> {
  const waiting = await toolCalls.waiting(userId, MOST_WAITING).catch(() => undefined)
  if (waiting !== undefined) await announcer.waiting(userId, waiting)
}
