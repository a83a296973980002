import type { Env } from '../config/env.ts'

/** The tunables that files obey. Bytes, counts, milliseconds. */
export interface FileLimits {
  /** Largest single file (UPLOAD_MAX_BYTES). */
  uploadMaxBytes: number
  /** All files of one user together (USER_STORAGE_BYTES). */
  userBytes: number
  /** USER_STORAGE_FILES. */
  userFiles: number
  /** The same of a guest (GUEST_STORAGE_BYTES, GUEST_STORAGE_FILES). */
  guestBytes: number
  guestFiles: number
  /** UPLOADS_PER_MINUTE of one user. */
  uploadsPerMinute: number
  /** What one user may write within a day, deleted or not (USER_UPLOAD_BYTES_PER_DAY). */
  uploadBytesPerDay: number
  /** Uploads of this process at once (UPLOADS_AT_ONCE). */
  uploadsAtOnce: number
  /** Uploads of one user at once in this process (USER_UPLOADS_AT_ONCE). */
  userUploadsAtOnce: number
  /** An upload that is not over after this, and does not move, is removed. */
  uploadDeadlineMs: number
  /** An upload that sends less than `uploadIdleBytes` within this is given up. */
  uploadIdleMs: number
  uploadIdleBytes: number
  /** Processing that is not over after this fails, whatever happened to it. */
  processDeadlineMs: number
  /** How long a presigned address works. */
  presignSeconds: number
}

/** How much somebody may store. */
export const roomOf = (limits: FileLimits, isGuest: boolean): { bytes: number; files: number } =>
  isGuest
    ? { bytes: limits.guestBytes, files: limits.guestFiles }
    : { bytes: limits.userBytes, files: limits.userFiles }

/** Of that, and of what may come in a minute and a day, this is for what tools give back too: their servers are others', and a user brings files. */
export const TOOL_SHARE = 0.5

/** What the tunables do not set. */
export const FILE_LIMIT_DEFAULTS = {
  uploadDeadlineMs: 3_600_000,
  uploadIdleMs: 60_000,
  // A kilobyte a second: slower than any line, and a seat is taken as long as it lasts.
  uploadIdleBytes: 65_536,
  // Tries have times of their own. Whoever has more than an hour's share read (FILE_HOURLY_MS) waits for the next hours, and is not to fail.
  processDeadlineMs: 86_400_000,
  presignSeconds: 900,
} as const

/** As the environment has them. */
export const fileLimits = (env: Env): FileLimits => ({
  ...FILE_LIMIT_DEFAULTS,
  uploadMaxBytes: env.UPLOAD_MAX_BYTES,
  userBytes: env.USER_STORAGE_BYTES,
  userFiles: env.USER_STORAGE_FILES,
  guestBytes: env.GUEST_STORAGE_BYTES,
  guestFiles: env.GUEST_STORAGE_FILES,
  uploadsPerMinute: env.UPLOADS_PER_MINUTE,
  uploadBytesPerDay: env.USER_UPLOAD_BYTES_PER_DAY,
  uploadsAtOnce: env.UPLOADS_AT_ONCE,
  userUploadsAtOnce: env.USER_UPLOADS_AT_ONCE,
})
