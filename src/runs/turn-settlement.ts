import type { ConversationView, RunView } from '../contract/views.ts'
import type { ShownMessage } from '../conversations/message.entity.ts'
import type { Settlement } from '../credits/ledger.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import { costOfCalls, type MeteredCall } from '../credits/metered-call.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { newId } from '../shared/ids.ts'
import type { EngineRepository, SettleAnswer } from './engine.repository.ts'
import { type Following, following } from './following.ts'
import type { RunRepository } from './run.repository.ts'
import type { RunSteps } from './run-steps.ts'
import { isOpen } from './states.ts'
import type { Dispatch, GivenBack, TurnRepository } from './turn.repository.ts'
import { ClaimLost, type TurnClaim } from './turn-claim.ts'
import type { TurnResult } from './turn-result.ts'
import type { TurnRoom } from './turn-room.ts'

/** What a settlement committed. */
export interface Settled {
  message: ShownMessage | null
  money: Settlement
  version: number
  /** Turns that may run now. */
  dispatches: Dispatch[]
  /** The run did not just get its next turns: it is over, or waits for files; then how it is shown now. */
  runView: RunView | undefined
  /** With it, its conversation. */
  conversation: ConversationView | undefined
  /** The conversation has spoken words now and no title. */
  titleWanted: boolean
}

interface SettlementDependencies {
  engine: EngineRepository
  runs: RunRepository
  turns: TurnRepository
  ledger: LedgerService
  steps: RunSteps
  transactions: Transactions
  /** Conversations without a title are to be named. */
  givesTitles: boolean
  userConcurrency: number
  fileWaitMs: number
}

/** What a settlement may be told besides the result. */
export interface SettleHints {
  /** What the turn had read: with it, what follows is known beforehand, and is written by the same statement. */
  room?: TurnRoom | undefined
  /** Runs last in the transaction; for tests that kill the process there. */
  beforeCommit?: (() => void) | undefined
}

/** What follows, as the worker knows it before it settles, and what that knowledge rests on. */
type Foreseen = { known: { lastSeq: number }; following: Following } | undefined

/**
 * The end of an attempt, in ONE transaction: message, usage and price of every call, the hold's resolution, the turn's
 * end, and the next turn or the run's end. Guarded by the claim, so that an attempt that lost its turn writes nothing.
 * Mostly it is one statement: the worker knows what it had read, says what follows from it, and the statement writes that
 * unless something was said or stopped since. Then, and where siblings speak, it is read under the locks and decided there.
 */
export class TurnSettlement {
  readonly #deps: SettlementDependencies

  constructor(dependencies: SettlementDependencies) {
    this.#deps = dependencies
  }

  /** @throws ClaimLost when nothing was written */
  async settle(claim: TurnClaim, result: TurnResult, { room, beforeCommit }: SettleHints = {}): Promise<Settled> {
    const { transactions } = this.#deps
    const messageId = newId()
    const foreseen = room && foresee(room, claim, result, messageId)
    if (foreseen) {
      const settled = await transactions.once(
        (tx) => this.#write(claim, result, messageId, foreseen, tx),
        beforeCommit && ((written) => written && beforeCommit()),
      )
      if (settled) return settled
    }
    return transactions.run(async (tx) => {
      const settled = await this.settleLocked(claim, result, tx)
      const goesOn = await this.#advance(claim, tx)
      const dispatches = await this.#deps.engine.admit(claim.userId, this.#deps.userConcurrency, tx)
      const shown = goesOn ? undefined : await this.#deps.engine.shown(claim.runId, claim.conversationId, tx)
      beforeCommit?.()
      return { ...settled, dispatches, runView: shown?.run, conversation: shown?.conversation }
    })
  }

  /**
   * Settles in the caller's transaction, which moves the run on itself. Locks the conversation and the run. @throws ClaimLost
   */
  async settleLocked(claim: TurnClaim, result: TurnResult, tx: Tx): Promise<Settled> {
    const settled = await this.#write(claim, result, newId(), undefined, tx)
    if (!settled) throw new ClaimLost(claim)
    return settled
  }

  /**
   * Ends an attempt without a result; the turn is tried again after `delayMs`. Its hold goes back to the user and what it
   * used (`lostCalls`) is the platform's loss. `failed` counts towards the tries that a provider may spoil. Answers what is to be
   * enqueued; nothing where the turn waits without a place.
   * @throws ClaimLost
   */
  giveBack(claim: TurnClaim, change: GivenBack & { lostCalls: MeteredCall[] }): Promise<Dispatch | undefined> {
    const { turns, ledger, transactions } = this.#deps
    return transactions.run(async (tx) => {
      if (!(await turns.lockClaimed(claim, claim.claimToken, tx))) throw new ClaimLost(claim)
      await ledger.voidHold(claim, tx)
      await ledger.recordLoss({ ...claim, calls: change.lostCalls }, tx)
      return turns.giveBack(claim, change, tx)
    })
  }

  /** Undefined when what was foreseen does not hold any more: then nothing was written. @throws ClaimLost */
  async #write(
    claim: TurnClaim,
    result: TurnResult,
    messageId: string,
    next: Foreseen,
    tx: Tx,
  ): Promise<Settled | undefined> {
    const { engine, ledger, givesTitles, userConcurrency, fileWaitMs } = this.#deps
    const { holdId, calls, lostCalls } = result
    const answer = await engine.settle(
      {
        claim,
        result,
        charge: ledger.chargeArguments({ ...claim, holdId, calls }),
        lost: ledger.lossArguments({ ...claim, calls: lostCalls }),
        messageId,
        givesTitles,
        next,
        userConcurrency,
        fileWaitMs,
      },
      tx,
    )
    if (answer === 'lost') throw new ClaimLost(claim)
    if (answer === 'changed') return undefined
    const { money, version, titleWanted, dispatches, view: runView, conversation } = answer
    return { message: messageOf(claim, result, answer), money, version, titleWanted, dispatches, runView, conversation }
  }

  async #advance(claim: TurnClaim, tx: Tx) {
    const run = await this.#deps.runs.find(claim.runId, tx)
    if (!run) throw new ClaimLost(claim)
    return this.#deps.steps.advance(run, tx)
  }
}

/**
 * What follows the turn as it ends, by what it had read; undefined where that has to be looked up under the locks: while
 * siblings are open, and also when they have ended before this turn was claimed, but come after it in the run's order.
 */
function foresee(room: TurnRoom, claim: TurnClaim, result: TurnResult, messageId: string): Foreseen {
  const own = room.turns.at(-1)
  if (own?.index !== claim.turn || room.turns.some((turn) => turn !== own && isOpen(turn))) return undefined
  const ended = {
    ...own,
    agentId: result.agentId,
    status: result.status,
    passed: result.passed,
    seenSeq: result.seenSeq,
    messageId: result.text ? messageId : null,
    endedBy: result.endedBy,
    errorCode: result.error?.code ?? null,
    errorMessage: result.error?.message ?? null,
  }
  if (room.run.isToStop || result.endedBy === 'cancelled') return undefined
  return {
    known: room,
    following: following({
      run: room.run,
      participants: room.participants,
      turns: room.turns.map((turn) => (turn === own ? ended : turn)),
      user: room.user,
      lastWords: result.text,
      spent: (room.spent ?? 0n) + costOfCalls(result.calls),
      seconds: room.secondsSinceStart + (performance.now() - room.readAt) / 1_000,
    }),
  }
}

/** The message as it was stored: the text was not sent back. */
function messageOf(claim: TurnClaim, result: TurnResult, { message }: SettleAnswer): ShownMessage | null {
  if (!message) return null
  return {
    id: message.id,
    conversationId: claim.conversationId,
    seq: message.seq,
    role: 'agent',
    agentId: result.agentId,
    agentName: message.agentName,
    content: result.text,
    status: message.status,
    runId: claim.runId,
    turn: claim.turn,
    fileIds: [],
    createdAt: new Date(message.createdAt),
    isData: result.isData,
  }
}
