import { type DataSource, In, Not } from 'typeorm'
import type { FeedbackView } from '../contract/views.ts'
import type { TokenUsage } from '../credits/usage.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { SHOWN_CALL } from '../tools/shown-calls.ts'
import { presentToolCall, SHOWN_CALLS, type ShownToolCall } from '../tools/tool-call.presenter.ts'
import { type Message, type MessageCost, messageEntity, type NewMessage, type ShownMessage } from './message.entity.ts'

/** A line of a transcript, as a turn sends it to its model. */
export type TranscriptLine = Pick<Message, 'seq' | 'role' | 'agentId' | 'agentName' | 'content' | 'fileIds' | 'runId'>

/** Whose eyes read a transcript. */
export interface TranscriptRequest {
  conversationId: string
  runId: string
  /** Runs whose messages are not read yet. */
  waitingRunIds: string[]
  /** Turns of this run whose words are not heard. */
  unheardTurns?: number[]
  /** Messages up to this one are summed up elsewhere. */
  afterSeq?: number
}

/** What a page of messages, or a snapshot, may hold of their words, in bytes of UTF-8; a larger message comes alone. */
export const PAGE_BYTES = 1_048_576

/** As `estimateTokens` has it of texts in Latin letters, rounded up. */
const MOST_CHARS_PER_TOKEN = 4

/**
 * What the turn of message `m` was charged for, as its settlement had it: a supervisor's decision is paid by itself. Calls are found
 * by the index of their attempts.
 */
const COST = `(SELECT json_build_object('credits', sum(c.charged)::text, 'inputTokens', sum(c.input_tokens),
    'cachedInputTokens', sum(c.cached_input_tokens), 'cacheWriteTokens', sum(c.cache_write_tokens),
    'outputTokens', sum(c.output_tokens), 'reasoningTokens', sum(c.reasoning_tokens), 'estimated', bool_or(c.estimated))
  FROM metered_calls c WHERE m.role = 'agent' AND c.run_id = m.runId AND c.turn = m.turn AND c.outcome = 'charged'
    AND c.purpose <> 'supervise' HAVING count(*) > 0)`

/** What the turn of message `m` did with tools, cut as `presentToolCall` cuts. */
const TOOL_CALLS = `(SELECT json_agg(row_to_json(u) ORDER BY u.call) FROM (
    SELECT ${SHOWN_CALL}
    FROM tool_calls t WHERE m.role = 'agent' AND t.run_id = m.runId AND t.turn = m.turn ORDER BY t.call LIMIT ${SHOWN_CALLS}) u)`

/** Whether message `m` was asked to have a form, and has it: only then is a turn of such a run completed with words. */
const IS_ANSWER = `(SELECT r.answer IS NOT NULL FROM runs r WHERE m.role = 'agent' AND m.status = 'complete' AND r.id = m.runId)`

type CostRow = TokenUsage & { credits: string }

function costOf(row: CostRow | null | undefined): MessageCost | undefined {
  if (!row) return undefined
  const { credits, ...usage } = row
  return { usage, credits: BigInt(credits) }
}

export class MessageRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  find(id: string, tx: Tx = this.#db.manager): Promise<Message | null> {
    return tx.findOneBy(messageEntity, { id })
  }

  /** Notes what its user thinks of a message; null takes it back. */
  async judge(id: string, feedback: FeedbackView | null, tx: Tx): Promise<void> {
    const { value, comment } = feedback ?? { value: null, comment: null }
    await tx.update(messageEntity, { id }, { feedback: value, feedbackComment: comment })
  }

  /** The id of the last message of the user, or of an agent, that still stands. */
  async lastStanding(conversationId: string, role: 'user' | 'agent', tx: Tx): Promise<string | undefined> {
    const sql = `SELECT id FROM messages WHERE conversation_id = $1 AND role = '${role}' AND status <> 'superseded'
      ORDER BY seq DESC LIMIT 1`
    return (await rows<{ id: string }>(tx, sql, [conversationId]))[0]?.id
  }

  /** Marks a message as said anew: it stays in the conversation, and no turn reads it any more. */
  async supersede(id: string, tx: Tx): Promise<Message> {
    await tx.update(messageEntity, { id }, { status: 'superseded' })
    return tx.findOneByOrFail(messageEntity, { id })
  }

  /** Marks what agents said in a run as superseded; ascending by `seq`, those that were not before. */
  async supersedeRun(runId: string, tx: Tx): Promise<Message[]> {
    const changed = await rows<{ id: string }>(
      tx,
      `UPDATE messages SET status = 'superseded' WHERE run_id = $1 AND role = 'agent' AND status <> 'superseded' RETURNING id`,
      [runId],
    )
    return inOrder(changed, tx)
  }

  /** Marks everything from this message on as superseded; ascending by `seq`, those that were not before. */
  async supersedeFrom({ conversationId, seq }: Pick<Message, 'conversationId' | 'seq'>, tx: Tx): Promise<Message[]> {
    const changed = await rows<{ id: string }>(
      tx,
      `UPDATE messages SET status = 'superseded' WHERE conversation_id = $1 AND seq >= $2 AND status <> 'superseded'
       RETURNING id`,
      [conversationId, seq],
    )
    return inOrder(changed, tx)
  }

  async say(message: Omit<NewMessage, 'createdAt'>, tx: Tx): Promise<Message> {
    await tx.insert(messageEntity, message)
    return tx.findOneByOrFail(messageEntity, { id: message.id })
  }

  /** Makes what the user said to a run said to another one; the last message's id, if there is any. */
  async giveToRun(from: string, to: string, tx: Tx): Promise<string | undefined> {
    const given = await rows<{ id: string; seq: number }>(
      tx,
      `UPDATE messages SET run_id = $2 WHERE run_id = $1 AND role = 'user' RETURNING id, seq`,
      [from, to],
    )
    return given.sort((a, b) => a.seq - b.seq).at(-1)?.id
  }

  /** Ascending by `seq`, after `afterSeq`: `limit` of them, or as many as fit into `PAGE_BYTES`, but at least one if there is one. */
  listAfter(conversationId: string, afterSeq: number, limit: number): Promise<ShownMessage[]> {
    return this.#list(conversationId, { sql: 'seq > :edge', edge: afterSeq, order: 'ASC' }, limit)
  }

  /** The latest before `beforeSeq` (or of all), ascending by `seq`; within the same bounds. */
  async listBefore(conversationId: string, beforeSeq: number | undefined, limit: number): Promise<ShownMessage[]> {
    const sql = beforeSeq === undefined ? 'TRUE' : 'seq < :edge'
    return (await this.#list(conversationId, { sql, edge: beforeSeq, order: 'DESC' }, limit)).reverse()
  }

  /** Sizes are known without the texts, so that what does not fit is not read. */
  async #list(
    conversationId: string,
    { sql, edge, order }: { sql: string; edge: number | undefined; order: 'ASC' | 'DESC' },
    limit: number,
  ): Promise<ShownMessage[]> {
    const fitting = `m.id IN (
      SELECT id FROM (
        SELECT id, sum(octet_length(content)) OVER page AS bytes, row_number() OVER page AS place
        FROM (SELECT id, seq, content FROM messages WHERE conversation_id = :conversationId AND ${sql}
          ORDER BY seq ${order} LIMIT :limit) near
        WINDOW page AS (ORDER BY seq ${order})
      ) sized WHERE place = 1 OR bytes <= :bytes)`
    const { entities, raw } = await this.#db.manager
      .createQueryBuilder(messageEntity, 'm')
      .addSelect(COST, 'cost')
      .addSelect(TOOL_CALLS, 'tool_calls')
      .addSelect(IS_ANSWER, 'is_answer')
      .where(fitting, { conversationId, edge, limit, bytes: PAGE_BYTES })
      .orderBy('m.seq', order)
      .getRawAndEntities<{ cost: CostRow | null; tool_calls: ShownToolCall[] | null; is_answer: boolean | null }>()
    return entities.map((message, position) => ({
      ...message,
      cost: costOf(raw[position]?.cost),
      toolCalls: raw[position]?.tool_calls?.map((call) => presentToolCall(call)),
      isData: message.isData || (raw[position]?.is_answer ?? false),
    }))
  }

  /** What a turn of this run reads, within `tokenBudget`: see `transcript.sql`. */
  transcript(
    { conversationId, runId, waitingRunIds, unheardTurns = [], afterSeq = 0 }: TranscriptRequest,
    tokenBudget: number,
  ): Promise<TranscriptLine[]> {
    return rows<TranscriptLine>(
      this.#db.manager,
      `SELECT seq, role, agent_id AS "agentId", agent_name AS "agentName", content, file_ids AS "fileIds", run_id AS "runId"
       FROM conversation_transcript($1, $2, $3, $4, $5, $6)`,
      [conversationId, runId, waitingRunIds, unheardTurns, afterSeq, tokenBudget],
    )
  }

  /** The texts of that transcript, each cut where it alone has more tokens than `tokenBudget`. */
  async transcriptTexts(
    { conversationId, runId, waitingRunIds }: Pick<TranscriptRequest, 'conversationId' | 'runId' | 'waitingRunIds'>,
    tokenBudget: number,
  ): Promise<string[]> {
    const found = await rows<{ text: string }>(
      this.#db.manager,
      'SELECT left(content, $4 * $5) AS text FROM conversation_transcript($1, $2, $3, ARRAY[]::integer[], 0, $4)',
      [conversationId, runId, waitingRunIds, tokenBudget, MOST_CHARS_PER_TOKEN],
    )
    return found.map(({ text }) => text)
  }

  /** Files of a conversation, the latest first, each once; without those that messages of `waitingRunIds` bring. */
  async fileIds(conversationId: string, limit: number, waitingRunIds: string[] = []): Promise<string[]> {
    const sql = 'SELECT id FROM conversation_files($1, $2, $3)'
    const found = await rows<{ id: string }>(this.#db.manager, sql, [conversationId, limit, waitingRunIds])
    return found.map((file) => file.id)
  }

  /** The latest words that the user addressed to this run. */
  async lastOfUser(runId: string, tx: Tx): Promise<{ text: string; seq: number } | undefined> {
    const sql = `SELECT content AS text, seq FROM messages WHERE run_id = $1 AND role = 'user' ORDER BY seq DESC LIMIT 1`
    const [message] = await rows<{ text: string; seq: number }>(tx, sql, [runId])
    return message
  }

  /** What agents said in a run and still stands, in the order of its turns. */
  ofAgents(runId: string): Promise<Message[]> {
    return this.#db.manager.find(messageEntity, {
      where: { runId, role: 'agent', status: Not('superseded') },
      order: { turn: 'ASC' },
    })
  }

  /** The `seq` of the first message of a run; of one that has none yet, the next of its conversation. */
  async firstSeq(conversationId: string, runId: string): Promise<number> {
    const [found] = await rows<{ seq: number }>(
      this.#db.manager,
      `SELECT coalesce(least((SELECT min(seq) FROM messages WHERE run_id = $2 AND role = 'user'),
         (SELECT min(seq) FROM messages WHERE run_id = $2 AND role = 'agent')),
         (SELECT last_seq + 1 FROM conversations WHERE id = $1)) AS seq`,
      [conversationId, runId],
    )
    return found?.seq ?? 1
  }

  async textOf(id: string, tx: Tx): Promise<string> {
    const [message] = await rows<{ content: string }>(tx, 'SELECT content FROM messages WHERE id = $1', [id])
    return message?.content ?? ''
  }
}

/** Ascending by `seq`, as they are now. */
const inOrder = (messages: Array<{ id: string }>, tx: Tx): Promise<Message[]> =>
  tx.find(messageEntity, { where: { id: In(messages.map(({ id }) => id)) }, order: { seq: 'ASC' } })
