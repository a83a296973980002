import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { FileView } from '../../src/contract/views.ts'
import type { Transactions } from '../../src/database/transaction.ts'
import { type JobHandler, Postpone } from '../../src/queue/job-queue.ts'
import { newId } from '../../src/shared/ids.ts'
import type { Logger } from '../../src/shared/logger.ts'
import type { File } from '../../src/storage/file.entity.ts'
import { presentFile } from '../../src/storage/file.presenter.ts'
import type { FileRepository } from '../../src/storage/file.repository.ts'
import type { FileChunkRepository } from '../../src/storage/file-chunk.repository.ts'
import type { FileObjects } from '../../src/storage/file-objects.ts'
import type { FileDispatch } from '../../src/storage/processing/file-dispatch.ts'
import { timeForFile } from '../../src/storage/processing/file-share.ts'
import {
  type FileError,
  type FileWorkRepository,
  isLostTooOften,
} from '../../src/storage/processing/file-work.repository.ts'
import { objectKeys } from '../../src/storage/store/object-keys.ts'
import { ObjectMissing, type Store } from '../../src/storage/store/store.ts'
import { ByteMeter } from '../../src/storage/upload/byte-meter.ts'
import { backoffMs } from '../backoff.ts'
import { type ParseLimits, type ParseOutcome, parseInProcess } from '../file-parsing/parse-process.ts'
import { LeaseKeeper, type Renewal } from '../lease-keeper.ts'
import type { VirusScanner } from '../virus-scanner.ts'

export interface FileProcessorOptions {
  files: FileRepository
  work: FileWorkRepository
  chunks: FileChunkRepository
  transactions: Transactions
  store: Store
  objects: FileObjects
  dispatch: FileDispatch
  /** None: files are not scanned. */
  scanner?: VirusScanner
  limits: ParseLimits
  /** What reading a file may take by its size, below `limits.timeoutMs`; see `timeForFile`. */
  time: { leastMs: number; perMbMs: number }
  /** What one user's files may take within an hour, in milliseconds. */
  hourlyMs: number
  /** A killed worker's file is taken over after at most this long; renewed at a third of it. */
  leaseMs: number
  /** Tries of one file that may fail, the first included; what was cut off is none. The reconciler must be told the same. */
  maxAttempts: number
  /** First wait after a try that failed for no fault of the file; doubles with each. */
  backoff: { baseMs: number; maxMs: number }
  /** Told of every file that settles, after the commit. */
  onFileChanged: (userId: string, file: FileView) => Promise<void>
  logger: Logger
}

const OCTETS = 'application/octet-stream'
const FOLDER_PREFIX = 'chatsparty-file-'
/** Longer than any file is worked on. */
const FOLDER_ABANDONED_MS = 6 * 3_600_000
/** What takes a whole process down is tried only this often: it is probably the file. What takes too long would again. */
const CRASH_ATTEMPTS = { timeout: 1, memory: 2, exit: 2 }
const CRASHES: Record<'timeout' | 'memory' | 'exit', FileError> = {
  timeout: { code: 'file.processing_timeout', message: 'Reading the file took too long.' },
  memory: { code: 'file.processing_memory', message: 'Reading the file takes more memory than there is for it.' },
  exit: { code: 'file.processing_failed', message: 'The file could not be read.' },
}

/** The claim was lost: another worker has the file, or its owner deleted it. Nothing may be written any more. */
class ClaimLost extends Error {}
/** The process that read the file died. */
class Crashed extends Error {
  readonly reason: keyof typeof CRASHES

  constructor(reason: keyof typeof CRASHES, detail: string) {
    super(`${reason}: ${detail}`)
    this.reason = reason
  }
}
/** The right to read a file. */
interface FileLease {
  fileId: string
  token: string
}
/** The file is at fault. */
class Refused extends Error {
  readonly error: FileError

  constructor(error: FileError) {
    super(error.code)
    this.error = error
  }
}

/**
 * Reads one file: fetches it, checks that it is what was uploaded, has it scanned, parses it in a process of its own, and settles
 * its row with its chunks in one transaction. The row's claim decides who may; the queue only delivers.
 */
export class FileProcessor {
  readonly #options: FileProcessorOptions
  readonly #leases: LeaseKeeper<FileLease>
  #swept: Promise<void> | undefined

  constructor(options: FileProcessorOptions) {
    this.#options = options
    const { work, leaseMs, logger } = options
    this.#leases = new LeaseKeeper({
      // Few at once, each for long.
      renew: async (leases, wantedMs) => {
        const renewed = leases.map(
          async (lease): Promise<[FileLease, Renewal]> => [
            lease,
            (await work.renew(lease.fileId, lease.token, wantedMs)) ? 'renewed' : 'lost',
          ],
        )
        return new Map(await Promise.all(renewed))
      },
      leaseMs,
      onTrouble: (error) => logger.warn({ err: error }, 'leases of files could not be renewed'),
    })
  }

  /** The handler of `files.process` and `files-small.process`: reads the file that has waited with the best right, which may be another. */
  handle: JobHandler<{ fileId: string }> = async ({ fileId: named }, { signal }) => {
    this.#swept ??= this.#sweepFolders()
    await this.#swept
    const { work } = this.#options
    const leaseMs = this.#leases.wantedMs
    const token = newId()
    const file = await work.claim(named, token, { leaseMs, hourlyMs: this.#options.hourlyMs })
    if (!file) {
      const wait = await work.waitFor(named)
      // Its owner has had the hour's share: the reconciler asks again.
      if (wait === undefined || wait <= 0) return
      throw new Postpone(Math.round(Math.min(Math.max(wait, 0) + 50, this.#options.leaseMs)))
    }
    const abort = new AbortController()
    const onDrain = () => abort.abort(signal.reason)
    if (signal.aborted) onDrain()
    signal.addEventListener('abort', onDrain, { once: true })
    const begunAt = performance.now()
    const lease = this.#leases.keep({ fileId: file.id, token }, leaseMs, () => abort.abort(new ClaimLost()))
    const folder = await mkdtemp(join(tmpdir(), FOLDER_PREFIX))
    try {
      await this.#process(file, token, folder, abort.signal)
    } catch (error) {
      await this.#fail(file, token, error, signal.aborted)
    } finally {
      lease.release()
      await work.noteEffort(file.userId, performance.now() - begunAt).catch(() => {})
      signal.removeEventListener('abort', onDrain)
      await rm(folder, { recursive: true, force: true })
    }
  }

  async #process(file: File, token: string, folder: string, signal: AbortSignal): Promise<void> {
    const { scanner, limits } = this.#options
    if (isLostTooOften(file)) throw new Refused(CRASHES.exit)
    const path = join(folder, 'input')
    const sha256 = await this.#fetch(file, path, signal)
    const found = await scanner?.scan(createReadStream(path), signal)
    if (found !== undefined) {
      throw new Refused({ code: 'file.infected', message: `The file has malware in it: ${found}.` })
    }
    const outcome = await parseInProcess(
      { path, folder, name: file.name, contentType: file.contentType },
      { ...limits, timeoutMs: timeForFile(file, { ...this.#options.time, mostMs: limits.timeoutMs }) },
      signal,
    )
    signal.throwIfAborted()
    if (outcome.type === 'crashed') throw new Crashed(outcome.reason, outcome.detail)
    if (outcome.type === 'rejected') throw new Refused({ code: outcome.code, message: outcome.message })
    await this.#storeCopies(file, token, outcome, signal)
    await this.#settle(file, token, sha256, outcome)
  }

  /** Brings the object to a local file, hashed. @throws Refused when it is not what was uploaded */
  async #fetch(file: File, path: string, signal: AbortSignal): Promise<string> {
    const lost = { code: 'file.content_missing', message: 'The content of the file is not in the store.' }
    const body = await this.#options.store.get(objectKeys(file.id).original).catch((error: unknown) => {
      throw error instanceof ObjectMissing ? new Refused(lost) : error
    })
    const meter = new ByteMeter(Number.POSITIVE_INFINITY)
    await pipeline(body, meter, createWriteStream(path, { mode: 0o600 }), { signal })
    const sha256 = meter.digest()
    if (meter.size !== file.size || (file.sha256 !== null && file.sha256 !== sha256)) {
      throw new Refused({ code: 'file.content_changed', message: 'The stored content is not what was uploaded.' })
    }
    return sha256
  }

  async #storeCopies(
    file: File,
    token: string,
    { image, scans }: Extract<ParseOutcome, { type: 'done' }>,
    signal: AbortSignal,
  ): Promise<void> {
    if (!image && !scans) return
    const { store, work } = this.#options
    if (!(await work.renew(file.id, token, this.#leases.wantedMs))) throw new ClaimLost()
    const keys = objectKeys(file.id)
    if (image) {
      await store.put(keys.stripped, createReadStream(image.stripped), { contentType: image.strippedType, signal })
      await store.put(keys.thumbnail, createReadStream(image.thumbnail), { contentType: 'image/webp', signal })
    }
    if (scans) await store.put(keys.scans, createReadStream(scans.path), { contentType: OCTETS, signal })
  }

  async #settle(
    file: File,
    token: string,
    sha256: string,
    outcome: Extract<ParseOutcome, { type: 'done' }>,
  ): Promise<void> {
    const { work, chunks, transactions } = this.#options
    const findings = {
      contentType: outcome.contentType,
      sha256,
      pages: outcome.pages,
      textLength: outcome.textLength,
      textTokens: outcome.chunks.reduce((sum, chunk) => sum + chunk.tokens, 0),
      image: outcome.image !== null,
      scans: outcome.scans?.pages ?? null,
    }
    const settled = await transactions.run(async (tx) => {
      const settled = await work.settleReady(file.id, token, findings, tx)
      if (settled) await chunks.replace(file.id, outcome.chunks, tx)
      return settled
    })
    if (!settled) throw new ClaimLost()
    await this.#announce(settled)
  }

  /** Decides what a try that did not succeed means: the file's fault, a drain, or trouble that may pass. */
  async #fail(file: File, token: string, error: unknown, draining: boolean): Promise<void> {
    const { work, dispatch, maxAttempts, backoff, logger } = this.#options
    const log = { fileId: file.id, attempt: file.attempt }
    if (error instanceof ClaimLost) {
      logger.warn(log, 'the claim of a file was lost')
      return this.#tidy(file)
    }
    if (error instanceof Refused) return this.#settleFailed(file, token, error.error)
    if (draining) {
      const handed = await work.release(file.id, token, 0, true)
      if (handed !== undefined) await dispatch.enqueue({ ...file, dispatch: handed })
      return
    }
    logger.warn({ ...log, err: error }, 'a file could not be processed')
    const limit = error instanceof Crashed ? Math.min(CRASH_ATTEMPTS[error.reason], maxAttempts) : maxAttempts
    if (file.failures + 1 >= limit) {
      return this.#settleFailed(file, token, CRASHES[error instanceof Crashed ? error.reason : 'exit'])
    }
    const delayMs = backoffMs(file.failures, backoff)
    const next = await work.release(file.id, token, delayMs, false)
    if (next !== undefined) await dispatch.enqueue({ ...file, dispatch: next }, delayMs)
  }

  async #settleFailed(file: File, token: string, error: FileError): Promise<void> {
    const settled = await this.#options.work.settleFailed(file.id, token, error)
    if (settled) await this.#announce(settled)
    else await this.#tidy(file)
  }

  /** A file deleted while it was processed may have got its copies after the deletion. */
  async #tidy({ id }: File): Promise<void> {
    const { files, objects, logger } = this.#options
    try {
      if ((await files.statuses([id])).length === 0) await objects.removeObjects(id)
    } catch (error) {
      logger.warn({ err: error, fileId: id }, 'copies of a deleted file not removed; storage:verify will')
    }
  }

  async #announce(file: File): Promise<void> {
    await this.#options.onFileChanged(file.userId, presentFile(file)).catch((error: unknown) => {
      this.#options.logger.warn({ err: error, fileId: file.id }, 'file change not announced')
    })
  }

  /** A worker that was killed leaves the file that it was reading in the temporary folder. */
  async #sweepFolders(): Promise<void> {
    try {
      for (const name of await readdir(tmpdir())) {
        if (!name.startsWith(FOLDER_PREFIX)) continue
        const folder = join(tmpdir(), name)
        const { mtimeMs } = await stat(folder)
        if (Date.now() - mtimeMs > FOLDER_ABANDONED_MS) await rm(folder, { recursive: true, force: true })
      }
    } catch (error) {
      this.#options.logger.warn({ err: error }, 'abandoned folders not removed')
    }
  }
}
