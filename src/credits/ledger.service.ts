import type { Attempt, TurnName } from '../contract/attempt.ts'
import type { Tx } from '../database/transaction.ts'
import { AppError, notFound } from '../shared/errors.ts'
import { newId } from '../shared/ids.ts'
import { formatCredits } from '../shared/money.ts'
import type {
  Balance,
  CallContext,
  CallRow,
  ChargeArguments,
  Gift,
  HoldExtension,
  HoldRequest,
  LedgerRepository,
  Release,
  Settlement,
} from './ledger.repository.ts'
import type { MeteredCall } from './metered-call.ts'
import { costOf } from './pricing.ts'

/** What ends an attempt: its calls, and its hold, which is null when the attempt never got to take one. */
export interface SettleRequest extends Attempt {
  holdId: string | null
  userId: string
  conversationId: string
  calls: MeteredCall[]
}

/** Calls that no hold covers. `key` names the operation; with a run and turn, `call` must be unique in that turn. */
export interface ChargeRequest extends Partial<Attempt> {
  key: string
  userId: string
  conversationId: string | null
  calls: MeteredCall[]
}

/** Calls of an attempt that came to nothing. */
export interface LossRequest extends Attempt {
  userId: string
  conversationId: string
  calls: MeteredCall[]
}

const NOTHING = { charged: 0n, released: 0n, lost: 0n }

/**
 * The ledger: what users own, hold and spend. Amounts are micro-credits. Operations join the caller's transaction
 * (`tx`), so that money moves exactly when the turn does.
 *
 * In one transaction resolve or extend holds before anything else touches the same account: the lock order is hold,
 * account.
 */
export class LedgerService {
  readonly #ledger: LedgerRepository

  constructor(ledger: LedgerRepository) {
    this.#ledger = ledger
  }

  /** Opens a new user's account with a first grant (0n for none). Repeating it changes nothing. */
  async openAccount(userId: string, grant: bigint, tx: Tx): Promise<void> {
    await this.#ledger.openAccount(userId, tx)
    if (grant === 0n) return
    await this.give({ userId, kind: 'grant', amount: grant, key: `open:${userId}`, description: 'Welcome credits' }, tx)
  }

  /**
   * Adds credits (a negative adjustment takes them), once per `key`; `repeated` tells that it was done before.
   * @throws AppError 404 for a user without an account; 409 `credits.insufficient` for a correction beyond `available`
   */
  async give(
    gift: Omit<Gift, 'id' | 'createdBy'> & { createdBy?: string },
    tx: Tx,
  ): Promise<{ id: string; repeated: boolean }> {
    if (gift.amount === 0n || (gift.amount < 0n && gift.kind !== 'adjustment')) {
      throw new RangeError(`A ${gift.kind} of ${gift.amount} is not possible.`)
    }
    const id = newId()
    const outcome = await this.#ledger.give({ ...gift, id, createdBy: gift.createdBy ?? null }, tx)
    if (outcome === 'no_account') throw notFound('user')
    if (outcome === 'insufficient') {
      throw new AppError('credits.insufficient/account')
    }
    return { id, repeated: outcome === 'repeated' }
  }

  /** Takes back what is available, `most` at the most, once per `key`; answers how much. What is held goes on. */
  async takeBack(userId: string, most: bigint, key: string, description: string, tx: Tx): Promise<bigint> {
    // The lock comes first: else a hold could be taken between looking and taking.
    await this.#ledger.lockAccount(userId, tx)
    const { available } = await this.balance(userId, tx)
    const amount = available < most ? available : most
    if (amount <= 0n) return 0n
    await this.give({ userId, kind: 'adjustment', amount: -amount, key, description }, tx)
    return amount
  }

  /** Balances; zeros for a user without an account. */
  async balance(userId: string, tx?: Tx): Promise<Balance> {
    return (await this.#ledger.balance(userId, tx)) ?? { available: 0n, held: 0n, granted: 0n, spent: 0n }
  }

  /**
   * Before a request is accepted, for a balance that was read already; null is no account. Also where nothing is required,
   * something must be there; and in what the month of an API key has left, where it has a budget.
   * @throws AppError 402 `credits.insufficient` with both amounts in `details`
   */
  requireAvailable(available: bigint | null, required: bigint, budgetLeft: bigint | null = null): void {
    const least = required > 0n ? required : 1n
    if ((available ?? 0n) < least) {
      const amounts = amountsOf(available ?? 0n, least)
      throw new AppError('credits.insufficient', { words: amounts, details: amounts })
    }
    if (budgetLeft !== null && budgetLeft < least) {
      const amounts = amountsOf(budgetLeft, least)
      throw new AppError('credits.insufficient/key', { words: amounts, details: amounts })
    }
  }

  /**
   * Reserves credits for an attempt at a turn; `held: false` when `available` does not reach. The same claim asking again
   * is given the hold that it has.
   *
   * The transaction commits without waiting for the disk, so let nothing else in it need to outlive a crash of the database.
   * A hold that such a crash forgot is settled from `available`; with its `holdId` it can be taken anew.
   * @throws AppError 409 `credits.hold_pending` while another claim's hold on the turn is unresolved
   */
  async placeHold(
    { holdId = newId(), ...hold }: HoldRequest & { holdId?: string },
    tx: Tx,
  ): Promise<{ held: true; holdId: string } | { held: false }> {
    requirePositive(hold.amount, 0n)
    const result = await this.#ledger.placeHold({ holdId, entryId: newId() }, hold, tx)
    if (result.outcome === 'held') return { held: true, holdId: result.holdId }
    if (result.outcome === 'credits_exhausted') return { held: false }
    throw new AppError('credits.hold_pending')
  }

  /** Raises a pending hold by `amount`, once per `key`. Commits as `placeHold` does. */
  extendHold(extension: HoldExtension, tx: Tx): Promise<'held' | 'credits_exhausted' | 'resolved'> {
    requirePositive(extension.amount, 1n)
    return this.#ledger.extendHold(newId(), extension, tx)
  }

  /**
   * Pays an attempt's calls and resolves its hold. What the hold does not cover is taken from `available`, the rest is the
   * platform's loss; what is left of the hold is released. Each call is one posting, of zero where it costs nothing.
   * @throws AppError 409 `credits.hold_resolved` when the hold was resolved before: the caller must roll back
   */
  async settleHold(request: SettleRequest, tx: Tx): Promise<Settlement> {
    if (!request.holdId && request.calls.length === 0) return this.#unchanged(request.userId, tx)
    const settled = await this.#ledger.charge(request, this.chargeArguments(request), tx)
    if (settled) return settled
    if (request.holdId) throw new AppError('credits.hold_resolved')
    throw noAccount(request.userId)
  }

  /**
   * The same as arguments, for the engine's settlement, which pays and writes the turn in one statement. A call of a turn is
   * charged once, whichever attempt made it.
   */
  chargeArguments({ holdId, calls, ...context }: SettleRequest): ChargeArguments {
    const rows = calls.map((call) => callRow(call, context, turnKey(context, call.call)))
    const key = holdId ?? turnKey(context, calls[0]?.call ?? 0)
    return charge(rows, `settle:${key}`, holdId)
  }

  /** The calls of an attempt that came to nothing, as JSON for the same statement. */
  lossArguments(request: LossRequest): string {
    return JSON.stringify(lossRows(request))
  }

  /** Gives back the pending hold of a turn, if there is one: for whoever takes the turn's claim over or ends it. */
  voidHold(turn: TurnName, tx: Tx): Promise<Release | undefined> {
    return this.#ledger.voidHold(turn, newId(), tx)
  }

  /**
   * Pays calls that have no hold (titles, summaries, a supervisor's decision) from `available`, the rest at the platform's
   * loss; once per `key`.
   */
  async chargeCalls(request: ChargeRequest, tx: Tx): Promise<Settlement> {
    const { key, calls, userId, conversationId, runId = null, turn = null, attempt = null } = request
    const [first] = calls
    if (!first) return this.#unchanged(userId, tx)
    const context = { userId, conversationId, runId, turn, attempt }
    const keyOf = (call: MeteredCall) =>
      runId !== null && turn !== null ? turnKey({ runId, turn }, call.call) : `${key}:${call.call}`
    // The lock comes first, so that a repetition sees what the first one wrote.
    await this.#ledger.lockAccount(userId, tx)
    if (await this.#ledger.isKnown(`post:${keyOf(first)}`, tx)) return this.#unchanged(userId, tx)
    const rows = calls.map((call) => callRow(call, context, keyOf(call)))
    const settled = await this.#ledger.charge(context, charge(rows, `charge:${key}`), tx)
    if (!settled) throw noAccount(userId)
    return settled
  }

  /**
   * Records the calls of a failed, lost or superseded attempt at the platform's cost; answers what they cost. Repeating it
   * changes nothing.
   */
  recordLoss(request: LossRequest, tx: Tx): Promise<bigint> {
    if (request.calls.length === 0) return Promise.resolve(0n)
    return this.#ledger.recordLoss(lossRows(request), tx)
  }

  /** Locks a turn's pending hold and answers its id, for whoever settles in the place of a worker that is gone. */
  pendingHold(turn: TurnName, tx: Tx): Promise<string | null> {
    return this.#ledger.pendingHold(turn, tx)
  }

  /** What a run has spent and holds at this moment, for its own limit. */
  committedOf(runId: string, tx?: Tx): Promise<bigint> {
    return this.#ledger.committedOf(runId, tx)
  }

  /** What a run has been charged so far. */
  spentOf(runId: string, tx: Tx): Promise<bigint> {
    return this.#ledger.spentOf(runId, tx)
  }

  async #unchanged(userId: string, tx: Tx): Promise<Settlement> {
    const { available, held } = await this.balance(userId, tx)
    return { ...NOTHING, available, held }
  }
}

const noAccount = (userId: string): Error => new Error(`User ${userId} has no account.`)

const charge = (calls: CallRow[], extendKey: string, holdId: string | null = null): ChargeArguments => ({
  holdId,
  calls: JSON.stringify(calls),
  extendId: newId(),
  extendKey,
  releaseId: newId(),
})

/** A call of a turn is charged once, whichever attempt made it. */
const turnKey = ({ runId, turn }: TurnName, call: number): string => `${runId}:${turn}:${call}`

const lossRows = ({ calls, ...context }: LossRequest): CallRow[] => {
  const { runId, turn, attempt } = context
  return calls.map((call) => callRow(call, context, `${runId}:${turn}:${attempt}:${call.call}:lost`))
}

function requirePositive(amount: bigint, least: bigint): void {
  if (amount < least) throw new RangeError(`An amount of ${amount} cannot be held.`)
}

function callRow(call: MeteredCall, context: CallContext, key: string): CallRow {
  const { usage, price } = call
  return {
    id: newId(),
    user_id: context.userId,
    conversation_id: context.conversationId,
    run_id: context.runId,
    turn: context.turn,
    attempt: context.attempt,
    call: call.call,
    purpose: call.purpose,
    agent_id: call.agentId,
    agent_name: call.agentName ?? null,
    connection_id: call.connectionId,
    provider: call.provider,
    model: call.model,
    input_tokens: usage.inputTokens,
    cached_input_tokens: usage.cachedInputTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    output_tokens: usage.outputTokens,
    reasoning_tokens: usage.reasoningTokens,
    estimated: usage.estimated,
    price_version_id: price.id,
    rate_ppm: Number(call.ratePpm),
    amount: costOf(price, usage, call.ratePpm).toString(),
    loss_id: newId(),
    key,
    description: describe(call, context.turn),
  }
}

const PURPOSE_TITLES = {
  speak: 'speech',
  supervise: 'choice of the next speaker',
  moderate: 'moderation',
  title: 'title',
  summary: 'summary',
} as const

/** The readable part of a statement's line, such as `Ada: speech, turn 2, openai/gpt-5`. */
function describe(call: MeteredCall, turn: number | null): string {
  const who = call.agentName ? `${call.agentName}: ` : ''
  const where = turn === null ? '' : `, turn ${turn}`
  return `${who}${PURPOSE_TITLES[call.purpose]}${where}, ${call.provider}/${call.model}`
}

const amountsOf = (available: bigint, required: bigint) => ({
  available: formatCredits(available),
  required: formatCredits(required),
})
