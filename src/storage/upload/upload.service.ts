import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { DirectUploadView } from '../../contract/storage-views.ts'
import type { FileView } from '../../contract/views.ts'
import type { Transactions, Tx } from '../../database/transaction.ts'
import { AppError, notFound } from '../../shared/errors.ts'
import { newId } from '../../shared/ids.ts'
import type { Logger } from '../../shared/logger.ts'
import { Seats } from '../../shared/seats.ts'
import type { File } from '../file.entity.ts'
import { presentFile } from '../file.presenter.ts'
import type { FileRepository } from '../file.repository.ts'
import { type FileLimits, roomOf, TOOL_SHARE } from '../file-limits.ts'
import { cleanName } from '../file-name.ts'
import type { FileObjects } from '../file-objects.ts'
import { normalType } from '../file-types.ts'
import type { FileDispatch } from '../processing/file-dispatch.ts'
import { objectKeys } from '../store/object-keys.ts'
import { ObjectMissing, type Store } from '../store/store.ts'
import { ByteMeter, TooManyBytes } from './byte-meter.ts'
import { interrupted, type Pouring, pour } from './pour.ts'
import type { UploadBudgetRepository } from './upload-budget.repository.ts'

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

/** How many bytes an upload may have and how many will come, as far as its request tells. */
export interface ExpectedBytes {
  /** At least about so many: more than there is room for is refused at once. */
  least?: number
  /** At most so many: room for them is reserved. */
  most?: number
}

export interface UploadServiceOptions {
  budgets: UploadBudgetRepository
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
const dayFull = (limit: number, waitMs: number) =>
  new AppError('upload.rate_limited/bytes', {
    words: { limit },
    details: { limit, retryAfterSeconds: Math.ceil(waitMs / 1_000) },
  })
const busy = () => new AppError('upload.busy')

/** What an upload was granted before its first byte, and why not more. */
interface Grant {
  bytes: number
  /** What it means when more than this comes. */
  refusal: () => AppError
}

/** A writer's lease outlives so many looks at whether it moves. */
const LEASE_INTERVALS = 3

/**
 * Takes files in. A row `uploading` is committed before the first byte is stored, and becomes `processing` when all bytes are:
 * wherever this stops, what remains is an `uploading` row past its deadline, which a sweep removes with its objects.
 */
export class UploadService {
  readonly #budgets: UploadBudgetRepository
  readonly #seats: Seats
  readonly #files: FileRepository
  readonly #store: Store
  readonly #objects: FileObjects
  readonly #transactions: Transactions
  readonly #dispatch: FileDispatch
  readonly #limits: FileLimits
  readonly #logger: Logger

  constructor(options: UploadServiceOptions) {
    this.#budgets = options.budgets
    this.#seats = new Seats({ each: options.limits.userUploadsAtOnce, all: options.limits.uploadsAtOnce })
    this.#files = options.files
    this.#store = options.store
    this.#objects = options.objects
    this.#transactions = options.transactions
    this.#dispatch = options.dispatch
    this.#limits = options.limits
    this.#logger = options.logger
  }

  /**
   * A seat for a request that brings bytes; call what this answers when it is over.
   * @throws AppError 429 `upload.too_many`; 503 `server.busy`
   */
  enter(userId: string): () => void {
    const seat = this.#seats.take(userId)
    const details = { retryAfterSeconds: 1 }
    if (seat === 'all') throw new AppError('server.busy', { details })
    if (seat === 'each') {
      throw new AppError('upload.too_many', { words: { limit: this.#limits.userUploadsAtOnce }, details })
    }
    return seat
  }

  /**
   * Streams one file into the store while counting and hashing it. Room for what may come is taken from the user's limits before
   * the first byte, and what did not come is given back. Abort the signal when the client is gone. When this throws, nothing is
   * left behind.
   * @throws AppError 413 `file.too_large`, `storage.quota_exceeded`; 429 `upload.rate_limited`; 503 `storage.unavailable`;
   *   400 `upload.interrupted`
   */
  async receive(
    userId: string,
    declared: DeclaredFile,
    body: Readable,
    {
      signal,
      expected = {},
      byTool = false,
    }: { signal?: AbortSignal; expected?: ExpectedBytes; byTool?: boolean } = {},
  ): Promise<ReceivedFile> {
    const id = newId()
    const contentType = normalType(declared.contentType)
    const grant = await this.#transactions.run(async (tx) => {
      const grant = await this.#admit(userId, expected, byTool, tx)
      const name = cleanName(declared.name)
      const deadlineMs = this.#limits.uploadDeadlineMs
      await this.#budgets.take(userId, { bytes: grant.bytes, uploads: 1 }, tx)
      const row = { id, userId, name, contentType, size: grant.bytes, direct: false, byTool, deadlineMs }
      await this.#files.insertUploading(row, tx)
      return grant
    })
    const meter = new ByteMeter(grant.bytes)
    try {
      await this.#pour(id, objectKeys(id).original, body, { meter, renew: () => this.#extend(id), signal })
      await this.#files.shrinkUpload(id, meter.size)
      return { id, size: meter.size, sha256: meter.digest() }
    } catch (error) {
      await this.discard(id)
      throw error instanceof TooManyBytes ? grant.refusal() : error
    } finally {
      await this.#giveBack(userId, grant.bytes - meter.size)
    }
  }

  /**
   * Makes received files their owner's, all or none, and has them processed.
   * @throws AppError 413 `storage.quota_exceeded`; the files are discarded then.
   */
  async accept(userId: string, received: ReceivedFile[]): Promise<FileView[]> {
    let files: File[]
    try {
      files = await this.#transactions.run((tx) => this.acceptWithin(userId, received, tx))
    } catch (error) {
      await Promise.all(received.map(({ id }) => this.discard(id)))
      throw error
    }
    await this.process(files)
    return files.map(presentFile)
  }

  /**
   * The same within a transaction of the caller's, who has the files processed after its commit, and discards them should it not come to that.
   * @throws AppError 413 `storage.quota_exceeded`; 400 `upload.interrupted`
   */
  async acceptWithin(userId: string, received: ReceivedFile[], tx: Tx): Promise<File[]> {
    const deadlineMs = this.#limits.processDeadlineMs
    await this.#files.lockUser(userId, tx)
    const accepted: File[] = []
    for (const { id, size, sha256 } of received) {
      const file = await this.#files.acceptUpload(id, { size, sha256, deadlineMs }, tx)
      if (!file) throw interrupted()
      accepted.push(file)
    }
    // Uploads at the same time could each have fitted alone.
    const usage = await this.#files.usage(userId, tx)
    const room = roomOf(this.#limits, usage.isGuest)
    if (usage.bytes > room.bytes) throw quotaExceeded('bytes', room.bytes)
    return accepted
  }

  /** Has accepted files processed. */
  async process(files: readonly File[]): Promise<void> {
    await Promise.all(files.map((file) => this.#dispatch.enqueue(file)))
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
  async beginDirect(userId: string, declared: DeclaredFile & { size: number }): Promise<DirectUploadView> {
    const { size } = declared
    if (size > this.#limits.uploadMaxBytes) throw tooLarge(this.#limits.uploadMaxBytes)
    const id = newId()
    const contentType = normalType(declared.contentType)
    const { presignSeconds } = this.#limits
    // Some minutes for completing after the address has expired.
    const deadlineMs = presignSeconds * 1_000 + 600_000
    await this.#transactions.run(async (tx) => {
      const { bytes, refusal } = await this.#admit(userId, { least: size, most: size }, false, tx)
      if (bytes < size) throw refusal()
      const name = cleanName(declared.name)
      // Where the bytes pass through here, each time that they do is paid.
      await this.#budgets.take(userId, { bytes: this.#store.presignPut ? size : 0, uploads: 1 }, tx)
      await this.#files.insertUploading(
        { id, userId, name, contentType, size, direct: true, byTool: false, deadlineMs },
        tx,
      )
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

  /**
   * Takes the bytes of a direct upload where the store cannot; one writer at a time, who may do it again.
   * @throws AppError 404; 409 `upload.busy`; 413; 429 `upload.rate_limited`; 400 `upload.interrupted`
   */
  async putContent(userId: string, id: string, body: Readable, signal?: AbortSignal): Promise<void> {
    const file = await this.#files.findUploading(userId, id)
    if (!file || this.#store.presignPut) throw notFound('upload')
    const { staging } = objectKeys(id)
    const token = randomUUID()
    const leaseMs = this.#limits.uploadIdleMs * LEASE_INTERVALS
    if (!(await this.#files.claimUpload(id, token, leaseMs))) throw busy()
    const meter = new ByteMeter(file.size)
    let isTaken = false
    try {
      await this.#takeBytes(userId, file.size)
      isTaken = true
      const renew = async () => (await this.#files.claimUpload(id, token, leaseMs)) && this.#extend(id)
      await this.#pour(id, staging, body, { meter, renew, signal })
      if (meter.size < file.size) {
        await this.#store.delete(staging)
        throw interrupted()
      }
      if (await this.#files.releaseUpload(id, token)) return
      // Another writer's bytes may be there by now; without one, nobody would remove these.
      if (!(await this.#files.findUploading(userId, id))) await this.#store.delete(staging)
      throw interrupted()
    } catch (error) {
      // What a writer before this one has completed stays: an object appears whole or not at all.
      await this.#files.releaseUpload(id, token).catch(() => undefined)
      throw error instanceof TooManyBytes ? tooLarge(error.limit) : error
    } finally {
      if (isTaken) await this.#giveBack(userId, file.size - meter.size)
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
    if (file.leaseUntil && file.leaseUntil.getTime() > Date.now()) throw busy()
    const { staging, original } = objectKeys(id)
    const arrived = await this.#store.head(staging)
    const isThere = arrived?.size === file.size && (await this.#isCopied(staging, original))
    const copied = isThere ? await this.#store.head(original) : undefined
    if (copied?.size !== file.size) {
      // Somebody else has completed it meanwhile.
      if (!(await this.#files.findUploading(userId, id))) return this.#alreadyComplete(userId, id)
      throw new AppError('upload.incomplete', { words: { size: file.size } })
    }
    const deadlineMs = this.#limits.processDeadlineMs
    const accepted = await this.#files.acceptUpload(id, { size: file.size, sha256: null, deadlineMs })
    if (!accepted) {
      // Somebody has begun to write it again.
      if (await this.#files.findUploading(userId, id)) throw busy()
      return this.#alreadyComplete(userId, id)
    }
    await this.#store.delete(staging).catch((error: unknown) => {
      this.#logger.warn({ err: error, fileId: id }, 'staged upload not removed; storage:verify will')
    })
    await this.#dispatch.enqueue(accepted)
    return presentFile(accepted)
  }

  /** False where it is not there any more. */
  async #isCopied(from: string, to: string): Promise<boolean> {
    try {
      await this.#store.copy(from, to)
      return true
    } catch (error) {
      if (error instanceof ObjectMissing) return false
      throw error
    }
  }

  async #alreadyComplete(userId: string, id: string): Promise<FileView> {
    const file = await this.#files.findVisible(userId, id)
    if (!file) throw notFound('upload')
    return presentFile(file)
  }

  /** Checks quotas and rates, under the user's lock; answers what may be written of `expected`. */
  async #admit(
    userId: string,
    { least = 0, most = Number.POSITIVE_INFINITY }: ExpectedBytes,
    byTool: boolean,
    tx: Tx,
  ): Promise<Grant> {
    const { uploadMaxBytes, uploadsPerMinute, uploadBytesPerDay } = this.#limits
    await this.#files.lockUser(userId, tx)
    const share = byTool ? TOOL_SHARE : 1
    const room = await this.#budgets.room(userId, share, tx)
    if (room.uploadInMs > 0) {
      const details = { retryAfterSeconds: Math.ceil(room.uploadInMs / 1_000) }
      throw new AppError('upload.rate_limited', { words: { limit: uploadsPerMinute }, details })
    }
    const usage = await this.#files.usage(userId, tx)
    const own = roomOf(this.#limits, usage.isGuest)
    const ofTools = { bytes: Math.floor(own.bytes * share), files: Math.floor(own.files * share) }
    if (usage.files >= own.files) throw quotaExceeded('files', own.files)
    if (byTool && usage.toolFiles >= ofTools.files) throw quotaExceeded('files', ofTools.files)
    const full = () => quotaExceeded('bytes', byTool ? ofTools.bytes : own.bytes)
    const paidOut = (bytes: number) => dayFull(uploadBytesPerDay, this.#budgets.bytesInMs(bytes - room.bytes))
    const left = own.bytes - usage.bytes
    const free = byTool ? Math.min(left, ofTools.bytes - usage.toolBytes) : left
    if (free <= 0 || least > free) throw full()
    if (room.bytes <= 0 || least > room.bytes) throw paidOut(Math.max(least, 1))
    const bytes = Math.min(most, uploadMaxBytes, free, room.bytes)
    const refusal = () => {
      if (bytes === free) return full()
      return bytes === room.bytes ? paidOut(bytes + 1) : tooLarge(uploadMaxBytes)
    }
    return { bytes, refusal }
  }

  /** @throws AppError 429 `upload.rate_limited` */
  #takeBytes(userId: string, bytes: number): Promise<void> {
    return this.#transactions.run(async (tx) => {
      await this.#files.lockUser(userId, tx)
      const room = await this.#budgets.room(userId, 1, tx)
      if (bytes > room.bytes) {
        throw dayFull(this.#limits.uploadBytesPerDay, this.#budgets.bytesInMs(bytes - room.bytes))
      }
      await this.#budgets.take(userId, { bytes, uploads: 0 }, tx)
    })
  }

  /** What was taken and not written. Should it get lost, the day pays it back. */
  async #giveBack(userId: string, bytes: number): Promise<void> {
    if (bytes <= 0) return
    await this.#budgets.take(userId, { bytes: -bytes, uploads: 0 }).catch((error: unknown) => {
      this.#logger.warn({ err: error, userId }, 'upload budget not given back')
    })
  }

  #pour(id: string, key: string, body: Readable, given: Pick<Pouring, 'meter' | 'renew' | 'signal'>): Promise<void> {
    return pour({ id, key, body, store: this.#store, limits: this.#limits, logger: this.#logger, ...given })
  }

  #extend(id: string): Promise<boolean> {
    return this.#files.extendUpload(id, this.#limits.uploadDeadlineMs)
  }
}
