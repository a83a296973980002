import { EntitySchema } from 'typeorm'
import { openTurnStatuses, type StopReason, type TurnStatus, turnStatuses } from '../contract/views.ts'
import type { Purpose } from '../credits/metered-call.ts'
import { boolean, createdAt, integer, jsonb, text, timestamp, uuid } from '../database/columns.ts'
import { wordList } from '../database/query.ts'
import { LANES, type Lane } from '../queue/job.ts'
import type { TurnKind } from '../rounds/strategy.ts'

/**
 * On which terms the current attempt calls its model, stored with its hold. By it, whoever settles the attempt after its
 * worker is gone can price the live text. `ratePpm` is decimal text: JSON has no bigint.
 */
export interface TurnQuote {
  /** The number and purpose of the call under way. */
  call: number
  purpose: Purpose
  connectionId: string
  provider: string
  model: string
  priceVersionId: string
  ratePpm: string
  /** Estimated tokens of the prompt. */
  inputTokens: number
  /** UTF-16 units at the beginning of the turn's live text that earlier steps have said and paid. */
  said?: number
  /** Micro-credits that are held for it, as decimal text. What an older version noted has none of these three. */
  held?: string
  /** Tokens a second that the model may think unseen; 0 where it shows all. */
  hiddenTokensPerSecond?: number
  /** When it was asked, in milliseconds since 1970, by its worker's clock. */
  askedAt?: number
}

/**
 * One agent's speech in a run. While it is running, `claimToken` names the attempt that may write its result and
 * `leaseUntil` when another may take over. `failures` counts tries that the provider spoiled; `attempt` counts all.
 * `dispatch` makes the id of its job: raised whenever a job of the old id might still be held by a hung processor.
 */
export class Turn {
  declare runId: string
  declare index: number
  declare userId: string
  declare agentId: string | null
  /** Whose places it takes; with the connections and models, set when it is written and looked up again when it is claimed. */
  declare lane: Lane
  declare connectionId: string | null
  declare model: string | null
  declare fallbackId: string | null
  declare fallbackModel: string | null
  /** True when its agent's second connection answers. */
  declare onFallback: boolean
  /** Turns of one step are siblings: they run at once and do not hear each other. */
  declare step: number
  declare kind: TurnKind
  declare status: TurnStatus
  declare attempt: number
  declare failures: number
  declare claimToken: string | null
  declare leaseUntil: Date | null
  declare dueAt: Date
  declare dispatch: number
  declare dispatchedAt: Date | null
  /** The last `seq` of the conversation that the speaker had read. */
  declare seenSeq: number | null
  declare passed: boolean
  /** How often it waited for people to decide on calls of tools. */
  declare waits: number
  declare messageId: string | null
  declare promptVersion: string | null
  declare quote: TurnQuote | null
  /** What cut the turn short; it ends the run too. */
  declare endedBy: StopReason | null
  /** Why its supervisor did not choose its speaker; null where it did, or there is none. */
  declare notice: string | null
  declare errorCode: string | null
  declare errorMessage: string | null
  declare createdAt: Date
  declare startedAt: Date | null
  declare finishedAt: Date | null
}

export const turnEntity = new EntitySchema<Turn>({
  name: 'Turn',
  target: Turn,
  tableName: 'turns',
  columns: {
    runId: uuid({ primary: true, primaryKeyConstraintName: 'turns_pk' }),
    index: integer({ primary: true, primaryKeyConstraintName: 'turns_pk' }),
    userId: uuid(),
    agentId: uuid({ nullable: true }),
    lane: text({ default: 'platform' }),
    connectionId: uuid({ nullable: true }),
    model: text({ nullable: true }),
    fallbackId: uuid({ nullable: true }),
    fallbackModel: text({ nullable: true }),
    onFallback: boolean({ default: false }),
    step: integer({ default: 0 }),
    kind: text({ default: 'speak' }),
    status: text(),
    attempt: integer({ default: 0 }),
    failures: integer({ default: 0 }),
    claimToken: uuid({ nullable: true }),
    leaseUntil: timestamp({ nullable: true }),
    dueAt: timestamp({ default: () => 'now()' }),
    dispatch: integer({ default: 0 }),
    dispatchedAt: timestamp({ nullable: true }),
    seenSeq: integer({ nullable: true }),
    passed: boolean({ default: false }),
    waits: integer({ default: 0 }),
    messageId: uuid({ nullable: true }),
    promptVersion: text({ nullable: true }),
    quote: jsonb({ nullable: true }),
    endedBy: text({ nullable: true }),
    notice: text({ nullable: true }),
    errorCode: text({ nullable: true }),
    errorMessage: text({ nullable: true }),
    createdAt: createdAt(),
    startedAt: timestamp({ nullable: true }),
    finishedAt: timestamp({ nullable: true }),
  },
  indices: [
    {
      name: 'turns_admission',
      columns: ['userId', 'lane', 'createdAt'],
      where: `status IN ${wordList(openTurnStatuses)}`,
    },
    {
      name: 'turns_places',
      columns: ['lane', 'userId'],
      where: `dispatched_at IS NOT NULL AND status IN ${wordList(openTurnStatuses)}`,
    },
    { name: 'turns_leases', columns: ['leaseUntil'], where: `status = 'running'` },
  ],
  checks: [
    { name: 'turns_status_known', expression: `status IN ${wordList(turnStatuses)}` },
    { name: 'turns_lane_known', expression: `lane IN ${wordList(LANES)}` },
    { name: 'turns_kind_known', expression: `kind IN ('speak', 'moderate', 'wrap_up')` },
    {
      name: 'turns_claimed_while_running',
      expression: `(status = 'running') = (claim_token IS NOT NULL AND lease_until IS NOT NULL)`,
    },
  ],
  foreignKeys: [
    { name: 'turns_run_fk', target: 'Run', columnNames: ['runId'], referencedColumnNames: ['id'], onDelete: 'CASCADE' },
  ],
})
