import { randomUUID } from 'node:crypto'
import type { Transactions, Tx } from '../database/transaction.ts'
import { newId } from '../shared/ids.ts'
import { doEach } from '../shared/steps.ts'
import type { LedgerRepository, Settlement } from './ledger.repository.ts'
import type { LedgerService } from './ledger.service.ts'
import type { MeteredCall } from './metered-call.ts'

/** What a conversation has done besides turns, with the number that stands where a hold has a turn's: below those of turns. */
const NUMBERS = { title: -1, summary: -2 }

/** A hold for a call of no turn; one of a kind in a conversation at a time. */
export interface ChoreHold {
  /** Names the operation. */
  id: string
  kind: keyof typeof NUMBERS
  userId: string
  conversationId: string
}

interface ChoreHoldDependencies {
  ledger: Pick<LedgerService, 'placeHold' | 'voidHold' | 'chargeCalls'>
  repository: Pick<LedgerRepository, 'staleChoreHolds'>
  transactions: Transactions
}

/** Who asked for a chore is gone after this long, in ms: no call takes it. */
const STALE_AFTER_MS = 30 * 60_000

/** Holds of titles and summaries: as a turn's calls, theirs are paid ahead. */
export class ChoreHolds {
  readonly #deps: ChoreHoldDependencies

  constructor(dependencies: ChoreHoldDependencies) {
    this.#deps = dependencies
  }

  /** Undefined when the credits do not reach: then nothing is to be asked. What a process that died had held is given back. */
  async place(chore: Omit<ChoreHold, 'id'>, amount: bigint): Promise<ChoreHold | undefined> {
    const { ledger, transactions } = this.#deps
    const { userId } = chore
    const turn = turnOf(chore)
    const { held } = await transactions.run(async (tx) => {
      await ledger.voidHold(turn, tx)
      return ledger.placeHold({ ...turn, userId, attempt: 0, claimToken: randomUUID(), amount }, tx)
    })
    return held ? { ...chore, id: newId() } : undefined
  }

  /** Gives the hold back and pays the calls, which it covers, in the caller's transaction. */
  async settle(hold: ChoreHold, calls: MeteredCall[], tx: Tx): Promise<Settlement> {
    const { ledger } = this.#deps
    const { id, kind, userId, conversationId } = hold
    await ledger.voidHold(turnOf(hold), tx)
    return ledger.chargeCalls({ key: `${kind}:${id}`, userId, conversationId, calls }, tx)
  }

  /** Gives back what processes that died had held. */
  async releaseStale(): Promise<void> {
    const { ledger, repository, transactions } = this.#deps
    const stale = await repository.staleChoreHolds(STALE_AFTER_MS)
    await doEach(stale, (turn) => transactions.run((tx) => ledger.voidHold(turn, tx)))
  }
}

const turnOf = ({ kind, conversationId }: Pick<ChoreHold, 'kind' | 'conversationId'>) => ({
  runId: conversationId,
  turn: NUMBERS[kind],
})
