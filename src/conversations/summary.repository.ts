import type { DataSource } from 'typeorm'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import { MESSAGE_TOKENS } from '../shared/token-estimate.ts'
import type { TranscriptLine } from './message.repository.ts'
import { type Summary, summaryEntity } from './summary.entity.ts'

/** What a summary may cover next: the messages after the last one that are old enough to go, oldest first. */
export interface Outgrown {
  lines: TranscriptLine[]
  /** More waits behind these. */
  more: boolean
}

/** One call reads at most this many messages. */
const CHUNK_MESSAGES = 200

export class SummaryRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** The newest summary of a conversation. */
  async latest(conversationId: string): Promise<Summary | undefined> {
    const [summary] = await this.#db.manager.find(summaryEntity, {
      where: { conversationId },
      order: { version: 'DESC' },
      take: 1,
    })
    return summary
  }

  /**
   * Messages after `afterSeq` that are no longer recent: all but the latest that fit into `keepTokens`, as far as
   * `chunkTokens` reach, and only those before `beforeSeq`. Reads a bounded number of rows.
   */
  async outgrown(
    conversationId: string,
    afterSeq: number,
    { keepTokens, chunkTokens, beforeSeq }: { keepTokens: number; chunkTokens: number; beforeSeq: number | null },
  ): Promise<Outgrown> {
    const found = await rows<TranscriptLine & { last: number }>(
      this.#db.manager,
      `WITH recent AS (
         SELECT seq, sum(${MESSAGE_TOKENS}) OVER (ORDER BY seq DESC) AS tokens FROM (
           SELECT seq, content FROM messages WHERE conversation_id = $1 AND seq > $2 AND status <> 'superseded'
           ORDER BY seq DESC LIMIT ${CHUNK_MESSAGES}
         ) latest
       ), border AS (
         SELECT least(coalesce((SELECT min(seq) FROM recent WHERE tokens <= $3), (SELECT max(seq) FROM recent)), $5::integer) AS seq
       )
       SELECT seq, role, agent_id AS "agentId", agent_name AS "agentName", content, file_ids AS "fileIds",
         run_id AS "runId", (SELECT seq FROM border) - 1 AS last
       FROM (
         SELECT *, sum(${MESSAGE_TOKENS}) OVER (ORDER BY seq) AS tokens, row_number() OVER (ORDER BY seq) AS position
         FROM (
           SELECT * FROM messages WHERE conversation_id = $1 AND seq > $2 AND seq < (SELECT seq FROM border)
             AND status <> 'superseded' AND content <> '' ORDER BY seq LIMIT ${CHUNK_MESSAGES}
         ) oldest
       ) counted
       WHERE tokens <= $4 OR position = 1 ORDER BY seq`,
      [conversationId, afterSeq, keepTokens, chunkTokens, beforeSeq],
    )
    const read = found.at(-1)
    return { lines: found, more: read !== undefined && read.seq < read.last }
  }

  /** Forgets summaries that cover this message: its words are not to be heard any more. */
  async forgetFrom(conversationId: string, seq: number, tx: Tx): Promise<void> {
    await rows(tx, 'DELETE FROM conversation_summaries WHERE conversation_id = $1 AND up_to_seq >= $2', [
      conversationId,
      seq,
    ])
  }

  /**
   * Adds a version that was made of the one before and of these messages; false when another of that number was quicker, or when any of it
   * was taken back meanwhile. Who takes back has the conversation's lock, which is waited for.
   */
  async add(summary: Omit<Summary, 'createdAt'>, readSeqs: number[], tx: Tx): Promise<boolean> {
    const { conversationId, version, upToSeq, text, promptVersion } = summary
    await rows(tx, 'SELECT FROM conversations WHERE id = $1 FOR SHARE', [conversationId])
    const added = await rows(
      tx,
      `INSERT INTO conversation_summaries (conversation_id, version, up_to_seq, text, prompt_version)
       SELECT $1, $2, $3, $4, $5
       WHERE $2 = 1 + coalesce((SELECT max(version) FROM conversation_summaries WHERE conversation_id = $1), 0)
         AND NOT EXISTS (SELECT FROM messages WHERE conversation_id = $1 AND seq = ANY($6::integer[]) AND status = 'superseded')
       ON CONFLICT DO NOTHING RETURNING version`,
      [conversationId, version, upToSeq, text, promptVersion, readSeqs],
    )
    return added.length > 0
  }
}
