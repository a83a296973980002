import type { DataSource } from 'typeorm'
import type { Attempt, TurnName } from '../contract/attempt.ts'
import { lockOwner } from '../database/advisory-lock.ts'
import { prepared } from '../database/prepared-statement.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { EntryKind } from './ledger.entity.ts'

/** Balances in micro-credits. */
export interface Balance {
  available: bigint
  held: bigint
  granted: bigint
  spent: bigint
}

/** A hold to be taken: `claimToken` is the turn's, so that a repetition by the same claim finds its hold again. */
export interface HoldRequest extends Attempt {
  userId: string
  claimToken: string
  amount: bigint
}

/** A raise of a turn's pending hold; `key` makes it happen once. */
export interface HoldExtension {
  runId: string
  turn: number
  holdId: string
  amount: bigint
  key: string
}

/** What a settlement did; `available` and `held` are the balances after it. */
export interface Settlement {
  /** Paid by the user. */
  charged: bigint
  /** Given back from the hold. */
  released: bigint
  /** Neither hold nor balance covered it: the platform's loss. */
  lost: bigint
  available: bigint
  held: bigint
}

/** What gave a hold back; the balances are those after it. */
export type Release = Pick<Settlement, 'released' | 'available' | 'held'>

/** Where calls belong; run, turn and attempt are null for calls outside a turn. */
export interface CallContext {
  userId: string
  conversationId: string | null
  runId: string | null
  turn: number | null
  attempt: number | null
}

/**
 * A metered call as `ledger_charge` and `ledger_lose` take it: the columns of `metered_calls`, and what its entries need. The
 * amount is a decimal string because it travels as JSON.
 */
export interface CallRow {
  id: string
  user_id: string
  conversation_id: string | null
  run_id: string | null
  turn: number | null
  attempt: number | null
  call: number
  purpose: string
  agent_id: string | null
  agent_name: string | null
  connection_id: string | null
  provider: string
  model: string
  input_tokens: number
  cached_input_tokens: number
  cache_write_tokens: number
  output_tokens: number
  reasoning_tokens: number
  estimated: boolean
  price_version_id: string
  rate_ppm: number
  amount: string
  loss_id: string
  key: string
  description: string
}

/** What `ledger_charge` takes: the hold, the calls as JSON of `CallRow`s, and ids of entries that it may need besides postings. */
export interface ChargeArguments {
  holdId: string | null
  calls: string
  extendId: string
  extendKey: string
  releaseId: string
}

/** Credits for (or, negative, from) a user's available balance. */
export interface Gift {
  id: string
  userId: string
  kind: Extract<EntryKind, 'grant' | 'adjustment' | 'refund'>
  amount: bigint
  key: string
  description: string
  createdBy: string | null
}

type Texts<T> = Record<keyof T, string>
/** The driver gives bigints as texts; all of them are null where there was nothing to do. */
type Answer<T> = Texts<T> | Record<keyof T, null>
interface Outcome<Word> {
  outcome: Word
}

/** A settlement as the driver gives it. */
export type SettlementRow = Texts<Settlement>
export const settlementOf = (row: SettlementRow): Settlement => ({
  charged: BigInt(row.charged),
  released: BigInt(row.released),
  lost: BigInt(row.lost),
  available: BigInt(row.available),
  held: BigInt(row.held),
})

/** Calls of the functions of `ledger.sql`. */
const GIVE = prepared<Outcome<'given' | 'repeated' | 'insufficient' | 'no_account'>>(
  'ledger_give',
  `SELECT ledger_give(p_entry => $1, p_user => $2, p_kind => $3, p_amount => $4, p_key => $5, p_description => $6,
     p_created_by => $7) AS outcome`,
)
const HOLD = prepared<Outcome<'held' | 'repeated' | 'credits_exhausted' | 'other'>>(
  'ledger_hold',
  `SELECT ledger_hold(p_hold => $1, p_entry => $2, p_user => $3, p_run => $4, p_turn => $5, p_attempt => $6,
     p_claim_token => $7, p_amount => $8) AS outcome`,
)
const EXTEND = prepared<Outcome<'held' | 'credits_exhausted' | 'resolved'>>(
  'ledger_extend',
  `SELECT ledger_extend(p_entry => $1, p_run => $2, p_turn => $3, p_hold => $4, p_amount => $5, p_key => $6) AS outcome`,
)
const VOID = prepared<Answer<Release>>(
  'ledger_void',
  'SELECT released, available, held FROM ledger_void(p_run => $1, p_turn => $2, p_entry => $3)',
)
const CHARGE = prepared<Answer<Settlement>>(
  'ledger_charge',
  `SELECT charged, released, lost, available, held FROM ledger_charge(p_user => $1, p_hold => $2, p_run => $3, p_turn => $4,
     p_attempt => $5, p_calls => $6, p_extend_entry => $7, p_extend_key => $8, p_release_entry => $9)`,
)
const LOSE = prepared<{ lost: string }>('ledger_lose', 'SELECT ledger_lose(p_calls => $1) AS lost')

/** The ledger's operations, each one round trip. What they do, with an example of each, is in `ledger.sql`. */
export class LedgerRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async openAccount(userId: string, tx: Tx): Promise<void> {
    await tx.query('INSERT INTO accounts (user_id) VALUES ($1) ON CONFLICT DO NOTHING', [userId])
  }

  async balance(userId: string, tx: Tx = this.#db.manager): Promise<Balance | undefined> {
    const sql = 'SELECT available, held, granted, spent FROM accounts WHERE user_id = $1'
    const [row] = await rows<Texts<Balance>>(tx, sql, [userId])
    if (!row) return undefined
    const { available, held, granted, spent } = row
    return { available: BigInt(available), held: BigInt(held), granted: BigInt(granted), spent: BigInt(spent) }
  }

  /** Moves credits between the platform and `available`, once per key. */
  async give(gift: Gift, tx: Tx): Promise<'given' | 'repeated' | 'insufficient' | 'no_account'> {
    const { id, userId, kind, amount, key, description, createdBy } = gift
    const [row] = await GIVE([id, userId, kind, amount, key, description, createdBy], tx)
    return row?.outcome ?? 'no_account'
  }

  /** A turn has one pending hold: the same claim is given the one it has, `other` says that it is another claim's. */
  async placeHold(
    ids: { holdId: string; entryId: string },
    hold: HoldRequest,
    tx: Tx,
  ): Promise<{ outcome: 'held'; holdId: string } | { outcome: 'credits_exhausted' | 'other' }> {
    const { userId, runId, turn, attempt, claimToken, amount } = hold
    const [row] = await HOLD([ids.holdId, ids.entryId, userId, runId, turn, attempt, claimToken, amount], tx)
    const outcome = row?.outcome ?? 'credits_exhausted'
    if (outcome === 'held') return { outcome, holdId: ids.holdId }
    if (outcome !== 'repeated') return { outcome }
    const holdId = await this.pendingHold(hold, tx)
    return holdId ? { outcome: 'held', holdId } : { outcome: 'other' }
  }

  /** Raises a pending hold, once per key. */
  async extendHold(
    entryId: string,
    { runId, turn, holdId, amount, key }: HoldExtension,
    tx: Tx,
  ): Promise<'held' | 'credits_exhausted' | 'resolved'> {
    const [row] = await EXTEND([entryId, runId, turn, holdId, amount, key], tx)
    return row?.outcome ?? 'resolved'
  }

  /** Gives a turn's pending hold back whole; `undefined` when there is none. */
  async voidHold({ runId, turn }: TurnName, entryId: string, tx: Tx): Promise<Release | undefined> {
    const [row] = await VOID([runId, turn, entryId], tx)
    if (!row || row.released === null) return undefined
    return { released: BigInt(row.released), available: BigInt(row.available), held: BigInt(row.held) }
  }

  /**
   * Pays calls from the hold, then from `available`, then from the platform's losses, and resolves the hold. `undefined`
   * when the hold is resolved already or there is no account.
   */
  async charge(
    { userId, runId, turn, attempt }: CallContext,
    { holdId, calls, extendId, extendKey, releaseId }: ChargeArguments,
    tx: Tx,
  ): Promise<Settlement | undefined> {
    const [row] = await CHARGE([userId, holdId, runId, turn, attempt, calls, extendId, extendKey, releaseId], tx)
    return row && row.charged !== null ? settlementOf(row) : undefined
  }

  /** Records calls at the platform's cost and answers what they cost; those recorded before are left out. */
  async recordLoss(calls: CallRow[], tx: Tx): Promise<bigint> {
    const [row] = await LOSE([JSON.stringify(calls)], tx)
    return BigInt(row?.lost ?? 0)
  }

  /** The id of a turn's pending hold, which is then locked. */
  async pendingHold({ runId, turn }: TurnName, tx: Tx): Promise<string | null> {
    const sql = `SELECT id FROM holds WHERE run_id = $1 AND turn = $2 AND status = 'pending' FOR UPDATE`
    const [row] = await rows<{ id: string }>(tx, sql, [runId, turn])
    return row?.id ?? null
  }

  /** Some pending holds of calls of no turn that are older than this. */
  staleChoreHolds(olderThanMs: number): Promise<TurnName[]> {
    const sql = `SELECT run_id AS "runId", turn FROM holds WHERE status = 'pending' AND turn < 0
      AND created_at < now() - $1 * interval '1 millisecond' ORDER BY created_at LIMIT 100`
    return rows<TurnName>(this.#db.manager, sql, [olderThanMs])
  }

  /** What a run has been charged and what its pending holds reserve. */
  async committedOf(runId: string, tx: Tx = this.#db.manager): Promise<bigint> {
    const [row] = await rows<{ committed: string }>(tx, 'SELECT run_committed($1) AS committed', [runId])
    return BigInt(row?.committed ?? 0)
  }

  /** What a run has been charged. */
  async spentOf(runId: string, tx: Tx): Promise<bigint> {
    const sql = `SELECT coalesce(sum(charged), 0) AS spent FROM metered_calls WHERE run_id = $1 AND outcome = 'charged'`
    const [row] = await rows<{ spent: string }>(tx, sql, [runId])
    return BigInt(row?.spent ?? 0)
  }

  /** Makes every other operation on this account wait until the transaction ends: first in the account's queue. */
  lockAccount(userId: string, tx: Tx): Promise<void> {
    return lockOwner('account', userId, tx)
  }

  async isKnown(key: string, tx: Tx): Promise<boolean> {
    return (await rows(tx, 'SELECT 1 FROM ledger_entries WHERE key = $1', [key])).length > 0
  }
}
