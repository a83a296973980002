import { EntitySchema } from 'typeorm'
import { bigintColumn, boolean, createdAt, id, integer, text, timestamp, uuid } from '../database/columns.ts'
import type { Purpose } from './metered-call.ts'

/** A user's balances, kept beside the entries and provably their sum: `available + held = granted - spent`. */
export class Account {
  declare userId: string
  declare available: bigint
  declare held: bigint
  /** Grants, adjustments and refunds so far. */
  declare granted: bigint
  declare spent: bigint
  /** Entries so far; the next one's number. The row's lock makes the numbers follow the order of commits. */
  declare entries: bigint
  declare createdAt: Date
}

/**
 * Clients read `charge` where the ledger says `post`: a posting is the ledger's word for the entry by which one call is charged.
 * Entries are never edited, so the word stays.
 */
export const ENTRY_KINDS = ['grant', 'adjustment', 'refund', 'hold', 'extend', 'post', 'release', 'loss'] as const
export type EntryKind = (typeof ENTRY_KINDS)[number]
/** `available` and `held` are the user's; the others the platform's, which have no balance row and are summed. */
export type AccountName = 'available' | 'held' | 'grants' | 'revenue' | 'losses'

/** One transfer: `amount` leaves the debit account and arrives at the credit account. Never edited nor deleted. */
export class LedgerEntry {
  declare id: string
  declare userId: string
  /** Counts this user's entries from 1 without gaps; null where no balance of the user moves (`loss`). */
  declare number: bigint | null
  declare kind: EntryKind
  declare debitAccount: AccountName
  declare creditAccount: AccountName
  declare amount: bigint
  declare availableAfter: bigint | null
  declare heldAfter: bigint | null
  /** Names the operation; a second one of the same name changes nothing. */
  declare key: string
  declare runId: string | null
  declare turn: number | null
  declare attempt: number | null
  /** The metered call that a `post` or `loss` pays for. A posting has the id of its call. */
  declare callId: string | null
  declare holdId: string | null
  declare description: string | null
  /** The admin who made a grant or an adjustment by hand. */
  declare createdBy: string | null
  declare createdAt: Date
}

/**
 * A turn's reservation, of the attempt that took it last; resolved once, by whoever ends or takes over the turn's claim. What
 * earlier attempts held is in the entries, under ids of their own.
 */
export class Hold {
  /** Another one with each attempt. */
  declare id: string
  declare userId: string
  declare runId: string
  declare turn: number
  declare attempt: number
  declare claimToken: string
  /** With all extensions so far. */
  declare amount: bigint
  /** What was given back of this turn's holds so far. */
  declare released: bigint
  declare status: 'pending' | 'posted' | 'voided'
  /** The API key in whose budget it counts, in the month of `createdAt`; null where it counts in none. */
  declare keyId: string | null
  declare createdAt: Date
  declare resolvedAt: Date | null
}

/** One provider request as it was metered and priced. */
export class MeteredCallRow {
  declare id: string
  declare userId: string
  declare conversationId: string | null
  declare runId: string | null
  declare turn: number | null
  declare attempt: number | null
  declare call: number
  declare purpose: Purpose
  declare agentId: string | null
  declare agentName: string | null
  declare connectionId: string | null
  declare provider: string
  declare model: string
  declare inputTokens: number
  declare cachedInputTokens: number
  declare cacheWriteTokens: number
  declare outputTokens: number
  declare reasoningTokens: number
  declare estimated: boolean
  declare priceVersionId: string
  declare ratePpm: number
  /** The price of the call. What `charged` leaves of it is the platform's loss. */
  declare amount: bigint
  /** What the user paid of it. */
  declare charged: bigint
  /** `lost`: of a failed or superseded attempt, wholly at the platform's cost. */
  declare outcome: 'charged' | 'lost'
  declare createdAt: Date
}

const nullable = { nullable: true }
const afterLock = () => timestamp({ default: () => 'clock_timestamp()' })

export const accountEntity = new EntitySchema<Account>({
  name: 'Account',
  target: Account,
  tableName: 'accounts',
  columns: {
    userId: id(),
    available: bigintColumn({ default: 0 }),
    held: bigintColumn({ default: 0 }),
    granted: bigintColumn({ default: 0 }),
    spent: bigintColumn({ default: 0 }),
    entries: bigintColumn({ default: 0 }),
    createdAt: createdAt(),
  },
  checks: [
    { name: 'accounts_available_not_negative', expression: 'available >= 0' },
    { name: 'accounts_held_not_negative', expression: 'held >= 0' },
    { name: 'accounts_add_up', expression: 'available + held = granted - spent' },
  ],
})

export const ledgerEntryEntity = new EntitySchema<LedgerEntry>({
  name: 'LedgerEntry',
  target: LedgerEntry,
  tableName: 'ledger_entries',
  columns: {
    id: id(),
    userId: uuid(),
    number: bigintColumn(nullable),
    kind: text(),
    debitAccount: text(),
    creditAccount: text(),
    amount: bigintColumn(),
    availableAfter: bigintColumn(nullable),
    heldAfter: bigintColumn(nullable),
    key: text({ collation: 'C' }),
    runId: uuid(nullable),
    turn: integer(nullable),
    attempt: integer(nullable),
    callId: uuid(nullable),
    holdId: uuid(nullable),
    description: text(nullable),
    createdBy: uuid(nullable),
    createdAt: afterLock(),
  },
  checks: [{ name: 'ledger_entries_amount_not_negative', expression: 'amount >= 0' }],
  indices: [
    { name: 'ledger_entries_key_unique', columns: ['key'], unique: true },
    { name: 'ledger_entries_number_unique', columns: ['userId', 'number'], unique: true },
  ],
})

export const holdEntity = new EntitySchema<Hold>({
  name: 'Hold',
  target: Hold,
  tableName: 'holds',
  columns: {
    id: uuid(),
    userId: uuid(),
    runId: uuid({ primary: true, primaryKeyConstraintName: 'holds_pk' }),
    turn: integer({ primary: true, primaryKeyConstraintName: 'holds_pk' }),
    attempt: integer(),
    claimToken: uuid(),
    amount: bigintColumn(),
    released: bigintColumn({ default: 0 }),
    status: text({ default: 'pending' }),
    createdAt: createdAt(),
    resolvedAt: timestamp(nullable),
    keyId: uuid(nullable),
  },
  indices: [{ name: 'holds_of_chores', columns: ['createdAt'], where: `status = 'pending' AND turn < 0` }],
})

export const meteredCallEntity = new EntitySchema<MeteredCallRow>({
  name: 'MeteredCall',
  target: MeteredCallRow,
  tableName: 'metered_calls',
  columns: {
    id: id(),
    userId: uuid(),
    conversationId: uuid(nullable),
    runId: uuid(nullable),
    turn: integer(nullable),
    attempt: integer(nullable),
    call: integer(),
    purpose: text(),
    agentId: uuid(nullable),
    agentName: text(nullable),
    connectionId: uuid(nullable),
    provider: text(),
    model: text(),
    inputTokens: integer(),
    cachedInputTokens: integer(),
    cacheWriteTokens: integer(),
    outputTokens: integer(),
    reasoningTokens: integer(),
    estimated: boolean(),
    priceVersionId: uuid(),
    ratePpm: integer(),
    amount: bigintColumn(),
    charged: bigintColumn(),
    outcome: text(),
    createdAt: afterLock(),
  },
  checks: [{ name: 'metered_calls_charged_within', expression: 'charged >= 0 AND charged <= amount' }],
  indices: [
    { name: 'metered_calls_attempt_unique', columns: ['runId', 'turn', 'attempt', 'call'], unique: true },
    { name: 'metered_calls_user', columns: ['userId', 'createdAt'] },
    { name: 'metered_calls_losses', columns: ['id'], where: 'charged < amount' },
    { name: 'metered_calls_losses_of_user', columns: ['userId', 'createdAt'], where: 'charged < amount' },
  ],
})
