import type { DataSource } from 'typeorm'
import type { TurnName } from '../contract/attempt.ts'
import type { ConversationView, RunView } from '../contract/views.ts'
import type { MessageStatus } from '../conversations/message.entity.ts'
import {
  type ChargeArguments,
  type Settlement,
  type SettlementRow,
  settlementOf,
} from '../credits/ledger.repository.ts'
import { fromJson } from '../database/json-row.ts'
import { prepared } from '../database/prepared-statement.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { Lane } from '../queue/job.ts'
import { newId } from '../shared/ids.ts'
import type { Following } from './following.ts'
import { presentRun, presentShown, type RunViewRow, type ShownConversationRow } from './run.presenter.ts'
import type { Turn, TurnQuote } from './turn.entity.ts'
import type { Dispatch } from './turn.repository.ts'
import type { TurnClaim } from './turn-claim.ts'
import type { TurnResult } from './turn-result.ts'
import { type RoomRow, type RoomTerms, roomOf, type TermsRow, type TurnRoom, termsOf } from './turn-room.ts'

/** How much a turn reads: tokens of transcript, and files. */
export interface RoomLimits {
  tokens: number
  files: number
}

export interface DispatchRow {
  run_id: string
  turn: number
  user_id: string
  lane: Lane
  dispatch: number
}

/** Turns that were let into the queue, as the functions answer them in JSON. */
export const dispatchesOf = (found: DispatchRow[] | null): Dispatch[] =>
  (found ?? []).map((row) => ({
    runId: row.run_id,
    turn: row.turn,
    userId: row.user_id,
    lane: row.lane,
    dispatch: row.dispatch,
  }))

/** What came of a claim. `version` is the conversation's where clients see a difference. */
export type ClaimAnswer =
  | { outcome: 'claimed'; turn: Turn; room: TurnRoom; version: number | undefined }
  | { outcome: 'later'; retryInMs: number }
  | { outcome: 'waits'; retryInMs: number; userId: string }
  | { outcome: 'lapsed' | 'over' }

/** What a call is to be reserved for, in micro-credits. */
export interface ReserveRequest {
  quote: TurnQuote
  /** What the shortest answer costs that is of use, and the longest. */
  least: bigint
  amount: bigint
  /** The run's own limit. */
  maxCredits: bigint | null
  /** What the user's lost calls may cost the platform a day; null where they cost it nothing. */
  lossAllowance: bigint | null
}

/** What came of it. `isShort`: the account had less than was asked for. `lost`: the claim is another's. */
export type ReserveAnswer =
  | { outcome: 'held'; holdId: string; amount: bigint; isShort: boolean }
  | { outcome: 'credits_exhausted' | 'max_credits' | 'losses' | 'other' | 'lost' }

/** What is to be settled: the attempt's result, its money as the ledger takes it, and what the worker says follows. */
export interface SettleArguments {
  claim: TurnClaim
  result: TurnResult
  charge: ChargeArguments
  lost: string
  messageId: string
  givesTitles: boolean
  /** Undefined: the caller decides what follows, in the same transaction. */
  next: { known: { lastSeq: number }; following: Following } | undefined
  userConcurrency: number
  fileWaitMs: number
}

/** What a settlement wrote. `dispatches` and `view` (of a run that ended) come where the worker said what follows. */
export interface SettleAnswer {
  message: { id: string; seq: number; agentName: string | null; status: MessageStatus; createdAt: string } | null
  money: Settlement
  version: number
  titleWanted: boolean
  dispatches: Dispatch[]
  view: RunView | undefined
  conversation: ConversationView | undefined
}

interface ClaimRow {
  outcome: ClaimAnswer['outcome']
  retry_in_ms: number | null
  claimed: Record<string, unknown>
  version: string | null
  room: RoomRow
}

interface SettleRow extends SettlementRow {
  outcome: 'settled' | 'lost' | 'changed'
  message: SettleAnswer['message']
  version: string
  title_wanted: boolean
  dispatches: DispatchRow[] | null
  view: RunViewRow | null
  conversation: ShownConversationRow | null
}

const CLAIM = prepared<ClaimRow>(
  'turn_claim',
  `SELECT outcome, retry_in_ms, claimed, version, room FROM turn_claim(p_run => $1, p_turn => $2, p_token => $3,
     p_lease_ms => $4, p_tokens => $5, p_files => $6, p_probe_ms => $7)`,
)
const RENEW = prepared<{ token: string; busy: boolean; is_to_stop: boolean }>(
  'turns_renew',
  'SELECT token, busy, is_to_stop FROM turns_renew(p_runs => $1, p_turns => $2, p_tokens => $3, p_lease_ms => $4)',
)
const RESERVE = prepared<{ outcome: ReserveAnswer['outcome']; hold_id: string; amount: string; is_short: boolean }>(
  'turn_reserve',
  `SELECT outcome, hold_id, amount, is_short FROM turn_reserve(p_run => $1, p_turn => $2, p_token => $3, p_quote => $4,
     p_least => $5, p_amount => $6, p_max_credits => $7, p_loss_allowance => $8, p_hold => $9, p_entry => $10)`,
)
const DECIDE = prepared<{ outcome: 'decided' | 'nobody' | 'lost'; agent_id: string; version: string }>(
  'turn_decide',
  `SELECT outcome, agent_id, version FROM turn_decide(p_conversation => $1, p_run => $2, p_turn => $3, p_token => $4, p_agent => $5,
     p_fallback => $6, p_seen_seq => $7, p_calls => $8, p_extend_entry => $9, p_extend_key => $10, p_release_entry => $11)`,
)
const SETTLE = prepared<SettleRow>(
  'turn_settle',
  `SELECT outcome, message, charged, released, lost, available, held, version, title_wanted, dispatches, view,
     CASE WHEN view IS NOT NULL THEN conversation_shown($1) END AS conversation
   FROM turn_settle(p_conversation => $1, p_run => $2, p_turn => $3, p_token => $4, p_status => $5, p_agent => $6,
     p_message => $7, p_text => $8, p_passed => $9, p_seen_seq => $10, p_prompt_version => $11, p_ended_by => $12,
     p_error_code => $13, p_error_message => $14, p_hold => $15, p_calls => $16, p_lost => $17, p_extend_entry => $18,
     p_extend_key => $19, p_release_entry => $20, p_gives_titles => $21, p_known_seq => $22, p_next => $23, p_cap => $24,
     p_file_wait_ms => $25)`,
)
const VIEWS = prepared<RunViewRow>('run_views', 'SELECT run, turns, receipt FROM run_views(p_runs => $1)')

/** The functions of `turns.sql`, a round trip each. */
export class EngineRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async claim(
    { runId, turn }: TurnName,
    claimToken: string,
    leaseMs: number,
    { tokens, files, probeMs }: RoomLimits & { probeMs: number },
  ): Promise<ClaimAnswer> {
    const [row] = await CLAIM([runId, turn, claimToken, leaseMs, tokens, files, probeMs], this.#db.manager)
    if (row?.outcome === 'later') return { outcome: 'later', retryInMs: row.retry_in_ms ?? 0 }
    if (row?.outcome === 'waits') {
      return { outcome: 'waits', retryInMs: row.retry_in_ms ?? 0, userId: fromJson<Turn>(row.claimed).userId }
    }
    if (row?.outcome !== 'claimed') return { outcome: row?.outcome ?? 'over' }
    const version = row.version === null ? undefined : Number(row.version)
    return { outcome: 'claimed', turn: fromJson<Turn>(row.claimed), room: roomOf(row.room), version }
  }

  /** Which connection and model answer an agent's user now, and what that costs: for what no room was read for. */
  async terms(userId: string, connectionId: string | null, model: string | null): Promise<RoomTerms> {
    const sql = 'SELECT agent_terms($1, $2, $3) AS terms'
    const [row] = await rows<{ terms: TermsRow }>(this.#db.manager, sql, [userId, connectionId, model])
    return termsOf(row?.terms ?? { connection: null, model: null, price: null })
  }

  /** What a turn reads; undefined when its run is gone. */
  async room({ runId, turn }: TurnName, { tokens, files }: RoomLimits): Promise<TurnRoom | undefined> {
    const sql = 'SELECT turn_room($1, $2, $3, $4) AS room'
    const [row] = await rows<{ room: RoomRow | null }>(this.#db.manager, sql, [runId, turn, tokens, files])
    return row?.room ? roomOf(row.room) : undefined
  }

  /**
   * Renews leases, all in one statement, and answers by token; one that is not answered is lost. `busy`: its row was locked at
   * that moment, and the lease runs on.
   */
  async renew(
    claims: ReadonlyArray<{ runId: string; turn: number; claimToken: string }>,
    leaseMs: number,
  ): Promise<Map<string, { busy: boolean; isToStop: boolean }>> {
    const columns = [
      claims.map(({ runId }) => runId),
      claims.map(({ turn }) => turn),
      claims.map(({ claimToken }) => claimToken),
    ]
    const found = await RENEW([...columns, leaseMs], this.#db.manager)
    return new Map(found.map((row) => [row.token, { busy: row.busy, isToStop: row.is_to_stop }]))
  }

  async reserve(
    { runId, turn, claimToken }: { runId: string; turn: number; claimToken: string },
    { quote, least, amount, maxCredits, lossAllowance }: ReserveRequest,
    tx: Tx,
  ): Promise<ReserveAnswer> {
    const terms = [JSON.stringify(quote), least, amount, maxCredits, lossAllowance]
    const [row] = await RESERVE([runId, turn, claimToken, ...terms, newId(), newId()], tx)
    if (row?.outcome !== 'held') return { outcome: row?.outcome ?? 'lost' }
    return { outcome: 'held', holdId: row.hold_id, amount: BigInt(row.amount), isShort: row.is_short }
  }

  /** `nobody`: nobody is to speak, and nothing was written. `lost`: the claim is another's. */
  async decide(
    { conversationId, runId, turn, claimToken }: TurnClaim,
    { agentId, fallback, seenSeq }: { agentId: string | null; fallback: string; seenSeq: number },
    charge: ChargeArguments,
    tx: Tx,
  ): Promise<{ agentId: string; version: number } | 'nobody' | 'lost'> {
    const { calls, extendId, extendKey, releaseId } = charge
    const names = [conversationId, runId, turn, claimToken, agentId, fallback, seenSeq]
    const [row] = await DECIDE([...names, calls, extendId, extendKey, releaseId], tx)
    if (row?.outcome !== 'decided') return row?.outcome ?? 'lost'
    return { agentId: row.agent_id, version: Number(row.version) }
  }

  /** `lost`: the claim is another's. `changed`: what follows is not as the worker thought. Nothing is written in either. */
  async settle(request: SettleArguments, tx: Tx): Promise<SettleAnswer | 'lost' | 'changed'> {
    const { claim, result, charge, next } = request
    const { conversationId, runId, turn, claimToken } = claim
    const [row] = await SETTLE(
      [
        conversationId,
        runId,
        turn,
        claimToken,
        result.status,
        result.agentId,
        request.messageId,
        result.text,
        result.passed,
        result.seenSeq,
        result.promptVersion,
        result.endedBy,
        result.error?.code ?? null,
        result.error?.message ?? null,
        charge.holdId,
        charge.calls,
        request.lost,
        charge.extendId,
        charge.extendKey,
        charge.releaseId,
        request.givesTitles,
        next?.known.lastSeq ?? null,
        next ? JSON.stringify(nextOf(next.following)) : null,
        request.userConcurrency,
        request.fileWaitMs,
      ],
      tx,
    )
    if (row?.outcome !== 'settled') return row?.outcome ?? 'lost'
    return {
      message: row.message,
      money: settlementOf(row),
      version: Number(row.version),
      titleWanted: row.title_wanted,
      dispatches: dispatchesOf(row.dispatches),
      view: row.view ? presentRun(row.view) : undefined,
      conversation: row.conversation ? presentShown(row.conversation) : undefined,
    }
  }

  /** Lets the user's oldest waiting turns into the queue while fewer than `cap` of theirs are there or running. */
  async admit(userId: string, cap: number, tx: Tx = this.#db.manager): Promise<Dispatch[]> {
    return dispatchesOf(
      await rows<DispatchRow>(tx, 'SELECT run_id, turn, user_id, lane, dispatch FROM turns_admit($1, $2)', [
        userId,
        cap,
      ]),
    )
  }

  /** Into which lane the chores of conversations belong: their first agent's model does them. One that is gone is missing. */
  async lanesOf(conversationIds: string[]): Promise<Map<string, Lane>> {
    const found = await rows<{ id: string; lane: Lane }>(
      this.#db.manager,
      `SELECT c.id, coalesce(r.lane, 'platform') AS lane FROM conversations c, turn_route(c.user_id, c.agent_ids[1:1]) r
       WHERE c.id = ANY($1)`,
      [conversationIds],
    )
    return new Map(found.map(({ id, lane }) => [id, lane]))
  }

  /** A run and its conversation as clients see them now; undefined when either is gone. */
  async shown(
    runId: string,
    conversationId: string,
    tx: Tx = this.#db.manager,
  ): Promise<{ run: RunView; conversation: ConversationView } | undefined> {
    const [row] = await rows<{ run: RunViewRow | null; conversation: ShownConversationRow | null }>(
      tx,
      `SELECT (SELECT row_to_json(v) FROM run_views(ARRAY[$1::uuid]) v) AS run, conversation_shown($2) AS conversation`,
      [runId, conversationId],
    )
    if (!row?.run || !row.conversation) return undefined
    return { run: presentRun(row.run), conversation: presentShown(row.conversation) }
  }

  /** A run as its owner sees it; undefined when it is not this user's. */
  async ownedView(userId: string, runId: string): Promise<RunView | undefined> {
    const [row] = await VIEWS([[runId]], this.#db.manager)
    return row?.run.user_id === userId ? presentRun(row) : undefined
  }

  /** Runs as clients see them, by id. */
  async views(runIds: string[]): Promise<Map<string, RunView>> {
    if (runIds.length === 0) return new Map()
    const found = await VIEWS([runIds], this.#db.manager)
    return new Map(found.map((row) => presentRun(row)).map((view) => [view.id, view]))
  }
}

const nextOf = (next: Following): unknown =>
  'end' in next
    ? { end: next.end }
    : { step: next.step, turns: next.speak.map((agentId) => ({ agentId, kind: next.kind })) }
