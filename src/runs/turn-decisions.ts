import type { LedgerService } from '../credits/ledger.service.ts'
import type { MeteredCall } from '../credits/metered-call.ts'
import type { Transactions } from '../database/transaction.ts'
import type { EngineRepository } from './engine.repository.ts'
import type { TurnRepository } from './turn.repository.ts'
import { ClaimLost, type TurnClaim } from './turn-claim.ts'

/** A supervisor's decision: who speaks, or that nobody does. */
export interface SpeakerDecision {
  /** Null ends the run, unless the user has said something meanwhile: then `fallback` speaks. */
  agentId: string | null
  fallback: string
  /** Why there was no decision to go by, as a code; null when there was. */
  notice: string | null
  /** The calls that it took, paid with it. */
  calls: MeteredCall[]
  /** The last `seq` of the run that it had read. */
  seenSeq: number
}

interface DecisionDependencies {
  engine: EngineRepository
  turns: Pick<TurnRepository, 'giveNotice'>
  ledger: Pick<LedgerService, 'chargeArguments'>
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
  async decide(claim: TurnClaim, decision: SpeakerDecision): Promise<(TurnClaim & { agentId: string }) | undefined> {
    const { engine, turns, ledger, transactions } = this.#deps
    const charge = ledger.chargeArguments({ ...claim, holdId: null, calls: decision.calls })
    const { notice } = decision
    const answer = await (notice === null
      ? transactions.once((tx) => engine.decide(claim, decision, charge, tx))
      : transactions.run(async (tx) => {
          const decided = await engine.decide(claim, decision, charge, tx)
          if (typeof decided === 'object') await turns.giveNotice(claim, notice, tx)
          return decided
        }))
    if (answer === 'lost') throw new ClaimLost(claim)
    return answer === 'nobody' ? undefined : { ...claim, ...answer }
  }
}
