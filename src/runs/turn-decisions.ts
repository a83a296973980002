import type { ConversationRepository } from '../conversations/conversation.repository.ts'
import type { MessageRepository } from '../conversations/message.repository.ts'
import type { LedgerService } from '../credits/ledger.service.ts'
import type { MeteredCall } from '../credits/metered-call.ts'
import type { Transactions } from '../database/transaction.ts'
import type { RunRepository } from './run.repository.ts'
import type { TurnRepository } from './turn.repository.ts'
import { ClaimLost, type TurnClaim } from './turn-claim.ts'

/** A supervisor's decision: who speaks, or that nobody does. */
export interface SpeakerDecision {
  /** Null ends the run, unless the user has said something meanwhile: then `fallback` speaks. */
  agentId: string | null
  fallback: string
  /** The calls that it took, paid with it. */
  calls: MeteredCall[]
  /** The last `seq` of the run that it had read. */
  seenSeq: number
}

interface DecisionDependencies {
  runs: RunRepository
  turns: TurnRepository
  conversations: ConversationRepository
  messages: MessageRepository
  ledger: Pick<LedgerService, 'chargeCalls'>
  transactions: Transactions
}

/** Committing who speaks before the speaker does, so that a retry keeps the speaker and the decision is paid once. */
export class TurnDecisions {
  readonly #deps: DecisionDependencies

  constructor(dependencies: DecisionDependencies) {
    this.#deps = dependencies
  }

  /**
   * Writes the speaker and pays the decision in one transaction. Undefined when nobody is to speak: nothing was written,
   * and the turn's settlement pays.
   * @throws ClaimLost
   */
  decide(claim: TurnClaim, decision: SpeakerDecision): Promise<(TurnClaim & { agentId: string }) | undefined> {
    const { runs, turns, conversations, messages, ledger, transactions } = this.#deps
    return transactions.run(async (tx) => {
      const locked = (await conversations.lock(claim.conversationId, tx)) && (await runs.lock(claim.runId, tx))
      if (!locked || !(await turns.lockClaimed(claim, claim.claimToken, tx))) throw new ClaimLost(claim)
      const isHeard = decision.agentId !== null || (await messages.userSpokeAfter(claim.runId, decision.seenSeq, tx))
      if (!isHeard) return undefined
      const agentId = decision.agentId ?? decision.fallback
      await turns.nameSpeaker(claim, agentId, tx)
      const { version } = await conversations.advance(claim.conversationId, {}, tx)
      const { runId, turn, attempt } = claim
      await ledger.chargeCalls(tx, { ...claim, key: `decide:${runId}:${turn}:${attempt}`, calls: decision.calls })
      return { ...claim, agentId, version }
    })
  }
}
