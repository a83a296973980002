import type { AgentRepository } from '../agents/agent.repository.ts'
import type { StopReason } from '../contract/views.ts'
import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { Message } from '../conversations/message.entity.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { Settlement } from '../credits/ledger.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { MeteredCall } from '../credits/metered-call.ts'
import type { Transactions, Tx } from '../database/transaction.ts'
import { newId } from '../shared/ids.ts'
import type { Run } from './run.entity.ts'
import type { RunRepository } from './run.repository.ts'
import type { RunSteps } from './run-steps.ts'
import type { Dispatch, TurnRepository } from './turn.repository.ts'
import { ClaimLost, type TurnClaim } from './turn-claim.ts'

/** What an attempt came to. */
export interface TurnResult {
  status: 'completed' | 'cancelled' | 'failed'
  agentId: string | null
  /** Empty when nothing was said: then there is no message. */
  text: string
  passed: boolean
  /** Paid by the user. */
  calls: MeteredCall[]
  /** Calls that came to nothing, at the platform's cost. */
  lostCalls: MeteredCall[]
  holdId: string | null
  /** The last `seq` of the run that the speaker had read. */
  seenSeq: number
  promptVersion: string | null
  error: { code: string; message: string } | null
  /** What cut the turn short; it ends the run too, once its siblings have settled. */
  endedBy: StopReason | null
}

/** What a settlement committed. */
export interface Settled {
  message: Message | null
  money: Settlement
  version: number
  /** The run did not just get its next turns: it is over, or waits for files. */
  runChanged: boolean
  /** The conversation has spoken words now and no title. */
  titleWanted: boolean
}

interface SettlementDependencies {
  runs: RunRepository
  turns: TurnRepository
  conversations: ConversationRepository
  messages: MessageRepository
  agents: AgentRepository
  ledger: LedgerService
  steps: RunSteps
  transactions: Transactions
  /** Conversations without a title are to be named. */
  givesTitles: boolean
}

/** Statuses of a message by that of its turn. */
const MESSAGE_STATUS = { completed: 'complete', cancelled: 'cancelled', failed: 'failed' } as const

/**
 * The end of an attempt, in ONE transaction: message, usage and price of every call, the hold's resolution, the turn's
 * end, the run's cursor, and the next turn or the run's end. Guarded by the claim, so that an attempt that lost its turn
 * writes nothing. Lock order: conversation, run, turn, hold, account.
 */
export class TurnSettlement {
  readonly #deps: SettlementDependencies

  constructor(dependencies: SettlementDependencies) {
    this.#deps = dependencies
  }

  /** `beforeCommit` runs last in the transaction. @throws ClaimLost when nothing was written */
  settle(claim: TurnClaim, result: TurnResult, beforeCommit?: () => void): Promise<Settled> {
    return this.#deps.transactions.run(async (tx) => {
      const run = await this.#lock(claim, tx)
      const settled = await this.settleLocked(run, claim, result, tx)
      const runChanged = (await this.#deps.steps.advance(run, tx)) !== 'on'
      beforeCommit?.()
      return { ...settled, runChanged }
    })
  }

  /** As `settle`, in a transaction that has locked the conversation and the run, and that moves the run on itself. */
  async settleLocked(run: Run, claim: TurnClaim, result: TurnResult, tx: Tx): Promise<Settled> {
    const { turns, conversations, messages, ledger } = this.#deps
    if (!(await turns.lockClaimed(claim, claim.claimToken, tx))) throw new ClaimLost(claim)
    // An attempt that broke off while it took its hold does not know of it.
    const holdId = result.holdId ?? (await ledger.pendingHold(tx, claim))
    const money = await ledger.settleHold(tx, { ...claim, holdId, calls: result.calls })
    await ledger.recordLoss(tx, { ...claim, calls: result.lostCalls })
    const { lastSeq, version } = await conversations.advance(run.conversationId, { messages: result.text ? 1 : 0 }, tx)
    const message = result.text ? await messages.add(await this.#messageOf(run, claim, result, lastSeq, tx), tx) : null
    await turns.end(
      claim,
      {
        status: result.status,
        passed: result.passed,
        messageId: message?.id ?? null,
        seenSeq: result.seenSeq,
        promptVersion: result.promptVersion,
        endedBy: result.endedBy,
        errorCode: result.error?.code ?? null,
        errorMessage: result.error?.message ?? null,
      },
      tx,
    )
    const isNamable = this.#deps.givesTitles && message?.status === 'complete'
    const titleWanted = isNamable && (await conversations.wantTitle(run.conversationId, tx))
    return { message, money, version, runChanged: false, titleWanted }
  }

  /**
   * Ends an attempt without a result; the turn is tried again after `delayMs`. Its hold goes back to the user and what it
   * used (`lostCalls`) is the platform's loss. `failed` counts towards the tries that a provider may spoil.
   * @throws ClaimLost
   */
  giveBack(
    claim: TurnClaim,
    change: {
      delayMs: number
      failed: boolean
      error: { code: string; message: string } | null
      lostCalls: MeteredCall[]
    },
  ): Promise<Dispatch> {
    const { turns, ledger, transactions } = this.#deps
    return transactions.run(async (tx) => {
      if (!(await turns.lockClaimed(claim, claim.claimToken, tx))) throw new ClaimLost(claim)
      await ledger.voidHold(tx, claim)
      await ledger.recordLoss(tx, { ...claim, calls: change.lostCalls })
      return turns.giveBack(claim, change, tx)
    })
  }

  async #lock(claim: TurnClaim, tx: Tx): Promise<Run> {
    const conversation = await this.#deps.conversations.lock(claim.conversationId, tx)
    const run = conversation && (await this.#deps.runs.lock(claim.runId, tx))
    if (!run) throw new ClaimLost(claim)
    return run
  }

  async #messageOf(
    run: Run,
    claim: TurnClaim,
    result: TurnResult,
    seq: number,
    tx: Tx,
  ): Promise<Omit<Message, 'createdAt'>> {
    const [agent] = result.agentId ? await this.#deps.agents.participants([result.agentId], tx) : []
    return {
      id: newId(),
      conversationId: run.conversationId,
      seq,
      role: 'agent',
      agentId: result.agentId,
      agentName: agent?.name ?? null,
      content: result.text,
      status: MESSAGE_STATUS[result.status],
      runId: run.id,
      turn: claim.turn,
      fileIds: [],
    }
  }
}
