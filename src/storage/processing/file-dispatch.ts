import { catalog } from '../../queue/catalog.ts'
import type { JobQueue } from '../../queue/job-queue.ts'
import type { Logger } from '../../shared/logger.ts'

/** Puts files into the queue. Only after a commit; what fails here, the reconciler puts in later. */
export class FileDispatch {
  readonly #queue: JobQueue
  readonly #logger: Logger

  constructor(queue: JobQueue, logger: Logger) {
    this.#queue = queue
    this.#logger = logger
  }

  async enqueue(file: { id: string; dispatch: number }, delayMs = 0): Promise<void> {
    const options = { jobId: `${file.id}-${file.dispatch}`, delayMs }
    await this.#queue.enqueue(catalog.fileProcess, { fileId: file.id }, options).catch((error: unknown) => {
      this.#logger.warn({ err: error, fileId: file.id }, 'file not enqueued; the reconciler will')
    })
  }
}
