import { EntitySchema } from 'typeorm'
import {
  bigintColumn,
  boolean,
  createdAt,
  id,
  integer,
  jsonb,
  text,
  timestamp,
  updatedAt,
  uuid,
} from '../database/columns.ts'
import { wordList } from '../database/query.ts'

/**
 * A file's life. `uploading`: bytes are still coming, nobody sees it. `processing`: its bytes are in the store, its job is to
 * read it. `ready` and `failed` are settled. `deleting`: gone for its owner, its objects are being removed.
 */
const FILE_STATUSES = ['uploading', 'processing', 'ready', 'failed', 'deleting'] as const
export type FileStatus = (typeof FILE_STATUSES)[number]

/** A page without text as a picture: where it stands in the object of all of them. */
export interface ScanPage {
  /** From 1. */
  page: number
  /** Of its first byte. */
  start: number
  bytes: number
}

/** A user's file as it is stored; its bytes are objects named by its id (`object-keys.ts`). */
export class File {
  declare id: string
  declare userId: string
  /** As shown: without folders and control characters, at most 255 bytes. Never part of an object's key. */
  declare name: string
  /** What the uploader said; once `ready`, what the content is. */
  declare contentType: string
  /** Bytes; for a direct upload that has not arrived, the bytes that it may have. */
  declare size: number
  /** Hex. Null for a direct upload until it has been processed. */
  declare sha256: string | null
  declare status: FileStatus
  /** True when the client sends the bytes to the store itself. */
  declare direct: boolean
  /** True when a tool gave it back, and its user did not bring it. */
  declare byTool: boolean
  declare errorCode: string | null
  declare errorMessage: string | null
  declare pages: number | null
  /** Characters (UTF-16 code units) of its text; null until it is ready. */
  declare textLength: number | null
  /** About as many model tokens as its text has. */
  declare textTokens: number | null
  /** True when it is an image with a thumbnail and a stripped copy. */
  declare image: boolean
  /** Pages that have no text, as JPEG pictures for models that see; null when there are none. */
  declare scans: ScanPage[] | null
  /** True when its text is indexed as an older version did: a worker indexes it anew. */
  declare reindex: boolean
  /** Tries of the processing so far, the present one included; and those of them that failed. The others were cut off. */
  declare attempt: number
  declare failures: number
  /** Part of the job's id; raised when the job has to be a new one. */
  declare dispatch: number
  declare dispatchedAt: Date | null
  /** Who processes it now; every write of the processing is guarded by it. */
  declare claimToken: string | null
  declare leaseUntil: Date | null
  /** Before this nothing is tried (backoff). */
  declare dueAt: Date
  /** After this the present state is given up. */
  declare deadlineAt: Date | null
  declare createdAt: Date
  declare updatedAt: Date
}

export const fileEntity = new EntitySchema<File>({
  name: 'File',
  target: File,
  tableName: 'files',
  columns: {
    id: id(),
    userId: uuid(),
    name: text(),
    contentType: text(),
    size: bigintColumn({
      default: 0,
      // Sizes of files fit into a number by far.
      transformer: { from: (value: string) => Number(value), to: (value: number) => value },
    }),
    sha256: text({ nullable: true }),
    status: text(),
    direct: boolean({ default: false }),
    byTool: boolean({ default: false }),
    errorCode: text({ nullable: true }),
    errorMessage: text({ nullable: true }),
    pages: integer({ nullable: true }),
    textLength: integer({ nullable: true }),
    textTokens: integer({ nullable: true }),
    image: boolean({ default: false }),
    scans: jsonb({ nullable: true }),
    reindex: boolean({ default: false }),
    attempt: integer({ default: 0 }),
    failures: integer({ default: 0 }),
    dispatch: integer({ default: 0 }),
    dispatchedAt: timestamp({ nullable: true }),
    claimToken: uuid({ nullable: true }),
    leaseUntil: timestamp({ nullable: true }),
    dueAt: timestamp({ default: () => 'now()' }),
    deadlineAt: timestamp({ nullable: true }),
    createdAt: createdAt(),
    updatedAt: updatedAt(),
  },
  checks: [
    { name: 'files_status_check', expression: `status IN ${wordList(FILE_STATUSES)}` },
    { name: 'files_size_check', expression: 'size >= 0' },
  ],
  indices: [
    { name: 'files_user_id_idx', columns: ['userId', 'id'] },
    // On (size <= SMALL_FILE_BYTES), user_id, due_at, id: an expression, of which the entity knows nothing.
    { name: 'files_waiting', columns: ['userId'], synchronize: false },
    { name: 'files_at_work', columns: ['userId'], where: `status = 'processing' AND lease_until IS NOT NULL` },
    { name: 'files_reindex_idx', columns: ['id'], where: 'reindex' },
    {
      name: 'files_unsettled_idx',
      columns: ['dueAt'],
      where: `status IN ('uploading', 'processing', 'deleting')`,
    },
  ],
  foreignKeys: [
    {
      name: 'files_user_fk',
      target: 'User',
      columnNames: ['userId'],
      referencedColumnNames: ['id'],
      onDelete: 'CASCADE',
    },
  ],
})
