import { catalog } from '../../queue/catalog.ts'
import type { JobQueue } from '../../queue/job-queue.ts'
import type { Logger } from '../../shared/logger.ts'
import { isSmallFile } from './file-share.ts'

/**
 * Puts files into the queue: a job for each, which then reads whichever file has waited with the best right.
 * Only after a commit; what fails here, the reconciler puts in later.
 */
export class FileDispatch {
  readonly #queue: JobQueue
  readonly #logger: Logger

  constructor(queue: JobQueue, logger: Logger) {
    this.#queue = queue
    this.#logger = logger
  }

  async enqueue(file: { id: string; dispatch: number; size: number }, delayMs = 0): Promise<void> {
    const options = { jobId: `${file.id}-${file.dispatch}`, delayMs }
    const job = isSmallFile(file) ? catalog.smallFileProcess : catalog.fileProcess
    await this.#queue.enqueue(job, { fileId: file.id }, options).catch((error: unknown) => {
      this.#logger.warn({ err: error, fileId: file.id }, 'file not enqueued; the reconciler will')
    })
  }
}
