import type { DataSource } from 'typeorm'
import { rows } from '../../database/query.ts'
import type { Tx } from '../../database/transaction.ts'
import type { File, ScanPage } from '../file.entity.ts'
import { FILE_COLUMNS } from '../file.repository.ts'
import { SMALL_FILE_BYTES } from './file-share.ts'

/** What reading a file found out. */
export interface FileFindings {
  contentType: string
  sha256: string
  pages: number | null
  textLength: number
  textTokens: number
  image: boolean
  scans: ScanPage[] | null
}

/** A reason that its owner is shown. */
export interface FileError {
  code: string
  message: string
}

/** As the index `files_waiting` has it: the number is part of its expression. */
const IS_SMALL = `f.size <= ${SMALL_FILE_BYTES}`
const OF_KIND = `f.status = 'processing' AND (${IS_SMALL}) = (SELECT small FROM kind)`
const IS_FREE = 'f.due_at <= now() AND (f.lease_until IS NULL OR f.lease_until < now())'
/** Files that are looked at, of a user and of all: others may take some of them at the same moment. */
const OLDEST = { ofUser: 8, ofAll: 32 }

/**
 * Tries that ended without a word, by a kill, a crash of the worker, or a machine that went. That is mostly no fault of the file, which is
 * read in a process of its own; but one that brings down so many workers is not tried on.
 */
const MOST_LOST_TRIES = 10
/** True when so many were, the present one of a claim not counted. */
export const isLostTooOften = ({ attempt, failures }: Pick<File, 'attempt' | 'failures'>): boolean =>
  attempt - 1 - failures >= MOST_LOST_TRIES

const RELEASE = `claim_token = NULL, lease_until = NULL, updated_at = now()`

/** The processing of files: claims, leases, retries, deadlines. Every write of a claim is guarded by its token. */
export class FileWorkRepository {
  readonly #db: DataSource

  constructor(db: DataSource) {
    this.#db = db
  }

  /**
   * Takes, of the due files that nobody works on (or whose worker's lease has run out) and that are small as the named one is, or
   * are not, one of the user who has the fewest in work, and among those had the least read within the hour; the named one where
   * that is all the same, then the oldest. A user who had more than `hourlyMs` read waits. Undefined when there is nothing to do.
   * It costs what there are users who wait, however many files each has.
   */
  async claim(
    id: string,
    token: string,
    { leaseMs, hourlyMs }: { leaseMs: number; hourlyMs: number },
  ): Promise<File | undefined> {
    const claimed = await rows<File>(
      this.#db.manager,
      `WITH RECURSIVE kind AS MATERIALIZED (
         SELECT ${IS_SMALL} AS small FROM files f WHERE f.id = $1
       ), waiting AS (
         (SELECT f.user_id FROM files f WHERE ${OF_KIND} ORDER BY f.user_id LIMIT 1)
         UNION ALL
         SELECT (SELECT f.user_id FROM files f WHERE ${OF_KIND} AND f.user_id > w.user_id ORDER BY f.user_id LIMIT 1)
         FROM waiting w WHERE w.user_id IS NOT NULL
       ), users_waiting AS MATERIALIZED (
         SELECT w.user_id,
           (SELECT coalesce(sum(e.ms), 0) FROM file_effort e WHERE e.user_id = w.user_id AND e.since > now() - interval '1 hour') AS had,
           (SELECT count(*) FROM files r WHERE r.user_id = w.user_id AND r.status = 'processing' AND r.lease_until >= now()) AS at_work
         FROM waiting w WHERE w.user_id IS NOT NULL
       ), first AS MATERIALIZED (
         SELECT o.id, row_number() OVER (ORDER BY u.at_work, u.had, o.id = $1 DESC, o.due_at, o.id) AS place
         FROM users_waiting u CROSS JOIN LATERAL (
           (SELECT f.id, f.due_at FROM files f WHERE ${OF_KIND} AND f.user_id = u.user_id AND ${IS_FREE} ORDER BY f.due_at, f.id LIMIT $5)
           UNION
           SELECT f.id, f.due_at FROM files f WHERE f.id = $1 AND f.status = 'processing' AND f.user_id = u.user_id AND ${IS_FREE}) o
         WHERE u.had < $4
       ), next AS (
         SELECT f.id FROM (SELECT first.id, first.place FROM first ORDER BY first.place LIMIT $6) best JOIN files f ON f.id = best.id
         WHERE f.status = 'processing' AND ${IS_FREE}
         ORDER BY best.place LIMIT 1 FOR UPDATE OF f SKIP LOCKED
       )
       UPDATE files SET claim_token = $2, lease_until = now() + $3 * interval '1 ms', attempt = attempt + 1, updated_at = now()
       WHERE id = (SELECT next.id FROM next)
       RETURNING ${FILE_COLUMNS}`,
      [id, token, leaseMs, hourlyMs, OLDEST.ofUser, OLDEST.ofAll],
    )
    return claimed[0]
  }

  /** Notes how long a user's file was read, well or badly. */
  async noteEffort(userId: string, ms: number): Promise<void> {
    await rows(
      this.#db.manager,
      `INSERT INTO file_effort AS e (user_id, since, ms)
       SELECT u.id, date_bin('10 minutes', now(), 'epoch'), $2 FROM users u WHERE u.id = $1
       ON CONFLICT (user_id, since) DO UPDATE SET ms = e.ms + excluded.ms`,
      [userId, Math.ceil(ms)],
    )
  }

  /** Forgets what is of no hour any more. */
  async pruneEffort(): Promise<void> {
    await rows(this.#db.manager, `DELETE FROM file_effort WHERE since < now() - interval '2 hours'`)
  }

  /** Milliseconds until another worker's lease or the backoff ends; undefined when the file is not to be processed. */
  async waitFor(id: string): Promise<number | undefined> {
    const found = await rows<{ ms: number }>(
      this.#db.manager,
      `SELECT (extract(epoch FROM greatest(lease_until, due_at) - now()) * 1000)::float8 AS ms
       FROM files WHERE id = $1 AND status = 'processing'`,
      [id],
    )
    return found[0]?.ms
  }

  /** False when the claim is lost or the deadline has passed: the work must stop. */
  async renew(id: string, token: string, leaseMs: number): Promise<boolean> {
    const renewed = await rows(
      this.#db.manager,
      `UPDATE files SET lease_until = now() + $3 * interval '1 ms'
       WHERE id = $1 AND claim_token = $2 AND status = 'processing' AND deadline_at > now() RETURNING id`,
      [id, token, leaseMs],
    )
    return renewed.length === 1
  }

  /** Settles a claim as `ready`. Undefined when the claim was lost; then nothing may be written. */
  async settleReady(id: string, token: string, findings: FileFindings, tx: Tx): Promise<File | undefined> {
    const settled = await rows<File>(
      tx,
      `UPDATE files SET status = 'ready', content_type = $3, sha256 = $4, pages = $5, text_length = $6, text_tokens = $7, image = $8, scans = $9::jsonb, reindex = false,
         error_code = NULL, error_message = NULL, deadline_at = NULL, ${RELEASE}
       WHERE id = $1 AND claim_token = $2 AND status = 'processing' RETURNING ${FILE_COLUMNS}`,
      [
        id,
        token,
        findings.contentType,
        findings.sha256,
        findings.pages,
        findings.textLength,
        findings.textTokens,
        findings.image,
        findings.scans === null ? null : JSON.stringify(findings.scans),
      ],
    )
    return settled[0]
  }

  /** Settles a claim as `failed`. Undefined when the claim was lost. */
  async settleFailed(id: string, token: string, error: FileError): Promise<File | undefined> {
    const settled = await rows<File>(
      this.#db.manager,
      `UPDATE files SET status = 'failed', error_code = $3, error_message = $4, deadline_at = NULL, ${RELEASE}
       WHERE id = $1 AND claim_token = $2 AND status = 'processing' RETURNING ${FILE_COLUMNS}`,
      [id, token, error.code, error.message],
    )
    return settled[0]
  }

  /** Gives a claim back, to be tried again after `delayMs`: the try has failed, or with `refund` it shall not count (a drain). */
  async release(id: string, token: string, delayMs: number, refund: boolean): Promise<number | undefined> {
    const released = await rows<{ dispatch: number }>(
      this.#db.manager,
      `UPDATE files SET due_at = now() + $3 * interval '1 ms', dispatch = dispatch + 1,
         dispatched_at = now() + $3 * interval '1 ms', attempt = attempt - $4, failures = failures + 1 - $4, ${RELEASE}
       WHERE id = $1 AND claim_token = $2 AND status = 'processing' RETURNING dispatch`,
      [id, token, delayMs, refund ? 1 : 0],
    )
    return released[0]?.dispatch
  }

  /** Starts a settled file's processing anew. Undefined when it is not settled. */
  async restart(userId: string, id: string, deadlineMs: number): Promise<File | undefined> {
    const restarted = await rows<File>(
      this.#db.manager,
      `UPDATE files SET status = 'processing', error_code = NULL, error_message = NULL, attempt = 0, failures = 0, dispatch = dispatch + 1,
         dispatched_at = now(), due_at = now(), deadline_at = now() + $3 * interval '1 ms', ${RELEASE}
       WHERE id = $1 AND user_id = $2 AND status IN ('ready', 'failed') RETURNING ${FILE_COLUMNS}`,
      [id, userId, deadlineMs],
    )
    return restarted[0]
  }

  /** Files past their deadline or out of tries, failed ones or ones that were cut off, whose worker is gone, become `failed`. */
  failOverdue(maxAttempts: number, limit: number): Promise<File[]> {
    return rows<File>(
      this.#db.manager,
      `UPDATE files SET status = 'failed', deadline_at = NULL, ${RELEASE},
         error_code = CASE WHEN deadline_at <= now() THEN 'file.deadline_exceeded' ELSE 'file.processing_failed' END,
         error_message = CASE WHEN deadline_at <= now() THEN 'Reading the file took too long.'
           ELSE 'The file could not be read in several tries.' END
       WHERE id IN (
         SELECT id FROM files WHERE status = 'processing' AND (lease_until IS NULL OR lease_until < now())
           AND (deadline_at <= now() OR failures >= $1 OR attempt - failures >= ${MOST_LOST_TRIES}) LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING ${FILE_COLUMNS}`,
      [maxAttempts, limit],
    )
  }

  /**
   * Files that should be in the queue and perhaps are not: due, and either never claimed since their dispatch or with a dead claim.
   * A dead claim is ended and gets a new dispatch number, because a hung worker may still hold the job of the old one.
   */
  redispatch(afterMs: number, limit: number): Promise<Array<{ id: string; dispatch: number; size: number }>> {
    return rows(
      this.#db.manager,
      `UPDATE files SET dispatched_at = now(), dispatch = dispatch + (lease_until IS NOT NULL)::int, claim_token = NULL, lease_until = NULL
       WHERE id IN (
         SELECT id FROM files WHERE status = 'processing' AND due_at <= now() AND (lease_until IS NULL OR lease_until < now())
           AND (dispatched_at IS NULL OR dispatched_at < now() - $1 * interval '1 ms' OR lease_until IS NOT NULL)
         ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING id, dispatch, size::float8 AS size`,
      [afterMs, limit],
    )
  }

  /** Uploads that never ended become deletions; answers deletions that are due, each put off so that nobody else takes it. */
  async takeDeletions(retryMs: number, limit: number): Promise<string[]> {
    await this.#db.manager.query(
      `UPDATE files SET status = 'deleting', due_at = now(), updated_at = now() WHERE status = 'uploading' AND deadline_at <= now()`,
    )
    const taken = await rows<{ id: string }>(
      this.#db.manager,
      `UPDATE files SET due_at = now() + $1 * interval '1 ms'
       WHERE id IN (SELECT id FROM files WHERE status = 'deleting' AND due_at <= now() LIMIT $2 FOR UPDATE SKIP LOCKED)
       RETURNING id`,
      [retryMs, limit],
    )
    return taken.map((row) => row.id)
  }
}
