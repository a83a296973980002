import type { FileView } from '../../contract/views.ts'
import type { Logger } from '../../shared/logger.ts'
import { presentFile } from '../file.presenter.ts'
import type { FileChunkRepository } from '../file-chunk.repository.ts'
import type { FileObjects } from '../file-objects.ts'
import type { FileDispatch } from './file-dispatch.ts'
import type { FileWorkRepository } from './file-work.repository.ts'

/** Rows handled in one pass; what remains is handled by the next. */
const BATCH = 100
/** A deletion whose store was away is tried again after this. */
const DELETION_RETRY_MS = 60_000
/** Files indexed anew in one pass: a second of work or so. */
const REINDEXED = 20

export interface FileReconcilerOptions {
  work: FileWorkRepository
  chunks: FileChunkRepository
  objects: FileObjects
  dispatch: FileDispatch
  /** Told of every file that is failed here. */
  onFileChanged: (userId: string, file: FileView) => Promise<void>
  /** Tries of one file's processing that may fail. */
  maxAttempts: number
  /** A dispatched file that nobody claimed for this long is put into the queue again. */
  redispatchAfterMs: number
  logger: Logger
}

/**
 * One pass over what is not settled: fails what is past its deadline or out of tries, puts forgotten files back into the queue,
 * ends deletions and abandoned uploads, indexes texts of older versions anew. Meant for a timer under the reconciler's lock; safe to run at the same time elsewhere.
 */
export async function reconcileFiles(options: FileReconcilerOptions): Promise<void> {
  const { work, chunks, objects, dispatch, logger } = options
  for (const file of await work.failOverdue(options.maxAttempts, BATCH)) {
    logger.warn({ fileId: file.id, code: file.errorCode }, 'file given up')
    await options.onFileChanged(file.userId, presentFile(file)).catch((error: unknown) => {
      logger.warn({ err: error, fileId: file.id }, 'file change not announced')
    })
  }
  for (const file of await work.redispatch(options.redispatchAfterMs, BATCH)) await dispatch.enqueue(file)
  for (const fileId of await work.takeDeletions(DELETION_RETRY_MS, BATCH)) {
    await objects.removeMarked(fileId).catch((error: unknown) => {
      logger.warn({ err: error, fileId }, 'deletion not ended; it is tried again')
    })
  }
  for (let count = 0; count < REINDEXED && (await chunks.reindexNext()); count++);
}
