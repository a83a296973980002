import type { DataSource } from 'typeorm'
import { lockOwner } from '../database/advisory-lock.ts'
import { rows } from '../database/query.ts'
import type { Tx } from '../database/transaction.ts'
import type { File, FileStatus } from './file.entity.ts'

/** Of all files of a user, as the quotas count them. */
export interface StoredUsage {
  /** Bytes of files that are there, and those that uploads have reserved. */
  bytes: number
  files: number
  /** Those of them that tools gave back. */
  toolBytes: number
  toolFiles: number
  /** Guests may store less. */
  isGuest: boolean
}

export interface FileFilter {
  status?: 'processing' | 'ready' | 'failed'
  /** A part of the name, in any case. */
  name?: string
  cursor?: string
  limit: number
}

/** The columns of a `File`, aliased; `size` is cast because pg gives int8 as text. */
export const FILE_COLUMNS = `id, user_id AS "userId", name, content_type AS "contentType", size::float8 AS size, sha256, status, direct, by_tool AS "byTool",
  error_code AS "errorCode", error_message AS "errorMessage", pages, text_length AS "textLength", text_tokens AS "textTokens",
  image, scans, reindex, attempt, failures, dispatch, dispatched_at AS "dispatchedAt", claim_token AS "claimToken", lease_until AS "leaseUntil",
  due_at AS "dueAt", deadline_at AS "deadlineAt", created_at AS "createdAt", updated_at AS "updatedAt"`

/** What its owner sees: neither uploads that have not ended nor what is being deleted. */
const VISIBLE = `status IN ('processing', 'ready', 'failed')`

const likePattern = (text: string): string => `%${text.replace(/[\\%_]/g, (char) => `\\${char}`)}%`

/** The files of a user: what its owner asks for, and what counts against the quotas. */
export class FileRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /** Makes a user's quota checks wait for each other until the transaction ends. */
  async lockUser(userId: string, tx: Tx): Promise<void> {
    await lockOwner('storageQuota', userId, tx)
  }

  async usage(userId: string, tx: Tx = this.#db.manager): Promise<StoredUsage> {
    const found = await rows<StoredUsage>(
      tx,
      `SELECT coalesce(sum(size), 0)::float8 AS bytes, count(*)::int AS files, is_guest($1) AS "isGuest",
         coalesce(sum(size) FILTER (WHERE by_tool), 0)::float8 AS "toolBytes", (count(*) FILTER (WHERE by_tool))::int AS "toolFiles"
       FROM files WHERE user_id = $1 AND status <> 'deleting'`,
      [userId],
    )
    return found[0] ?? { bytes: 0, files: 0, toolBytes: 0, toolFiles: 0, isGuest: false }
  }

  /** A file whose bytes are about to come; after `deadlineMs` a sweep removes it. */
  async insertUploading(
    file: Pick<File, 'id' | 'userId' | 'name' | 'contentType' | 'size' | 'direct' | 'byTool'> & { deadlineMs: number },
    tx: Tx = this.#db.manager,
  ): Promise<void> {
    await tx.query(
      `INSERT INTO files (id, user_id, name, content_type, size, direct, by_tool, status, due_at, deadline_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, 'uploading', now(), now() + $8 * interval '1 ms')`,
      [file.id, file.userId, file.name, file.contentType, file.size, file.direct, file.byTool, file.deadlineMs],
    )
  }

  /** An upload that has all of its bytes keeps room for those only. */
  async shrinkUpload(id: string, size: number): Promise<void> {
    await this.#db.manager.query(`UPDATE files SET size = least(size, $2) WHERE id = $1 AND status = 'uploading'`, [
      id,
      size,
    ])
  }

  /**
   * Takes a direct upload for one writer, who renews the lease while bytes come. A writer whose lease ran out has lost it.
   * False while another has it.
   */
  async claimUpload(id: string, token: string, leaseMs: number): Promise<boolean> {
    const claimed = await rows(
      this.#db.manager,
      `UPDATE files SET claim_token = $2, lease_until = now() + $3 * interval '1 ms'
       WHERE id = $1 AND direct AND status = 'uploading' AND deadline_at > now()
         AND (lease_until IS NULL OR lease_until < now() OR claim_token = $2) RETURNING id`,
      [id, token, leaseMs],
    )
    return claimed.length === 1
  }

  /** The writer is done. False when it had lost the upload: to another writer, to a sweep or to its completion. */
  async releaseUpload(id: string, token: string): Promise<boolean> {
    const released = await rows(
      this.#db.manager,
      `UPDATE files SET claim_token = NULL, lease_until = NULL
       WHERE id = $1 AND status = 'uploading' AND claim_token = $2 RETURNING id`,
      [id, token],
    )
    return released.length === 1
  }

  /** A slow upload that still moves is not abandoned. False when it was swept meanwhile. */
  async extendUpload(id: string, deadlineMs: number): Promise<boolean> {
    const found = await rows(
      this.#db.manager,
      `UPDATE files SET deadline_at = now() + $2 * interval '1 ms' WHERE id = $1 AND status = 'uploading' RETURNING id`,
      [id, deadlineMs],
    )
    return found.length === 1
  }

  /**
   * The bytes are in the store: from now on the file is its owner's. Undefined when the upload was swept meanwhile, or somebody is
   * writing it.
   */
  async acceptUpload(
    id: string,
    { size, sha256, deadlineMs }: { size: number; sha256: string | null; deadlineMs: number },
    tx: Tx = this.#db.manager,
  ): Promise<File | undefined> {
    const accepted = await rows<File>(
      tx,
      `UPDATE files SET status = 'processing', size = $2, sha256 = $3, due_at = now(), dispatched_at = now(),
         deadline_at = now() + $4 * interval '1 ms', claim_token = NULL, lease_until = NULL, updated_at = now()
       WHERE id = $1 AND status = 'uploading' AND (lease_until IS NULL OR lease_until < now())
       RETURNING ${FILE_COLUMNS}`,
      [id, size, sha256, deadlineMs],
    )
    return accepted[0]
  }

  async findVisible(userId: string, id: string): Promise<File | undefined> {
    const found = await rows<File>(
      this.#db.manager,
      `SELECT ${FILE_COLUMNS} FROM files WHERE user_id = $1 AND id = $2 AND ${VISIBLE}`,
      [userId, id],
    )
    return found[0]
  }

  /** A direct upload that has not been completed; `leaseUntil` tells whether somebody writes it. */
  async findUploading(userId: string, id: string): Promise<File | undefined> {
    const found = await rows<File>(
      this.#db.manager,
      `SELECT ${FILE_COLUMNS} FROM files
       WHERE user_id = $1 AND id = $2 AND direct AND status = 'uploading' AND deadline_at > now()`,
      [userId, id],
    )
    return found[0]
  }

  /** Newest first; reads one row more than asked, so that the caller sees whether there is another page. */
  list(userId: string, { status, name, cursor, limit }: FileFilter): Promise<File[]> {
    return rows<File>(
      this.#db.manager,
      `SELECT ${FILE_COLUMNS} FROM files
       WHERE user_id = $1 AND ${VISIBLE} AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR name ILIKE $3)
         AND ($4::uuid IS NULL OR id < $4)
       ORDER BY id DESC LIMIT $5`,
      [userId, status ?? null, name ? likePattern(name) : null, cursor ?? null, limit + 1],
    )
  }

  /** The latest that can be read: so many that their user brought, and so many that tools gave back, which are not to hide the others. */
  latest(userId: string, { own, byTool }: { own: number; byTool: number }): Promise<File[]> {
    const some = (most: string, which: string) =>
      `(SELECT ${FILE_COLUMNS} FROM files WHERE user_id = $1 AND status = 'ready' AND ${which} ORDER BY id DESC LIMIT ${most})`
    return rows<File>(this.#db.manager, `${some('$2', 'NOT by_tool')} UNION ALL ${some('$3', 'by_tool')}`, [
      userId,
      own,
      byTool,
    ])
  }

  /** Visible files by id, in no particular order. */
  byIds(ids: string[]): Promise<File[]> {
    return rows<File>(this.#db.manager, `SELECT ${FILE_COLUMNS} FROM files WHERE id = ANY($1::uuid[]) AND ${VISIBLE}`, [
      ids,
    ])
  }

  /**
   * Takes visible files from their owner; their objects are removed next, by the caller or by a sweep. Ends a claim too.
   * Answers which were there.
   */
  async markDeleting(userId: string, ids: string[]): Promise<string[]> {
    const marked = await rows<{ id: string }>(
      this.#db.manager,
      `UPDATE files SET status = 'deleting', claim_token = NULL, lease_until = NULL, due_at = now(), updated_at = now()
       WHERE user_id = $1 AND id = ANY($2::uuid[]) AND ${VISIBLE} RETURNING id`,
      [userId, ids],
    )
    return marked.map((row) => row.id)
  }

  /** Takes back an upload that failed. False when it was accepted or removed meanwhile. */
  async abandonUpload(id: string): Promise<boolean> {
    const marked = await rows(
      this.#db.manager,
      `UPDATE files SET status = 'deleting', due_at = now(), updated_at = now() WHERE id = $1 AND status = 'uploading' RETURNING id`,
      [id],
    )
    return marked.length === 1
  }

  /** The last step of a deletion, after its objects are gone. */
  async remove(id: string): Promise<void> {
    await this.#db.manager.query(`DELETE FROM files WHERE id = $1 AND status = 'deleting'`, [id])
  }

  /** Which of these ids have a row, and in which status. */
  statuses(ids: string[]): Promise<Array<{ id: string; status: FileStatus; image: boolean }>> {
    return rows(this.#db.manager, `SELECT id, status, image FROM files WHERE id = ANY($1::uuid[])`, [ids])
  }

  /** Settled files in the order of their ids, for an audit. */
  settledAfter(id: string | null, limit: number): Promise<Array<{ id: string; size: number; image: boolean }>> {
    return rows(
      this.#db.manager,
      `SELECT id, size::float8 AS size, image FROM files
       WHERE status IN ('processing', 'ready') AND ($1::uuid IS NULL OR id > $1) ORDER BY id LIMIT $2`,
      [id, limit],
    )
  }
}
