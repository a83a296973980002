import type { Readable } from 'node:stream'
import type { Transactions, Tx } from '../../database/transaction.ts'
import { AppError, notFound } from '../../shared/errors.ts'
import { newId } from '../../shared/ids.ts'
import type { Logger } from '../../shared/logger.ts'
import type { File } from '../file.entity.ts'
import { type FileView, presentFile } from '../file.presenter.ts'
import type { FileRepository } from '../file.repository.ts'
import type { FileLimits } from '../file-limits.ts'
import { cleanName } from '../file-name.ts'
import type { FileObjects } from '../file-objects.ts'
import { normalType } from '../file-types.ts'
import type { FileDispatch } from '../processing/file-dispatch.ts'
import { objectKeys } from '../store/object-keys.ts'
import type { Store } from '../store/store.ts'
import { ByteMeter, TooManyBytes } from './byte-meter.ts'

/** What the uploader says of a file; none of it is trusted. */
export interface DeclaredFile {
  name: string
  contentType: string | undefined
}

/** A file whose bytes are in the store and that is nobody's until it is accepted. */
export interface ReceivedFile {
  id: string
  size: number
  sha256: string
}

/** Where and how a client sends the bytes itself. A relative `url` is this server's and needs the usual Authorization. */
export interface DirectUpload {
  id: string
  method: 'PUT'
  url: string
  headers: Record<string, string>
  expiresAt: string
}

export interface UploadServiceOptions {
  files: FileRepository
  store: Store
  objects: FileObjects
  transactions: Transactions
  dispatch: FileDispatch
  limits: FileLimits
  logger: Logger
}

const tooLarge = (limit: number) =>
  new AppError('file.too_large', { words: { maxBytes: limit }, details: { maxBytes: limit } })
const quotaExceeded = (what: 'bytes' | 'files', limit: number) =>
  new AppError('storage.quota_exceeded', { words: { what, limit }, details: { what, limit } })
const interrupted = () => new AppError('upload.interrupted')
const unavailable = () => new AppError('storage.unavailable')

/**
 * Takes files in. A row `uploading` is committed before the first byte is stored, and becomes `processing` when all bytes are:
 * wherever this stops, what remains is an `uploading` row past its deadline, which a sweep removes with its objects.
 */
export class UploadService {
  readonly #files: FileRepository
  readonly #store: Store
  readonly #objects: FileObjects
  readonly #transactions: Transactions
  readonly #dispatch: FileDispatch
  readonly #limits: FileLimits
  readonly #logger: Logger

  constructor(options: UploadServiceOptions) {
    this.#files = options.files
    this.#store = options.store
    this.#objects = options.objects
    this.#transactions = options.transactions
    this.#dispatch = options.dispatch
    this.#limits = options.limits
    this.#logger = options.logger
  }

  /**
   * Streams one file into the store while counting and hashing it. `expectedBytes` (of Content-Length, about) lets it refuse
   * at once. Abort the signal when the client is gone. When this throws, nothing is left behind.
   * @throws AppError 413 `file.too_large`, `storage.quota_exceeded`; 429 `upload.rate_limited`; 503 `storage.unavailable`;
   *   400 `upload.interrupted`
   */
  async receive(
    userId: string,
    declared: DeclaredFile,
    body: Readable,
    { signal, expectedBytes = 0 }: { signal?: AbortSignal; expectedBytes?: number } = {},
  ): Promise<ReceivedFile> {
    const id = newId()
    const contentType = normalType(declared.contentType)
    const free = await this.#transactions.run(async (tx) => {
      const free = await this.#admit(userId, expectedBytes, tx)
      const name = cleanName(declared.name)
      const deadlineMs = this.#limits.uploadDeadlineMs
      await this.#files.insertUploading({ id, userId, name, contentType, size: 0, direct: false, deadlineMs }, tx)
      return free
    })
    try {
      return {
        id,
        ...(await this.#pour(id, objectKeys(id).original, body, Math.min(free, this.#limits.uploadMaxBytes), signal)),
      }
    } catch (error) {
      await this.discard(id)
      if (error instanceof TooManyBytes && error.limit < this.#limits.uploadMaxBytes) {
        throw quotaExceeded('bytes', this.#limits.userBytes)
      }
      throw error instanceof TooManyBytes ? tooLarge(error.limit) : error
    }
  }

  /**
   * Makes received files their owner's, all or none, and has them processed.
   * @throws AppError 413 `storage.quota_exceeded`; the files are discarded then.
   */
  async accept(userId: string, received: ReceivedFile[]): Promise<FileView[]> {
    const deadlineMs = this.#limits.processDeadlineMs
    let files: File[]
    try {
      files = await this.#transactions.run(async (tx) => {
        await this.#files.lockUser(userId, tx)
        const accepted: File[] = []
        for (const { id, size, sha256 } of received) {
          const file = await this.#files.acceptUpload(id, { size, sha256, deadlineMs }, tx)
          if (!file) throw interrupted()
          accepted.push(file)
        }
        // Uploads at the same time could each have fitted alone.
        const usage = await this.#files.usage(userId, tx)
        if (usage.bytes > this.#limits.userBytes) throw quotaExceeded('bytes', this.#limits.userBytes)
        return accepted
      })
    } catch (error) {
      await Promise.all(received.map(({ id }) => this.discard(id)))
      throw error
    }
    await Promise.all(files.map((file) => this.#dispatch.enqueue(file)))
    return files.map(presentFile)
  }

  /** Removes an upload that will not be accepted. Never throws: what it cannot do now, the sweep does later. */
  async discard(id: string): Promise<void> {
    try {
      const taken = await this.#files.abandonUpload(id)
      // Swept meanwhile: the row is gone, but the bytes came later than the sweep.
      if (taken) await this.#objects.removeMarked(id)
      else if ((await this.#files.statuses([id])).length === 0) await this.#objects.removeObjects(id)
    } catch (error) {
      this.#logger.warn({ err: error, fileId: id }, 'upload not discarded; the sweep will')
    }
  }

  /**
   * Begins an upload whose bytes do not pass through this server where the store can presign, else through `putContent`. `size`
   * is reserved at once.
   */
  async beginDirect(userId: string, declared: DeclaredFile & { size: number }): Promise<DirectUpload> {
    const { size } = declared
    if (size > this.#limits.uploadMaxBytes) throw tooLarge(this.#limits.uploadMaxBytes)
    const id = newId()
    const contentType = normalType(declared.contentType)
    const { presignSeconds } = this.#limits
    // Some minutes for completing after the address has expired.
    const deadlineMs = presignSeconds * 1_000 + 600_000
    await this.#transactions.run(async (tx) => {
      await this.#admit(userId, size, tx)
      const name = cleanName(declared.name)
      await this.#files.insertUploading({ id, userId, name, contentType, size, direct: true, deadlineMs }, tx)
    })
    const options = { expiresSeconds: presignSeconds, contentType, size }
    const presigned = await this.#store.presignPut?.(objectKeys(id).staging, options)
    return {
      id,
      method: 'PUT',
      url: presigned ?? `/api/storage/uploads/${id}/content`,
      headers: { 'content-type': contentType },
      expiresAt: new Date(Date.now() + presignSeconds * 1_000).toISOString(),
    }
  }

  /** Takes the bytes of a direct upload where the store cannot. @throws AppError 404, 413, 400 `upload.interrupted` */
  async putContent(userId: string, id: string, body: Readable, signal?: AbortSignal): Promise<void> {
    const file = await this.#files.findUploading(userId, id)
    if (!file || this.#store.presignPut) throw notFound('upload')
    const { staging } = objectKeys(id)
    try {
      const { size } = await this.#pour(id, staging, body, file.size, signal)
      if (size < file.size) throw interrupted()
    } catch (error) {
      await this.#store.delete(staging).catch(() => undefined)
      throw error instanceof TooManyBytes ? tooLarge(error.limit) : error
    }
  }

  /**
   * The client says that a direct upload is over. The object moves to its final key, which no address can overwrite any more.
   * Doing it twice answers the file again.
   * @throws AppError 404; 409 `upload.incomplete` when nothing has arrived or not as many bytes as were announced.
   */
  async completeDirect(userId: string, id: string): Promise<FileView> {
    const file = await this.#files.findUploading(userId, id)
    if (!file) return this.#alreadyComplete(userId, id)
    const { staging, original } = objectKeys(id)
    const incomplete = new AppError('upload.incomplete', { words: { size: file.size } })
    const arrived = await this.#store.head(staging)
    if (arrived?.size !== file.size) throw incomplete
    await this.#store.copy(staging, original)
    const copied = await this.#store.head(original)
    if (copied?.size !== file.size) throw incomplete
    const deadlineMs = this.#limits.processDeadlineMs
    const accepted = await this.#files.acceptUpload(id, { size: file.size, sha256: null, deadlineMs })
    if (!accepted) return this.#alreadyComplete(userId, id)
    await this.#store.delete(staging).catch((error: unknown) => {
      this.#logger.warn({ err: error, fileId: id }, 'staged upload not removed; storage:verify will')
    })
    await this.#dispatch.enqueue(accepted)
    return presentFile(accepted)
  }

  async #alreadyComplete(userId: string, id: string): Promise<FileView> {
    const file = await this.#files.findVisible(userId, id)
    if (!file) throw notFound('upload')
    return presentFile(file)
  }

  /** Checks quotas and rate; answers how many bytes the user may still store. */
  async #admit(userId: string, bytes: number, tx: Tx): Promise<number> {
    const { userBytes, userFiles, uploadsPerMinute } = this.#limits
    await this.#files.lockUser(userId, tx)
    const usage = await this.#files.usage(userId, tx)
    if (usage.recent >= uploadsPerMinute) {
      const details = { retryAfterSeconds: 60 }
      throw new AppError('upload.rate_limited', { words: { limit: uploadsPerMinute }, details })
    }
    if (usage.files >= userFiles) throw quotaExceeded('files', userFiles)
    const free = userBytes - usage.bytes
    if (free <= 0 || bytes > free) throw quotaExceeded('bytes', userBytes)
    return free
  }

  async #pour(id: string, key: string, body: Readable, limit: number, signal?: AbortSignal) {
    const meter = new ByteMeter(limit)
    const abort = new AbortController()
    const onGone = () => abort.abort(interrupted())
    if (signal?.aborted) onGone()
    signal?.addEventListener('abort', onGone, { once: true })
    const progress = this.#watch(id, meter, () => abort.abort(interrupted()))
    let clientFailed = false
    const onBroken = (error = new Error('closed early')) => {
      clientFailed = true
      meter.destroy(error)
    }
    body.once('error', onBroken)
    body.once('close', () => body.readableEnded || onBroken())
    // Before anybody listened.
    if (body.destroyed) onBroken(body.errored ?? undefined)
    let overLimit: TooManyBytes | undefined
    meter.once('error', (error) => {
      if (error instanceof TooManyBytes) overLimit = error
    })
    body.pipe(meter)
    try {
      await this.#store.put(key, meter, { signal: abort.signal })
      return { size: meter.size, sha256: meter.digest() }
    } catch (error) {
      if (overLimit) throw overLimit
      if (clientFailed || abort.signal.aborted) throw interrupted()
      this.#logger.error({ err: error, fileId: id }, 'the store failed during an upload')
      throw unavailable()
    } finally {
      clearInterval(progress)
      signal?.removeEventListener('abort', onGone)
      body.unpipe(meter)
      meter.destroy()
    }
  }

  /** Keeps the row of an upload that moves from being swept, and gives up one that does not. */
  #watch(id: string, meter: ByteMeter, giveUp: () => void): NodeJS.Timeout {
    let seen = -1
    let extendedAt = Date.now()
    return setInterval(() => {
      if (meter.size === seen) return giveUp()
      seen = meter.size
      if (Date.now() - extendedAt < this.#limits.uploadDeadlineMs / 3) return
      extendedAt = Date.now()
      this.#files.extendUpload(id, this.#limits.uploadDeadlineMs).then(
        (alive) => alive || giveUp(),
        (error: unknown) => this.#logger.warn({ err: error, fileId: id }, 'upload deadline not extended'),
      )
    }, this.#limits.uploadIdleMs).unref()
  }
}
