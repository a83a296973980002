import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { formatCredits } from '../shared/money.ts'

/** Something that can open a transaction, such as a TypeORM data source. */
interface Database {
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
}

/** A rule that does not hold, with how often and up to five examples. */
export interface LedgerDifference {
  rule: string
  count: number
  examples: Record<string, unknown>[]
}

export interface LedgerAudit {
  /** What was looked at, for people: counts, and sums in credits. */
  figures: Record<string, string>
  /** Empty when everything adds up. */
  differences: LedgerDifference[]
}

const EXAMPLES = 5

/** Entries as movements of the user's two balances. */
const MOVES = `
  SELECT *,
    CASE 'available' WHEN credit_account THEN amount WHEN debit_account THEN -amount ELSE 0 END AS available_moved,
    CASE 'held' WHEN credit_account THEN amount WHEN debit_account THEN -amount ELSE 0 END AS held_moved
  FROM ledger_entries`

/** Each query finds what breaks its rule. */
const RULES: Record<string, string> = {
  'each balance is the sum of its entries': `
    SELECT coalesce(a.user_id, s.user_id) AS "userId", a.available, s.available AS "availableByEntries", a.held,
      s.held AS "heldByEntries", a.granted, s.granted AS "grantedByEntries", a.spent, s.spent AS "spentByEntries", a.entries,
      s.entries AS counted
    FROM accounts a FULL JOIN (
      SELECT user_id, sum(available_moved) AS available, sum(held_moved) AS held, count(number) AS entries,
        coalesce(sum(CASE 'grants' WHEN debit_account THEN amount WHEN credit_account THEN -amount END), 0) AS granted,
        coalesce(sum(CASE 'revenue' WHEN credit_account THEN amount WHEN debit_account THEN -amount END)
          FILTER (WHERE kind <> 'loss'), 0) AS spent
      FROM (${MOVES}) AS moves GROUP BY user_id HAVING count(number) > 0
    ) AS s ON s.user_id = a.user_id
    WHERE (a.available, a.held, a.granted, a.spent, a.entries)
      IS DISTINCT FROM (coalesce(s.available, 0), coalesce(s.held, 0), coalesce(s.granted, 0), coalesce(s.spent, 0), coalesce(s.entries, 0))`,

  'each entry leads from the balances before it to those after it, without a gap': `
    SELECT id, user_id AS "userId", number, kind, available_after AS "availableAfter", held_after AS "heldAfter", available, held
    FROM (
      SELECT *, row_number() OVER user_entries AS position, sum(available_moved) OVER user_entries AS available,
        sum(held_moved) OVER user_entries AS held
      FROM (${MOVES}) AS moves WHERE number IS NOT NULL
      WINDOW user_entries AS (PARTITION BY user_id ORDER BY number)
    ) AS chain
    WHERE (number, available_after, held_after) IS DISTINCT FROM (position, available, held) OR available < 0 OR held < 0`,

  'each entry is a transfer that its kind allows': `
    SELECT id, kind, debit_account AS debit, credit_account AS credit, amount FROM ledger_entries
    WHERE (kind, debit_account, credit_account) NOT IN (('grant', 'grants', 'available'),
        ('adjustment', 'grants', 'available'), ('adjustment', 'available', 'grants'), ('refund', 'revenue', 'available'),
        ('hold', 'available', 'held'), ('extend', 'available', 'held'), ('post', 'held', 'revenue'),
        ('release', 'held', 'available'), ('loss', 'losses', 'revenue'))
      OR amount < 0 OR (amount = 0 AND kind NOT IN ('hold', 'post'))
      OR num_nonnulls(number, available_after, held_after) <> CASE kind WHEN 'loss' THEN 0 ELSE 3 END
      OR (kind IN ('post', 'loss')) <> (call_id IS NOT NULL)`,

  'each charged call has exactly one posting, or an explicit one of zero': `
    SELECT c.id AS "callId", c.run_id AS "runId", c.turn, c.call, c.charged, count(e.id) AS postings, sum(e.amount) AS posted
    FROM metered_calls c LEFT JOIN ledger_entries e ON e.call_id = c.id AND e.kind = 'post' AND e.user_id = c.user_id
    GROUP BY c.id
    HAVING CASE c.outcome WHEN 'charged' THEN count(e.id) <> 1 OR sum(e.amount) <> c.charged
      ELSE count(e.id) <> 0 OR c.charged <> 0 END`,

  'what a call cost and nobody was charged for is a loss, once': `
    SELECT c.id AS "callId", c.run_id AS "runId", c.turn, c.attempt, c.call, c.amount, c.charged, sum(e.amount) AS lost
    FROM metered_calls c LEFT JOIN ledger_entries e ON e.call_id = c.id AND e.kind = 'loss'
    GROUP BY c.id
    HAVING coalesce(sum(e.amount), 0) <> c.amount - c.charged OR count(e.id) > 1`,

  'each posting and each loss belongs to a metered call': `
    SELECT e.id, e.kind, e.call_id AS "callId" FROM ledger_entries e
    WHERE e.call_id IS NOT NULL AND NOT EXISTS (SELECT FROM metered_calls c WHERE c.id = e.call_id)`,

  'no call of a turn is charged twice': `
    SELECT run_id AS "runId", turn, call, count(*) AS charges FROM metered_calls
    WHERE outcome = 'charged' AND run_id IS NOT NULL GROUP BY run_id, turn, call HAVING count(*) > 1`,

  'each call costs what its price version says': `
    SELECT c.id AS "callId", c.amount, ceil(
        (c.input_tokens::numeric * p.input_per_mtok + c.cached_input_tokens::numeric * p.cached_input_per_mtok
          + c.cache_write_tokens::numeric * p.cache_write_per_mtok + c.output_tokens::numeric * p.output_per_mtok
          + c.reasoning_tokens::numeric * p.reasoning_per_mtok + p.per_call::numeric * 1000000)
        * c.rate_ppm / 1000000000000) AS cost, c.price_version_id AS "priceVersionId"
    FROM metered_calls c LEFT JOIN price_versions p ON p.id = c.price_version_id
    WHERE p.id IS NULL OR c.amount <> ceil(
        (c.input_tokens::numeric * p.input_per_mtok + c.cached_input_tokens::numeric * p.cached_input_per_mtok
          + c.cache_write_tokens::numeric * p.cache_write_per_mtok + c.output_tokens::numeric * p.output_per_mtok
          + c.reasoning_tokens::numeric * p.reasoning_per_mtok + p.per_call::numeric * 1000000)
        * c.rate_ppm / 1000000000000)`,

  'no call used a negative number of tokens': `
    SELECT id AS "callId", input_tokens AS "inputTokens", cached_input_tokens AS "cachedInputTokens",
      cache_write_tokens AS "cacheWriteTokens", output_tokens AS "outputTokens", reasoning_tokens AS "reasoningTokens"
    FROM metered_calls
    WHERE least(input_tokens, cached_input_tokens, cache_write_tokens, output_tokens, reasoning_tokens) < 0`,

  'what was put into a hold came out of it when it was resolved': `
    SELECT e.hold_id AS "holdId", e.run_id AS "runId", e.turn, coalesce(h.amount, 0) AS pending, sum(e.held_moved) AS left
    FROM (${MOVES}) AS e
    LEFT JOIN holds h ON h.run_id = e.run_id AND h.turn = e.turn AND h.id = e.hold_id AND h.status = 'pending'
    WHERE e.hold_id IS NOT NULL GROUP BY e.hold_id, e.run_id, e.turn, h.amount
    HAVING sum(e.held_moved) <> coalesce(h.amount, 0)`,

  'what the holds of a turn gave back is in the entries': `
    SELECT h.run_id AS "runId", h.turn, h.released, coalesce(e.released, 0) AS entered
    FROM holds h LEFT JOIN (
      SELECT run_id, turn, sum(amount) AS released FROM ledger_entries WHERE kind = 'release' GROUP BY run_id, turn
    ) AS e ON e.run_id = h.run_id AND e.turn = h.turn
    WHERE h.released <> coalesce(e.released, 0)`,

  'what a user has held is the sum of the pending holds': `
    SELECT a.user_id AS "userId", a.held, coalesce(h.pending, 0) AS pending
    FROM accounts a
    LEFT JOIN (SELECT user_id, sum(amount) AS pending FROM holds WHERE status = 'pending' GROUP BY user_id) AS h
      ON h.user_id = a.user_id
    WHERE a.held <> coalesce(h.pending, 0)`,
}

const MONTHS_HOLD_WHAT_IS_PENDING = `
  SELECT m.key_id AS "keyId", m.month, m.held, coalesce(h.pending, 0) AS pending FROM api_key_months m
  LEFT JOIN (
    SELECT key_id, date_trunc('month', created_at AT TIME ZONE 'UTC')::date AS month, sum(amount) AS pending
    FROM holds WHERE status = 'pending' AND key_id IS NOT NULL GROUP BY 1, 2
  ) AS h ON h.key_id = m.key_id AND h.month = m.month
  WHERE m.held <> coalesce(h.pending, 0)`

/** Titles and summaries have no turn; what one of them held whose process died is given back after half an hour. */
const HOLDS_HAVE_CLAIMS = `
  SELECT h.id AS "holdId", h.run_id AS "runId", h.turn, t.status FROM holds h
  LEFT JOIN turns t ON t.run_id = h.run_id AND t.index = h.turn
  WHERE h.status = 'pending' AND NOT (h.turn < 0 AND h.created_at > now() - interval '1 hour') AND (t.status = 'running' AND t.claim_token::text = h.claim_token::text) IS NOT TRUE`

const FIGURES = `
  SELECT (SELECT count(*) FROM accounts) AS accounts,
    (SELECT count(*) FROM ledger_entries) AS entries,
    (SELECT count(*) FROM metered_calls WHERE outcome = 'charged') AS "chargedCalls",
    (SELECT count(*) FROM metered_calls WHERE outcome = 'lost') AS "lostCalls",
    (SELECT count(*) FROM holds WHERE status = 'pending') AS "pendingHolds",
    (SELECT coalesce(sum(available), 0) FROM accounts) AS available,
    (SELECT coalesce(sum(held), 0) FROM accounts) AS held,
    coalesce(sum(amount) FILTER (WHERE credit_account = 'grants'), 0)
      - coalesce(sum(amount) FILTER (WHERE debit_account = 'grants'), 0) AS grants,
    coalesce(sum(amount) FILTER (WHERE credit_account = 'revenue'), 0)
      - coalesce(sum(amount) FILTER (WHERE debit_account = 'revenue'), 0) AS revenue,
    coalesce(sum(amount) FILTER (WHERE credit_account = 'losses'), 0)
      - coalesce(sum(amount) FILTER (WHERE debit_account = 'losses'), 0) AS losses
  FROM ledger_entries`

/**
 * Recomputes the whole ledger from its entries, on one snapshot, while others may go on working.
 *
 * The users' balances come from the accounts and the platform's from the entries, so that their sum is zero only if both
 * tell the same story.
 */
export function verifyLedger(db: Database): Promise<LedgerAudit> {
  return db.transaction(async (tx) => {
    await tx.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY')
    // An audit reads everything, which may take longer than any request may.
    await tx.query('SET LOCAL statement_timeout = 0')
    const [found] = await rows<Record<string, string>>(tx, FIGURES)
    const differences: LedgerDifference[] = []
    for (const [rule, sql] of Object.entries(RULES)) differences.push(await check(tx, rule, sql))
    const [tables] = await rows<{ turns: boolean; months: boolean }>(
      tx,
      `SELECT to_regclass('turns') IS NOT NULL AS turns, to_regclass('api_key_months') IS NOT NULL AS months`,
    )
    if (tables?.turns) differences.push(await check(tx, 'no hold outlives the claim of its turn', HOLDS_HAVE_CLAIMS))
    if (tables?.months) {
      const rule = 'what the month of an API key has held is the sum of its pending holds'
      differences.push(await check(tx, rule, MONTHS_HOLD_WHAT_IS_PENDING))
    }

    const figures = found ?? {}
    const money = ['available', 'held', 'grants', 'revenue', 'losses'] as const
    const sum = money.reduce((total, name) => total + BigInt(figures[name] ?? 0), 0n)
    if (sum !== 0n) {
      differences.push({ rule: 'all accounts sum to zero', count: 1, examples: [{ sum: formatCredits(sum) }] })
    }
    const credits = Object.fromEntries(money.map((name) => [name, formatCredits(BigInt(figures[name] ?? 0))]))
    return {
      figures: { ...figures, ...credits, sum: formatCredits(sum) },
      differences: differences.filter(({ count }) => count > 0),
    }
  })
}

async function check(tx: Tx, rule: string, sql: string): Promise<LedgerDifference> {
  const broken = await rows<Record<string, unknown>>(
    tx,
    `SELECT *, count(*) OVER ()::integer AS differences FROM (${sql}) AS broken LIMIT ${EXAMPLES}`,
  )
  const examples = broken.map(({ differences: _, ...example }) => example)
  return { rule, count: Number(broken[0]?.differences ?? 0), examples }
}
