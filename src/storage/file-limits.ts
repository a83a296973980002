/** The tunables that files obey. Bytes, counts, milliseconds. */
export interface FileLimits {
  /** Largest single file (UPLOAD_MAX_BYTES). */
  uploadMaxBytes: number
  /** All files of one user together (USER_STORAGE_BYTES). */
  userBytes: number
  /** USER_STORAGE_FILES. */
  userFiles: number
  /** UPLOADS_PER_MINUTE of one user. */
  uploadsPerMinute: number
  /** An upload that is not over after this, and does not move, is removed. */
  uploadDeadlineMs: number
  /** An upload that sends nothing for this long is given up. */
  uploadIdleMs: number
  /** Processing that is not over after this fails, whatever happened to it. */
  processDeadlineMs: number
  /** How long a presigned address works. */
  presignSeconds: number
}

/** What the tunables do not set. */
export const FILE_LIMIT_DEFAULTS = {
  uploadDeadlineMs: 3_600_000,
  uploadIdleMs: 60_000,
  processDeadlineMs: 3_600_000,
  presignSeconds: 900,
} as const
