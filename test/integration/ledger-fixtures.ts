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
import { rows } from '../../src/database/query.ts'
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

/** What runs have cost, by run, summed up from their calls and holds. */
export async function receiptsOf(db: DataSource, runIds: string[]) {
  const found = await rows<{
    runId: string
    inputTokens: string
    outputTokens: string
    credits: string
    released: string
    lost: string
    estimated: boolean
  }>(
    db.manager,
    `SELECT run.id AS "runId", input_tokens AS "inputTokens", output_tokens AS "outputTokens", credits, estimated, lost, released
     FROM unnest($1::uuid[]) AS run (id),
     LATERAL (
       SELECT coalesce(sum(input_tokens + cached_input_tokens + cache_write_tokens) FILTER (WHERE is_paid), 0) AS input_tokens,
         coalesce(sum(output_tokens + reasoning_tokens) FILTER (WHERE is_paid), 0) AS output_tokens,
         coalesce(sum(charged) FILTER (WHERE is_paid), 0) AS credits,
         coalesce(bool_or(estimated) FILTER (WHERE is_paid), false) AS estimated,
         coalesce(sum(amount) FILTER (WHERE NOT is_paid), 0) AS lost
       FROM (SELECT *, outcome = 'charged' AS is_paid FROM metered_calls WHERE run_id = run.id) AS call
     ) AS calls,
     LATERAL (SELECT coalesce(sum(released), 0) AS released FROM holds WHERE run_id = run.id) AS given_back`,
    [runIds],
  )
  return new Map(
    found.map((row) => [
      row.runId,
      {
        inputTokens: Number(row.inputTokens),
        outputTokens: Number(row.outputTokens),
        credits: BigInt(row.credits),
        released: BigInt(row.released),
        lost: BigInt(row.lost),
        estimated: row.estimated,
      },
    ]),
  )
}
