import type { DataSource } from 'typeorm'
import type { UsageGroup } from '../contract/credits.schemas.ts'
import { rows } from '../database/query.ts'
import type { EntryKind } from './ledger.entity.ts'
import type { TokenUsage } from './usage.ts'

/** Kinds that change what the user owns; the others move credits between `available` and `held`. */
export const STATEMENT_KINDS = ['grant', 'adjustment', 'refund', 'post'] as const satisfies EntryKind[]
export type StatementKind = (typeof STATEMENT_KINDS)[number]

/** What of a statement is asked for; `from` is included, `to` is not. */
export interface StatementFilter {
  kinds?: StatementKind[]
  runId?: string
  conversationId?: string
  from?: Date
  to?: Date
}

/** A line of a user's statement: something that changed what the user owns (available and held together). */
export interface StatementLine {
  id: string
  kind: StatementKind
  /** Signed, micro-credits: the previous line's `balanceAfter` and this give this one's. */
  amount: bigint
  balanceAfter: bigint
  description: string | null
  runId: string | null
  turn: number | null
  createdAt: Date
  /** Of charges only. */
  charge: {
    conversationId: string | null
    call: number
    agentId: string | null
    agentName: string | null
    provider: string
    model: string
    usage: TokenUsage
    priceVersionId: string
    priceVersion: number | null
    ratePpm: bigint
  } | null
}

/** Charged calls of one day, model, agent or conversation. */
export interface UsageSum {
  key: string | null
  /** The agent's name as it was last. */
  name: string | null
  calls: number
  usage: TokenUsage
  /** Micro-credits. */
  credits: bigint
}

/** A call, or the part of one, that the platform paid. */
export interface LossLine {
  id: string
  userId: string
  conversationId: string | null
  runId: string | null
  turn: number | null
  attempt: number | null
  call: number
  /** `lost`: of an attempt that came to nothing; `charged`: the user's credits ran out during the call. */
  outcome: 'charged' | 'lost'
  provider: string
  model: string
  usage: TokenUsage
  /** Micro-credits. */
  amount: bigint
  createdAt: Date
}

interface UsageColumns {
  inputTokens: number
  cachedInputTokens: number
  cacheWriteTokens: number
  outputTokens: number
  reasoningTokens: number
  estimated: boolean
}

const USAGE = `input_tokens AS "inputTokens", cached_input_tokens AS "cachedInputTokens",
  cache_write_tokens AS "cacheWriteTokens", output_tokens AS "outputTokens", reasoning_tokens AS "reasoningTokens", estimated`

const GROUP_KEYS: Record<UsageGroup, string> = {
  day: `to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD')`,
  model: `provider || '/' || model`,
  agent: 'agent_id::text',
  conversation: 'conversation_id::text',
}

const usageOf = (row: UsageColumns): TokenUsage => ({
  inputTokens: Number(row.inputTokens),
  cachedInputTokens: Number(row.cachedInputTokens),
  cacheWriteTokens: Number(row.cacheWriteTokens),
  outputTokens: Number(row.outputTokens),
  reasoningTokens: Number(row.reasoningTokens),
  estimated: row.estimated,
})

/** What the ledger shows to people: statements, usage, losses. Reads only. */
export class StatementRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** A user's lines, newest first, before the line with the id `cursor`. */
  async list(userId: string, filter: StatementFilter, limit: number, cursor?: string): Promise<StatementLine[]> {
    const where = new Conditions(userId)
    where.add('e.user_id = $1')
    where.add('e.kind = ANY(?)', filter.kinds ?? STATEMENT_KINDS)
    if (cursor) {
      where.add('e.number < (SELECT number FROM ledger_entries WHERE user_id = $1 AND id = ?)', cursor)
    }
    // A posting has the id of its call, and a run's calls are found by an index.
    if (filter.runId) {
      where.add(`e.id IN (SELECT id FROM metered_calls WHERE run_id = ? AND outcome = 'charged')`, filter.runId)
    }
    if (filter.conversationId) {
      where.add(
        'e.id IN (SELECT id FROM metered_calls WHERE user_id = $1 AND conversation_id = ?)',
        filter.conversationId,
      )
    }
    if (filter.from) where.add('e.created_at >= ?', filter.from)
    if (filter.to) where.add('e.created_at < ?', filter.to)
    return this.#lines(where, limit)
  }

  /** The line of an operation by its key. */
  async findByKey(key: string): Promise<(StatementLine & { userId: string }) | undefined> {
    const where = new Conditions(key)
    where.add('e.key = $1')
    const [line] = await this.#lines(where, 1)
    return line
  }

  /** A line of this user's statement. */
  async find(userId: string, id: string): Promise<StatementLine | undefined> {
    const where = new Conditions(userId)
    where.add('e.user_id = $1')
    where.add('e.id = ?', id)
    const [line] = await this.#lines(where, 1)
    return line
  }

  async #lines(where: Conditions, limit: number): Promise<(StatementLine & { userId: string })[]> {
    const found = await rows<
      UsageColumns & {
        id: string
        userId: string
        kind: StatementKind
        amount: string
        balanceAfter: string
        description: string | null
        runId: string | null
        turn: number | null
        createdAt: Date
        callId: string | null
        conversationId: string | null
        call: number
        agentId: string | null
        agentName: string | null
        provider: string
        model: string
        priceVersionId: string
        priceVersion: number | null
        ratePpm: number
      }
    >(
      this.#db.manager,
      `SELECT e.id, e.user_id AS "userId", e.kind,
         CASE e.debit_account WHEN 'held' THEN -e.amount WHEN 'available' THEN -e.amount ELSE e.amount END AS amount,
         e.available_after + e.held_after AS "balanceAfter", e.description, e.run_id AS "runId", e.turn,
         e.created_at AS "createdAt", c.id AS "callId", c.conversation_id AS "conversationId", c.call,
         c.agent_id AS "agentId", c.agent_name AS "agentName", c.provider, c.model, ${USAGE},
         c.price_version_id AS "priceVersionId", p.version AS "priceVersion", c.rate_ppm AS "ratePpm"
       FROM ledger_entries e
       LEFT JOIN metered_calls c ON c.id = e.call_id
       LEFT JOIN price_versions p ON p.id = c.price_version_id
       WHERE ${where.sql} ORDER BY e.number DESC LIMIT ${limit}`,
      where.parameters,
    )
    return found.map((row) => ({
      id: row.id,
      userId: row.userId,
      kind: row.kind,
      amount: BigInt(row.amount),
      balanceAfter: BigInt(row.balanceAfter),
      description: row.description,
      runId: row.runId,
      turn: row.turn,
      createdAt: row.createdAt,
      charge: row.callId === null ? null : { ...row, usage: usageOf(row), ratePpm: BigInt(row.ratePpm) },
    }))
  }

  /** Charged calls of a user by day (UTC), model, agent or conversation; the dearest first, days in their order. */
  async usage(userId: string, by: UsageGroup, from: Date, to: Date, limit: number): Promise<UsageSum[]> {
    const found = await rows<
      UsageColumns & { key: string | null; name: string | null; calls: string; credits: string }
    >(
      this.#db.manager,
      `SELECT ${GROUP_KEYS[by]} AS key, ${by === 'agent' ? 'max(agent_name)' : 'NULL'} AS name, count(*) AS calls,
         sum(input_tokens) AS "inputTokens", sum(cached_input_tokens) AS "cachedInputTokens",
         sum(cache_write_tokens) AS "cacheWriteTokens", sum(output_tokens) AS "outputTokens",
         sum(reasoning_tokens) AS "reasoningTokens", bool_or(estimated) AS estimated, sum(charged) AS credits
       FROM metered_calls
       WHERE user_id = $1 AND outcome = 'charged' AND created_at >= $2 AND created_at < $3
       GROUP BY 1 ORDER BY ${by === 'day' ? '1' : 'sum(charged) DESC, 1'} LIMIT $4`,
      [userId, from, to, limit],
    )
    return found.map((row) => ({
      key: row.key,
      name: row.name,
      calls: Number(row.calls),
      usage: usageOf(row),
      credits: BigInt(row.credits),
    }))
  }

  /** What the platform paid, newest first, with the sum of all that the filter takes. */
  async losses(
    filter: { from?: Date; to?: Date },
    limit: number,
    cursor?: string,
  ): Promise<{ lines: LossLine[]; total: bigint }> {
    const { from = null, to = null } = filter
    const range = `charged < amount AND ($1::timestamptz IS NULL OR created_at >= $1) AND ($2::timestamptz IS NULL OR created_at < $2)`
    const found = await rows<UsageColumns & Omit<LossLine, 'usage' | 'amount'> & { amount: string }>(
      this.#db.manager,
      `SELECT id, user_id AS "userId", conversation_id AS "conversationId", run_id AS "runId", turn, attempt, call, outcome,
         provider, model, ${USAGE}, amount - charged AS amount, created_at AS "createdAt"
       FROM metered_calls WHERE ${range} AND ($3::uuid IS NULL OR id < $3) ORDER BY id DESC LIMIT $4`,
      [from, to, cursor ?? null, limit],
    )
    const [sum] = await rows<{ total: string }>(
      this.#db.manager,
      `SELECT coalesce(sum(amount - charged), 0) AS total FROM metered_calls WHERE ${range}`,
      [from, to],
    )
    const lines = found.map((row) => ({ ...row, usage: usageOf(row), amount: BigInt(row.amount) }))
    return { lines, total: BigInt(sum?.total ?? 0) }
  }
}

/** WHERE with numbered parameters; `?` stands for the value that is given along. */
class Conditions {
  readonly parameters: unknown[]
  readonly #conditions: string[] = []

  constructor(first: unknown) {
    this.parameters = [first]
  }

  add(condition: string, value?: unknown): void {
    if (condition.includes('?')) this.parameters.push(value)
    this.#conditions.push(condition.replace('?', `$${this.parameters.length}`))
  }

  get sql(): string {
    return this.#conditions.join(' AND ')
  }
}
