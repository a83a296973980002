import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type { DataSource } from 'typeorm'
import type { FileView } from '../../src/contract/views.ts'
import { Transactions } from '../../src/database/transaction.ts'
import { catalog } from '../../src/queue/catalog.ts'
import type { EnqueueOptions, JobQueue } from '../../src/queue/job-queue.ts'
import { newId } from '../../src/shared/ids.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { createFileDomain, type FileDomain } from '../../src/storage/file-domain.ts'
import { FILE_LIMIT_DEFAULTS, type FileLimits } from '../../src/storage/file-limits.ts'
import { LocalStore } from '../../src/storage/store/local-store.ts'
import type { Store } from '../../src/storage/store/store.ts'
import { FileProcessor, type FileProcessorOptions } from '../../workers/processors/file.processor.ts'

export const LIMITS: FileLimits = {
  uploadMaxBytes: 5_000_000,
  userBytes: 20_000_000,
  guestBytes: 1_000,
  guestFiles: 1,
  userFiles: 200,
  uploadsPerMinute: 1_000,
  uploadBytesPerDay: 1_000_000_000,
  uploadsAtOnce: 100,
  userUploadsAtOnce: 100,
  ...FILE_LIMIT_DEFAULTS,
}

/** A queue that only writes down what it was given; `down` makes it unreachable. */
export class NotedQueue implements JobQueue {
  readonly jobs: Array<{ fileId: string; jobId: string; delayMs: number }> = []
  down = false

  async enqueue(_job: unknown, payload: unknown, { jobId, delayMs = 0 }: EnqueueOptions): Promise<void> {
    if (this.down) throw new Error('the queue is away')
    this.jobs.push({ ...catalog.fileProcess.payload.parse(payload), jobId, delayMs })
  }
  async depth(): Promise<number> {
    return this.jobs.length
  }
  async ping(): Promise<void> {}
  async obliterate(): Promise<void> {
    this.jobs.length = 0
  }
  async close(): Promise<void> {}
}

/** The whole domain on a real database and a real folder. */
export interface FilesWorld {
  domain: FileDomain
  store: Store
  root: string
  queue: NotedQueue
  /** What `onFileChanged` was told. */
  told: FileView[]
  /** A new user's id. */
  user(): Promise<string>
  /** Uploads and accepts one file. */
  upload(userId: string, name: string, contentType: string, content: Buffer | string): Promise<FileView>
  processor(options?: Partial<FileProcessorOptions>): FileProcessor
  /** Handles the jobs that are noted, once each. */
  work(processor?: FileProcessor): Promise<void>
  /** Keys of all objects in the store. */
  objects(): Promise<string[]>
  close(): Promise<void>
}

export async function createFilesWorld(
  db: DataSource,
  { limits = {}, store: given }: { limits?: Partial<FileLimits>; store?: (local: Store) => Store } = {},
): Promise<FilesWorld> {
  const root = await mkdtemp(join(tmpdir(), 'chatsparty-files-'))
  const local = new LocalStore(root)
  const store = given?.(local) ?? local
  const queue = new NotedQueue()
  const told: FileView[] = []
  const domain = createFileDomain({
    db,
    transactions: new Transactions(db),
    queue,
    store,
    limits: { ...LIMITS, ...limits },
    onFileChanged: async (_userId, view) => {
      told.push(view)
    },
    logger: silentLogger,
  })
  const processor = (options: Partial<FileProcessorOptions> = {}) =>
    new FileProcessor({
      ...domain,
      files: domain.rows,
      limits: { timeoutMs: 20_000, memoryMb: 256, maxPages: 100, maxTextChars: 500_000 },
      time: { leastMs: 20_000, perMbMs: 1_000 },
      hourlyMs: 3_600_000,
      leaseMs: 5_000,
      maxAttempts: 3,
      backoff: { baseMs: 1_000, maxMs: 10_000 },
      ...options,
    })
  return {
    domain,
    store,
    root,
    queue,
    told,
    processor,
    async user() {
      const id = newId()
      await db.query(
        `INSERT INTO users (id, email, email_key, password_hash, name, role) VALUES ($1, $2, $2, 'x', 'Ada', 'user')`,
        [id, `${id}@example.com`],
      )
      return id
    },
    async upload(userId, name, contentType, content) {
      const received = await domain.uploads.receive(
        userId,
        { name, contentType },
        Readable.from([Buffer.from(content)]),
        { expected: { most: Buffer.byteLength(content) } },
      )
      const [view] = await domain.uploads.accept(userId, [received])
      if (!view) throw new Error('not accepted')
      return view
    },
    async work(by = processor()) {
      for (const { fileId } of queue.jobs.splice(0))
        await by.handle({ fileId }, { signal: new AbortController().signal })
    },
    async objects() {
      const keys: string[] = []
      for await (const object of local.list('')) keys.push(object.key)
      return keys.sort()
    },
    close: () => rm(root, { recursive: true }),
  }
}
