import type { DataSource } from 'typeorm'
import type { TurnName } from '../contract/attempt.ts'
import type { ChargeArguments } from '../credits/ledger.repository.ts'
import type { TokenUsage } from '../credits/usage.ts'
import { fromJson } from '../database/json-row.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { offsetOf, SHOWN_CALL } from './shown-calls.ts'
import type { DefaultPolicy } from './tool.ts'
import { type ToolCall, type ToolFile, toolCallEntity } from './tool-call.entity.ts'
import { SHOWN_CALLS, type ShownToolCall } from './tool-call.presenter.ts'
import { STEP_GAP, type StepThought, saidIn } from './tool-step.entity.ts'

/** A turn of which this claim token is the right to write. */
export interface ClaimedTurn extends TurnName {
  claimToken: string
}

/** A call as it is planned. `status`: `planned`, `awaiting`, or how it ended without being made. */
export type PlannedCall = Pick<
  ToolCall,
  | 'id'
  | 'call'
  | 'providerCallId'
  | 'providerData'
  | 'source'
  | 'serverId'
  | 'sourceName'
  | 'name'
  | 'title'
  | 'definitionHash'
  | 'effect'
  | 'keyed'
  | 'onUnknown'
  | 'args'
  | 'inputSchema'
  | 'status'
  | 'result'
  | 'errorCode'
>

/** How a call ends. */
export type CallEnd = Pick<ToolCall, 'status' | 'result' | 'errorCode'>

/** A step that is to be committed. */
export interface StepToCommit {
  step: number
  text: string
  thoughts: StepThought[] | null
  planned: PlannedCall[]
}

/** A call as functions of the database answer it: its moments are texts. */
export type StoredCall = Omit<ToolCall, 'expiresAt' | 'decidedAt' | 'createdAt' | 'startedAt' | 'endedAt'> & {
  expiresAt: string | null
  startedAt: string | null
  endedAt: string | null
  /** UTF-16 units that its turn had said before. */
  offset: number
}

/** A call of a turn that is not over, as it is shown while its run goes on. */
export interface OpenCall extends ShownToolCall {
  turn: number
  /** Its turn's. */
  turnAttempt: number
  /** By when somebody is to decide on it; of one that is asked about. */
  expiresAt: string | null
  /** Whether whoever decides may write other arguments. */
  isEditable: boolean
  /** Whether its turn has been given up until somebody decides. */
  isWaiting: boolean
}

/** What is decided by on a call that was started and has no end. */
export interface ResumeTerms {
  /** So many answers that did not come are enough. */
  mostUnanswered: number
  /** People have so long to decide on a call, in milliseconds. */
  approvalMs: number
  /** An idempotency key is used again for so long, in milliseconds. */
  keyMs: number
}

/** What a start is judged by besides the owner's word, in milliseconds and calls. */
export interface StartTerms {
  perMinute: number
  defaultPolicy: DefaultPolicy
  approvalMs: number
  /** An approval outlives limits of ours for so long. */
  keepMs: number
}

/** See `tool_start`; `retryInMs` where it is `later`. */
export interface CallStart {
  outcome: 'started' | 'lost' | 'stopping' | 'over' | 'gone' | 'changed' | 'denied' | 'asks' | 'limited' | 'later'
  retryInMs: number
}

/** A call that waits for a decision, and whose it is. */
export interface AwaitingCall {
  call: ToolCall
  conversationId: string
  conversationTitle: string | null
  agentName: string | null
}

/** What a turn has done so far with tools; `paid` for all of its model calls that are committed. */
export interface ToolState {
  steps: Array<{ step: number; text: string; thoughts: StepThought[] | null }>
  calls: StoredCall[]
  paid: { usage: TokenUsage; credits: bigint }
}

interface StateRow {
  steps: ToolState['steps']
  calls: Record<string, unknown>[]
  paid: TokenUsage & { credits: string }
}

/** The functions of `tool-calls.sql`, a round trip each. */
export class ToolCallRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** What is available and held then; `lost`: the claim is another's, and nothing was written. */
  async step(
    { runId, turn, claimToken }: ClaimedTurn,
    { step, text, thoughts, planned }: StepToCommit,
    { holdId, calls, extendId, extendKey, releaseId }: ChargeArguments,
    approvalMs: number,
    tx: Tx,
  ): Promise<{ available: bigint; held: bigint } | 'lost'> {
    const said = [step, text, thoughts && JSON.stringify(thoughts), JSON.stringify(planned.map(rowOf)), approvalMs]
    const [row] = await rows<{ outcome: 'committed' | 'lost'; available: string; held: string }>(
      tx,
      'SELECT outcome, available, held FROM tool_step($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)',
      [runId, turn, claimToken, ...said, holdId, calls, extendId, extendKey, releaseId],
    )
    if (row?.outcome !== 'committed') return 'lost'
    return { available: BigInt(row.available), held: BigInt(row.held) }
  }

  /** See `tool_resume`. */
  async resume(
    { runId, turn, claimToken }: ClaimedTurn,
    { mostUnanswered, approvalMs, keyMs }: ResumeTerms,
  ): Promise<ToolState | 'lost'> {
    const [row] = await rows<{ outcome: 'resumed' | 'lost'; state: StateRow }>(
      this.#db.manager,
      'SELECT outcome, state FROM tool_resume($1, $2, $3, $4, $5, $6, true)',
      [runId, turn, claimToken, mostUnanswered, approvalMs, keyMs],
    )
    return row?.outcome === 'resumed' ? stateOf(row.state) : 'lost'
  }

  /** False where the claim is another's. */
  async notice({ runId, turn, claimToken }: ClaimedTurn, notice: string): Promise<boolean> {
    const sql = `UPDATE turns SET notice = coalesce(notice, $4)
      WHERE run_id = $1 AND index = $2 AND claim_token = $3 AND status = 'running' RETURNING index`
    return (await rows(this.#db.manager, sql, [runId, turn, claimToken, notice])).length > 0
  }

  /** What a turn's committed steps have said, as its message has it. */
  async said({ runId, turn }: TurnName, tx: Tx = this.#db.manager): Promise<string> {
    const sql = `SELECT coalesce(string_agg(text, $3 ORDER BY step), '') AS said FROM tool_steps WHERE run_id = $1 AND turn = $2 AND text <> ''`
    const [row] = await rows<{ said: string }>(tx, sql, [runId, turn, STEP_GAP])
    return row?.said ?? ''
  }

  async state({ runId, turn }: TurnName, tx: Tx = this.#db.manager): Promise<ToolState> {
    const [row] = await rows<{ state: StateRow }>(tx, 'SELECT tool_state($1, $2) AS state', [runId, turn])
    if (!row) throw new Error('tool_state answered nothing')
    return stateOf(row.state)
  }

  /** See `tool_start`. */
  async start(
    { runId, turn, claimToken }: ClaimedTurn,
    call: number,
    { perMinute, defaultPolicy, approvalMs, keepMs }: StartTerms,
  ): Promise<CallStart> {
    const [row] = await rows<{ outcome: CallStart['outcome']; retry_in_ms: number | null }>(
      this.#db.manager,
      'SELECT outcome, retry_in_ms FROM tool_start($1, $2, $3, $4, $5, $6, $7, $8)',
      [runId, turn, claimToken, call, perMinute, defaultPolicy, approvalMs, keepMs],
    )
    return { outcome: row?.outcome ?? 'lost', retryInMs: row?.retry_in_ms ?? 0 }
  }

  /** See `tool_put_off`. */
  async putOff(
    { runId, turn, attempt }: TurnName & { attempt: number },
    call: number,
    keepMs: number,
  ): Promise<boolean> {
    const sql = 'SELECT tool_put_off($1, $2, $3, $4, $5) AS done'
    const [row] = await rows<{ done: boolean }>(this.#db.manager, sql, [runId, turn, call, attempt, keepMs])
    return row?.done ?? false
  }

  /** See `tool_skip`. */
  async skip(
    { runId, turn, claimToken }: ClaimedTurn,
    call: number,
    end: CallEnd,
  ): Promise<'skipped' | 'lost' | 'over'> {
    const [row] = await rows<{ outcome: 'skipped' | 'lost' | 'over' }>(
      this.#db.manager,
      'SELECT tool_skip($1, $2, $3, $4, $5, $6, $7) AS outcome',
      [runId, turn, claimToken, call, end.status, end.result, end.errorCode],
    )
    return row?.outcome ?? 'lost'
  }

  /** How a call ended that attempt `attempt` started. False where it had been decided on before. */
  async end({ runId, turn }: TurnName, call: number, attempt: number, end: CallEnd): Promise<boolean> {
    const [row] = await rows<{ ended: boolean }>(
      this.#db.manager,
      'SELECT tool_end($1, $2, $3, $4, $5, $6, $7) AS ended',
      [runId, turn, call, attempt, end.status, end.result, end.errorCode],
    )
    return row?.ended ?? false
  }

  /** Notes the files of a call that an attempt has ended. False where that is not so, or it has some. */
  async keep(
    { runId, turn, attempt }: TurnName & { attempt: number },
    call: number,
    files: ToolFile[],
    tx: Tx,
  ): Promise<boolean> {
    const noted = await rows(
      tx,
      `UPDATE tool_calls SET files = $5 WHERE run_id = $1 AND turn = $2 AND call = $3 AND attempt = $4
         AND status IN ('done', 'failed') AND files IS NULL RETURNING id`,
      [runId, turn, call, attempt, JSON.stringify(files)],
    )
    return noted.length > 0
  }

  /** `waits` with the conversation's version; see `tool_wait`. */
  async wait(
    { conversationId, runId, turn, claimToken }: ClaimedTurn & { conversationId: string },
    deadlineMs: number,
    laterMs: number | null,
  ): Promise<{ outcome: 'waits'; version: number } | { outcome: 'decided' | 'stopping' | 'lost' }> {
    const [row] = await rows<{ outcome: 'waits' | 'decided' | 'stopping' | 'lost'; version: string }>(
      this.#db.manager,
      'SELECT outcome, version FROM tool_wait($1, $2, $3, $4, $5, $6)',
      [conversationId, runId, turn, claimToken, deadlineMs, laterMs],
    )
    if (row?.outcome === 'waits') return { outcome: 'waits', version: Number(row.version) }
    return { outcome: row?.outcome ?? 'lost' }
  }

  /** See `tool_decide`. */
  async decide(
    userId: string,
    id: string,
    {
      approved,
      args,
      wasStarted,
      startedAt,
    }: {
      approved: boolean
      args: Record<string, unknown> | null
      wasStarted: boolean | null
      startedAt: string | null
    },
    deadlineMs: number,
  ): Promise<
    | { outcome: 'decided'; runId: string; conversationId: string; version: number }
    | { outcome: 'missing' | 'again' | 'over' }
  > {
    const [row] = await rows<{
      outcome: 'decided' | 'missing' | 'again' | 'over'
      run_id: string
      conversation_id: string
      version: string
    }>(
      this.#db.manager,
      'SELECT outcome, run_id, conversation_id, version FROM tool_decide($1, $2, $3, $4, $5, $6, $7)',
      [userId, id, approved, args && JSON.stringify(args), deadlineMs, wasStarted, startedAt],
    )
    if (row?.outcome !== 'decided') return { outcome: row?.outcome ?? 'missing' }
    const { run_id: runId, conversation_id: conversationId, version } = row
    return { outcome: 'decided', runId, conversationId, version: Number(version) }
  }

  /** Whether a tool that writes was started in a run, here or in one that it goes on from. */
  async hasWritten(runId: string, tx: Tx): Promise<boolean> {
    const sql = `SELECT EXISTS (SELECT FROM tool_calls WHERE run_id = $1 AND starts > 0 AND effect = 'writes') AS "hasWritten"`
    return (await rows<{ hasWritten: boolean }>(tx, sql, [runId]))[0]?.hasWritten ?? false
  }

  findOwned(userId: string, id: string): Promise<ToolCall | null> {
    return this.#db.manager.findOneBy(toolCallEntity, { userId, id })
  }

  /** What of a user's waits for a decision, newest first, with the conversation of each; of one conversation, where one is named. */
  async awaiting(
    userId: string,
    {
      limit,
      before,
      conversationId,
    }: { limit: number; before: string | undefined; conversationId: string | undefined },
  ): Promise<AwaitingCall[]> {
    const { entities, raw } = await this.#db.manager
      .createQueryBuilder(toolCallEntity, 'c')
      .innerJoin(
        'Run',
        'r',
        `r.id = c.runId AND r.cancelRequestedAt IS NULL AND r.status NOT IN ('completed', 'failed', 'cancelled')`,
      )
      .innerJoin('Conversation', 't', 't.id = r.conversationId')
      .leftJoin('Agent', 'a', 'a.id = c.agentId')
      .addSelect('t.id', 'conversation_id')
      .addSelect('t.title', 'conversation_title')
      .addSelect('a.name', 'agent_name')
      .where(`c.userId = :userId AND c.status = 'awaiting' AND c.expiresAt > clock_timestamp()`, { userId })
      .andWhere(before ? 'c.id < :before' : 'TRUE', { before })
      .andWhere(conversationId ? 't.id = :conversationId' : 'TRUE', { conversationId })
      .orderBy('c.id', 'DESC')
      .limit(limit)
      .getRawAndEntities<{ conversation_id: string; conversation_title: string | null; agent_name: string | null }>()
    return entities.map((call, position) => ({
      call,
      conversationId: raw[position]?.conversation_id ?? '',
      conversationTitle: raw[position]?.conversation_title ?? null,
      agentName: raw[position]?.agent_name ?? null,
    }))
  }

  /** How many of a user's wait for a decision; not counted beyond `most`. */
  async waiting(userId: string, most: number): Promise<number> {
    const sql = `SELECT count(*)::int AS waiting FROM (SELECT FROM tool_calls c JOIN runs r ON r.id = c.run_id
        AND r.cancel_requested_at IS NULL AND r.status NOT IN ('completed', 'failed', 'cancelled')
      WHERE c.user_id = $1 AND c.status = 'awaiting' AND c.expires_at > clock_timestamp() LIMIT $2) found`
    const [row] = await rows<{ waiting: number }>(this.#db.manager, sql, [userId, most])
    return row?.waiting ?? 0
  }

  /**
   * What the turns of a run that are not over, and these, have done with tools, in their order: the first calls of each, and those that somebody is
   * asked about.
   */
  open(runId: string, turns: readonly number[] = []): Promise<OpenCall[]> {
    return rows<OpenCall>(
      this.#db.manager,
      `SELECT ${SHOWN_CALL}, t.turn, u.attempt AS "turnAttempt", CASE WHEN t.status = 'awaiting' THEN t.expires_at END AS "expiresAt",
         t.input_schema IS NOT NULL AND NOT t.doubt AS "isEditable", t.status = 'awaiting' AND u.status = 'queued' AS "isWaiting"
       FROM tool_calls t JOIN turns u ON u.run_id = t.run_id AND u.index = t.turn
       WHERE t.run_id = $1 AND (u.status IN ('queued', 'running') OR t.turn = ANY ($3)) AND (t.call < $2 OR t.status = 'awaiting')
       ORDER BY t.turn, t.call`,
      [runId, SHOWN_CALLS, turns],
    )
  }

  /** A run's calls in the order of its turns, after that place, each with the UTF-16 units that its turn had said before. */
  async ofRun(
    runId: string,
    limit: number,
    after: { turn: number; call: number } | undefined,
  ): Promise<Array<ToolCall & { offset: number }>> {
    const query = this.#db.manager
      .createQueryBuilder(toolCallEntity, 'c')
      .addSelect(offsetOf('c'), 'said_before')
      .where('c.runId = :runId', { runId })
      .orderBy('c.turn', 'ASC')
      .addOrderBy('c.call', 'ASC')
      .limit(limit)
    if (after) query.andWhere('(c.turn, c.call) > (:turn, :call)', after)
    const { entities, raw } = await query.getRawAndEntities<{ said_before: number }>()
    return entities.map((call, position) => Object.assign(call, { offset: raw[position]?.said_before ?? 0 }))
  }
}

const stateOf = ({ steps, calls, paid: { credits, ...usage } }: StateRow): ToolState => ({
  steps,
  calls: calls.map((json) => {
    const call = fromJson<Omit<StoredCall, 'offset'>>(json)
    return { ...call, offset: saidBefore(steps, call.step) }
  }),
  paid: { usage, credits: BigInt(credits) },
})

const saidBefore = (steps: ToolState['steps'], upTo: number): number =>
  saidIn(steps.filter(({ step }) => step <= upTo)).length

const rowOf = (call: PlannedCall) => ({
  id: call.id,
  call: call.call,
  provider_call_id: call.providerCallId,
  provider_data: call.providerData,
  source: call.source,
  server_id: call.serverId,
  source_name: call.sourceName,
  name: call.name,
  title: call.title,
  definition_hash: call.definitionHash,
  effect: call.effect,
  keyed: call.keyed,
  on_unknown: call.onUnknown,
  args: call.args,
  input_schema: call.inputSchema,
  status: call.status,
  result: call.result,
  error_code: call.errorCode,
})
