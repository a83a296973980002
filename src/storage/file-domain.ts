import type { FileView } from '../contract/views.ts'
import type { Transactions } from '../database/transaction.ts'
import type { JobQueue } from '../queue/job-queue.ts'
import type { Logger } from '../shared/logger.ts'
import { FileRepository } from './file.repository.ts'
import { FileService } from './file.service.ts'
import { FileChunkRepository } from './file-chunk.repository.ts'
import type { FileLimits } from './file-limits.ts'
import { FileObjects } from './file-objects.ts'
import { FileDispatch } from './processing/file-dispatch.ts'
import { FileWorkRepository } from './processing/file-work.repository.ts'
import type { Store } from './store/store.ts'
import { UploadService } from './upload/upload.service.ts'
import { UploadBudgetRepository } from './upload/upload-budget.repository.ts'

export interface FileDomainOptions {
  db: ConstructorParameters<typeof FileRepository>[0]
  transactions: Transactions
  queue: JobQueue
  store: Store
  limits: FileLimits
  /** Told of every change of a file's status, after its commit; what it throws is logged. */
  onFileChanged: (userId: string, file: FileView) => Promise<void>
  logger: Logger
}

export type FileDomain = ReturnType<typeof createFileDomain>

/** The parts of this domain, wired to each other; the composition root passes what is outside of it. */
export function createFileDomain({ db, transactions, queue, store, limits, onFileChanged, logger }: FileDomainOptions) {
  const files = new FileRepository(db)
  const work = new FileWorkRepository(db)
  const chunks = new FileChunkRepository(db)
  const budgets = new UploadBudgetRepository(db, {
    bytesPerDay: limits.uploadBytesPerDay,
    uploadsPerMinute: limits.uploadsPerMinute,
  })
  const objects = new FileObjects(files, store)
  const dispatch = new FileDispatch(queue, logger)
  return {
    rows: files,
    work,
    chunks,
    objects,
    dispatch,
    store,
    transactions,
    onFileChanged,
    logger,
    files: new FileService({ files, work, chunks, store, objects, dispatch, limits, onFileChanged, logger }),
    uploads: new UploadService({ budgets, files, store, objects, transactions, dispatch, limits, logger }),
  }
}
