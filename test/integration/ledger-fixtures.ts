import { randomUUID } from 'node:crypto'
import type { DataSource } from 'typeorm'
import { LedgerRepository } from '../../src/credits/ledger.repository.ts'
import { LedgerService } from '../../src/credits/ledger.service.ts'
import { type LedgerDifference, verifyLedger } from '../../src/credits/ledger-audit.ts'
import type { MeteredCall } from '../../src/credits/metered-call.ts'
import { PriceRepository } from '../../src/credits/price.repository.ts'
import { PriceBook } from '../../src/credits/price-book.ts'
import type { PriceVersion } from '../../src/credits/pricing.ts'
import { StatementRepository } from '../../src/credits/statement.repository.ts'
import { Transactions } from '../../src/database/transaction.ts'
import { newId } from '../../src/shared/ids.ts'

/** The ledger on a test's database, with a model that costs one micro-credit per output token. */
export interface LedgerWorld {
  ledger: LedgerService
  transactions: Transactions
  statements: StatementRepository
  prices: PriceBook
  /** A call that costs exactly `amount` micro-credits. */
  call(amount: number, overrides?: Partial<MeteredCall>): MeteredCall
  /** A new user with `grant` micro-credits. */
  user(grant: bigint): Promise<string>
}

export async function ledgerWorld(db: DataSource): Promise<LedgerWorld> {
  const ledger = new LedgerService(new LedgerRepository(db))
  const transactions = new Transactions(db)
  const prices = new PriceBook(new PriceRepository(db))
  const price: PriceVersion = await prices.add('test', `per-token-${randomUUID()}`, {
    inputPerMTok: 0n,
    outputPerMTok: 1_000_000n,
    cachedInputPerMTok: 0n,
    cacheWritePerMTok: 0n,
    reasoningPerMTok: 0n,
    perCall: 0n,
  })
  return {
    ledger,
    transactions,
    statements: new StatementRepository(db),
    prices,
    call: (amount, overrides = {}) => ({
      call: 0,
      purpose: 'speak',
      agentId: null,
      connectionId: null,
      provider: price.provider,
      model: price.model,
      usage: {
        inputTokens: 7,
        cachedInputTokens: 0,
        cacheWriteTokens: 0,
        outputTokens: amount,
        reasoningTokens: 0,
        estimated: false,
      },
      price,
      ratePpm: 1_000_000n,
      ...overrides,
    }),
    async user(grant) {
      const userId = newId()
      await transactions.run((tx) => ledger.openAccount(userId, grant, tx))
      return userId
    },
  }
}

/** A new turn of a new run, at its first attempt. */
export const newTurn = () => ({
  runId: newId(),
  turn: 0,
  attempt: 1,
  claimToken: randomUUID(),
  conversationId: newId(),
})

/** What the audit finds wrong; holds need no live turn here, because these tests have no runs. */
export async function differencesOf(db: DataSource): Promise<LedgerDifference[]> {
  const { differences } = await verifyLedger(db)
  return differences.filter(({ rule }) => rule !== 'no hold outlives the claim of its turn')
}
