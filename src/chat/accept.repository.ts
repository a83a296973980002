import type { DataSource } from 'typeorm'
import type { Agent } from '../agents/agent.entity.ts'
import {
  type AcceptedView,
  acceptedView,
  type ConversationView,
  type OnBusy,
  type RunView,
  type StrategyName,
} from '../contract/views.ts'
import type { Message } from '../conversations/message.entity.ts'
import { fromJson } from '../database/json-row.ts'
import { prepared } from '../database/prepared-statement.ts'
import { rows } from '../database/query.ts'
import { raised, type Tx } from '../database/transaction.ts'
import type { Party } from '../parties/party.entity.ts'
import type { TurnKind } from '../rounds/strategy.ts'
import { type DispatchRow, dispatchesOf } from '../runs/engine.repository.ts'
import type { Run, RunOrigin } from '../runs/run.entity.ts'
import { presentRun, presentShown, type RunViewRow, type ShownConversationRow } from '../runs/run.presenter.ts'
import type { Dispatch } from '../runs/turn.repository.ts'
import { type RoomTerms, type TermsRow, termsOf } from '../runs/turn-room.ts'
import { newId } from '../shared/ids.ts'
import type { RequestKey } from './request-key.ts'

/** What a request to speak names, to be looked up before it is checked. */
export interface Asked {
  userId: string
  /** Of a saved party: those that it names. */
  agentIds: string[]
  partyId?: string | undefined
  conversationId: string | undefined
  fileIds: string[]
  key: RequestKey | undefined
  /** The API key that it came with. */
  keyId?: string | undefined
}

/** A saved party, as it is looked up for a request. */
export type KnownParty = Pick<
  Party,
  'agentIds' | 'strategy' | 'maxTurns' | 'maxRounds' | 'maxCredits' | 'maxSeconds' | 'stopPhrase'
> & {
  /** Those of its agents that the user has no more. */
  gone: Array<{ id: string; name: string }>
}

/** What there is of it. */
export interface Known {
  /** Visible agents in no order, each with the terms on which it would speak. */
  agents: Array<{ agent: Agent; terms: RoomTerms }>
  /** Undefined where none was named, or it is not this user's. */
  party: KnownParty | undefined
  /** Micro-credits; null for a user without an account. */
  available: bigint | null
  /** Micro-credits that the API key's month has left; null where there is no key, or it has no budget. */
  budgetLeft: bigint | null
  /** The remembered strategy of the conversation; undefined where it is not this user's. */
  conversation: { strategy: StrategyName } | undefined
  /** Those of the files that the user may attach. */
  fileIds: string[]
  /** What the user has taken of the day's messages, in milliseconds of it. */
  takenMs: number
  /** Guests may send less. */
  isGuest: boolean
  /** The conversation's run goes on only when somebody has decided on a call of a tool. */
  isAsking: boolean
  /** The answer that was given to this key before, and to which body. */
  before: { bodyHash: string; response: unknown } | undefined
}

/** A checked request to speak, as it is written. */
export interface Acceptance {
  userId: string
  conversationId: string
  isNewConversation: boolean
  runId: string
  messageId: string
  message: string
  fileIds: string[]
  onBusy: OnBusy
  isParty: boolean
  agentIds: string[]
  strategy: StrategyName
  limits: Pick<Run, 'maxTurns' | 'maxRounds' | 'maxCredits' | 'maxSeconds' | 'stopPhrase'>
  answer: Run['answer']
  deadlineMs: number
  /** The speakers of the first step, should the run begin at once. */
  first: Array<{ agentId: string | null; kind: TurnKind }>
  userConcurrency: number
  /** Conversations that the user may have. */
  mostConversations: number
  /** What the message takes of the day's, in milliseconds of it; 0: there is no limit. */
  costMs: number
  isGuest: boolean
  key: RequestKey | undefined
  origin: RunOrigin | null
}

/** Something that was said elsewhere before a conversation began here; `agentId` is null for an agent that is none of ours. */
export type EarlierMessage = Pick<Message, 'role' | 'agentId' | 'agentName' | 'content'>

/** What was written, or why nothing was. */
export type AcceptAnswer =
  | {
      outcome: 'accepted'
      accepted: AcceptedView
      seq: number
      createdAt: Date
      version: number
      run: RunView
      conversation: ConversationView
      dispatches: Dispatch[]
      /** The run that is to stop for this one. */
      interrupted: string | undefined
    }
  | { outcome: 'repeated'; response: unknown }
  | { outcome: 'busy'; runId: string }
  | { outcome: 'too_much'; waitMs: number }
  | { outcome: 'conflict' | 'conversation_gone' | 'files_gone' | 'too_many' }

/** The milliseconds that `messages_take` raises; throws every other error. */
function tooMuch(error: unknown): number {
  const waitMs = raised(error, 'CP003')
  if (waitMs === undefined) throw error
  return Number(waitMs)
}

interface LookRow {
  agents: Array<{ agent: Record<string, unknown>; terms: TermsRow }>
  party: (Omit<KnownParty, 'maxCredits'> & { maxCredits: string | null }) | null
  available: string | null
  budgetLeft: string | null
  strategy: StrategyName | null
  files: string[]
  taken_ms: number | null
  is_guest: boolean
  is_asking: boolean
  before: { bodyHash: string; response: unknown } | null
}

interface AcceptRow {
  outcome: Exclude<AcceptAnswer['outcome'], 'too_much'>
  response: unknown
  active: string
  interrupted: boolean
  seq: number
  message_at: Date
  version: string
  view: RunViewRow
  conversation: ShownConversationRow
  dispatches: DispatchRow[]
}

const LOOK = prepared<LookRow>(
  'chat_look',
  `WITH party AS (SELECT * FROM parties WHERE id = $7 AND user_id = $1)
   SELECT
     (SELECT coalesce(json_agg(json_build_object('agent', row_to_json(a), 'terms',
        agent_terms($1, a.connection_id, a.model))), '[]')
      FROM agents a WHERE a.id = ANY(coalesce((SELECT agent_ids FROM party), $2::uuid[]))
        AND (a.user_id = $1 OR a.user_id IS NULL) AND a.deleted_at IS NULL) AS agents,
     (SELECT json_build_object('agentIds', p.agent_ids, 'strategy', p.strategy, 'maxTurns', p.max_turns,
        'maxRounds', p.max_rounds, 'maxCredits', p.max_credits::text, 'maxSeconds', p.max_seconds, 'stopPhrase', p.stop_phrase,
        'gone', (SELECT coalesce(json_agg(json_build_object('id', m.id, 'name', coalesce(a.name, '')) ORDER BY m.position), '[]')
          FROM unnest(p.agent_ids) WITH ORDINALITY AS m (id, position) LEFT JOIN agents a ON a.id = m.id
          WHERE a.id IS NULL OR a.deleted_at IS NOT NULL OR a.user_id <> $1)) FROM party p) AS party,
     (SELECT available::text FROM accounts WHERE user_id = $1) AS available,
     budget_left($8, now())::text AS "budgetLeft",
     (SELECT strategy FROM conversations WHERE id = $3 AND user_id = $1) AS strategy,
     ARRAY(SELECT id FROM files WHERE user_id = $1 AND id = ANY($4::uuid[])
       AND status IN ('processing', 'ready', 'failed')) AS files,
     (SELECT (extract(epoch FROM taken_until - now()) * 1000)::float8 FROM message_budgets WHERE user_id = $1) AS taken_ms,
     is_guest($1) AS is_guest,
     EXISTS (SELECT FROM tool_calls c JOIN runs r ON r.id = c.run_id WHERE c.user_id = $1 AND c.status = 'awaiting'
       AND c.expires_at > clock_timestamp() AND r.conversation_id = $3 AND r.status = 'waiting') AS is_asking,
     (SELECT json_build_object('bodyHash', body_hash, 'response', response) FROM idempotency_keys
      WHERE user_id = $1 AND route = $5 AND key = $6) AS before`,
)
const ACCEPT = prepared<AcceptRow>(
  'chat_accept',
  `SELECT outcome, response, active, interrupted, seq, message_at, version, view, dispatches,
     CASE WHEN outcome = 'accepted' THEN conversation_shown($2) END AS conversation,
     CASE WHEN outcome = 'accepted' AND $25::float8 > 0 THEN messages_take($1, $25) END AS taken
   FROM (SELECT $3::boolean AS is_new, NOT $3 OR conversations_free($1, $23, $20, $21) AS free) room,
     LATERAL chat_accept(p_user => $1, p_conversation => $2, p_is_new => room.is_new, p_run => $4, p_message => $5, p_text => $6,
     p_files => $7, p_on_busy => $8, p_is_party => $9, p_agents => $10, p_strategy => $11, p_max_turns => $12,
     p_max_rounds => $13, p_max_credits => $14, p_max_seconds => $15, p_stop_phrase => $16, p_deadline_ms => $17,
     p_first => $18, p_cap => $19, p_route => $20, p_key => $21, p_body_hash => $22, p_origin => $24, p_answer => $26)
   WHERE room.free`,
)

const microOf = (micro: string | null): bigint | null => (micro === null ? null : BigInt(micro))

/** Accepting messages: one statement to look, one (`accept.sql`) to write. */
export class AcceptRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  async look(asked: Asked, tx: Tx = this.#db.manager): Promise<Known> {
    const { userId, agentIds, partyId, conversationId, fileIds, key, keyId } = asked
    const [route, name] = [key?.route ?? null, key?.key ?? null]
    const [row] = await LOOK(
      [userId, agentIds, conversationId ?? null, fileIds, route, name, partyId ?? null, keyId ?? null],
      tx,
    )
    return {
      party: row?.party ? { ...row.party, maxCredits: microOf(row.party.maxCredits) } : undefined,
      agents: (row?.agents ?? []).map(({ agent, terms }) => ({ agent: fromJson<Agent>(agent), terms: termsOf(terms) })),
      available: microOf(row?.available ?? null),
      budgetLeft: microOf(row?.budgetLeft ?? null),
      conversation: row?.strategy ? { strategy: row.strategy } : undefined,
      fileIds: row?.files ?? [],
      takenMs: Math.max(0, row?.taken_ms ?? 0),
      isGuest: row?.is_guest ?? false,
      isAsking: row?.is_asking ?? false,
      before: row?.before ?? undefined,
    }
  }

  /**
   * Begins the conversation of a request with what was said before it, which `accept` then finds as one that goes on. False when the
   * user has as many conversations as one may have, and nothing was written.
   */
  async begin(request: Acceptance, earlier: EarlierMessage[], tx: Tx): Promise<boolean> {
    const { userId, conversationId, agentIds, strategy, mostConversations, key } = request
    const begun = await rows(
      tx,
      `WITH said AS (
         SELECT * FROM jsonb_to_recordset($8) AS s (id uuid, seq int, role text, "agentId" uuid, "agentName" text, content text)
       ), begun AS (
         INSERT INTO conversations (id, user_id, agent_ids, strategy, last_seq)
         SELECT $2, $1, $3, $4, (SELECT count(*) FROM said) WHERE conversations_free($1, $5, $6, $7) RETURNING id
       )
       INSERT INTO messages (id, conversation_id, seq, role, agent_id, agent_name, content, status)
       SELECT s.id, b.id, s.seq, s.role, s."agentId", s."agentName", s.content, 'complete' FROM said s, begun b RETURNING id`,
      [
        userId,
        conversationId,
        agentIds,
        strategy,
        mostConversations,
        key?.route ?? null,
        key?.key ?? null,
        JSON.stringify(earlier.map((message, place) => ({ ...message, id: newId(), seq: place + 1 }))),
      ],
    )
    return begun.length > 0
  }

  /** Takes a piece of the user's day of messages; answers how many milliseconds that is too much: then `tx` is broken, and to be undone. */
  async take(userId: string, costMs: { user: number; guest: number }, tx: Tx): Promise<number | undefined> {
    const sql = 'SELECT messages_take($1, CASE WHEN is_guest($1) THEN $3::float8 ELSE $2::float8 END)'
    const taken = await rows(tx, sql, [userId, costMs.user, costMs.guest]).catch(tooMuch)
    return typeof taken === 'number' ? taken : undefined
  }

  async isGuest(userId: string): Promise<boolean> {
    const [found] = await rows<{ guest: boolean }>(this.#db.manager, 'SELECT is_guest($1) AS guest', [userId])
    return found?.guest ?? false
  }

  async accept(request: Acceptance, tx: Tx = this.#db.manager): Promise<AcceptAnswer> {
    const { limits, key } = request
    const written = await ACCEPT(
      [
        request.userId,
        request.conversationId,
        request.isNewConversation,
        request.runId,
        request.messageId,
        request.message,
        request.fileIds,
        request.onBusy,
        request.isParty,
        request.agentIds,
        request.strategy,
        limits.maxTurns,
        limits.maxRounds,
        limits.maxCredits,
        limits.maxSeconds,
        limits.stopPhrase,
        request.deadlineMs,
        JSON.stringify(request.first),
        request.userConcurrency,
        key?.route ?? null,
        key?.key ?? null,
        key?.bodyHash ?? null,
        request.mostConversations,
        request.origin && JSON.stringify(request.origin),
        request.costMs,
        request.answer && JSON.stringify(request.answer),
      ],
      tx,
    ).catch(tooMuch)
    if (typeof written === 'number') return { outcome: 'too_much', waitMs: written }
    const [row] = written
    // It was not called: the one other condition is room for a conversation.
    if (!row) return { outcome: 'too_many' }
    switch (row.outcome) {
      case 'accepted':
        return {
          outcome: 'accepted',
          accepted: acceptedView.parse(row.response),
          seq: row.seq,
          createdAt: row.message_at,
          version: Number(row.version),
          run: presentRun(row.view),
          conversation: presentShown(row.conversation),
          dispatches: dispatchesOf(row.dispatches),
          interrupted: row.interrupted ? row.active : undefined,
        }
      case 'repeated':
        return { outcome: 'repeated', response: row.response }
      case 'busy':
        return { outcome: 'busy', runId: row.active }
      default:
        return { outcome: row.outcome }
    }
  }
}
