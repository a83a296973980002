import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { BatchDeletedView, StorageUsageView } from '../contract/storage-views.ts'
import type { FileView } from '../contract/views.ts'
import { AppError, notFound } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'
import {
  type FilePassage,
  joinPassages,
  MOST_IMAGES,
  MOST_SCAN_PAGES,
  PASSAGE_OVERHEAD,
  takeWithin,
} from './context-selection.ts'
import type { File, ScanPage } from './file.entity.ts'
import { presentFile } from './file.presenter.ts'
import type { FileFilter, FileRepository } from './file.repository.ts'
import type { FileChunkRepository } from './file-chunk.repository.ts'
import { readContext } from './file-context.ts'
import { type FileLimits, roomOf } from './file-limits.ts'
import { contentDisposition } from './file-name.ts'
import type { FileObjects } from './file-objects.ts'
import { mayShowInline } from './file-types.ts'
import type { FileDispatch } from './processing/file-dispatch.ts'
import type { FileWorkRepository } from './processing/file-work.repository.ts'
import { objectKeys } from './store/object-keys.ts'
import { type ByteRange, ObjectMissing, type Store } from './store/store.ts'

/** Files that were found dangerous are not given out again, not even to their owner. */
const UNSAFE = new Set(['file.infected', 'file.executable', 'file.archive_bomb'])
/** Kinds whose copies are JPEG: `copyImage` in workers/file-parsing. */
const PHOTOGRAPHS = new Set(['image/jpeg', 'image/heic', 'image/tiff'])
/** A search looks into so many of a user's files, the latest, and of those that tools gave back; and is given so many places. */
const SEARCHED = { own: 200, byTool: 50 }
const SEARCH_MATCHES = 40

const OCTETS = 'application/octet-stream'

export type FileVariant = 'original' | 'stripped' | 'thumbnail'

/** How to answer a download: an address to go to, or bytes to send. */
export type Download =
  | { kind: 'redirect'; url: string }
  | {
      kind: 'stream'
      size: number
      contentType: string
      contentDisposition: string
      /** Quoted, as in the header; undefined while the hash is not known. */
      etag: string | undefined
      modifiedAt: Date
      open(range?: ByteRange): Promise<Readable>
    }

/** An image for a model: without metadata, at most 2048 pixels wide and high. */
export interface FileImage {
  fileId: string
  name: string
  contentType: string
  data: Uint8Array
}

/** A file as a turn reads it: with those of its pages that are pictures without text. */
export interface ReadableFile extends FileView {
  scans: ScanPage[]
}

export interface FileServiceOptions {
  files: FileRepository
  work: FileWorkRepository
  chunks: FileChunkRepository
  store: Store
  objects: FileObjects
  dispatch: FileDispatch
  limits: FileLimits
  /** Told of every change of status, after its commit. */
  onFileChanged: (userId: string, file: FileView) => Promise<void>
  logger: Logger
}

/** The files of users, and what turns read of them. */
export class FileService {
  readonly #options: FileServiceOptions

  constructor(options: FileServiceOptions) {
    this.#options = options
  }

  /** Newest first, one more than `limit` when there is another page. */
  async list(userId: string, filter: FileFilter): Promise<FileView[]> {
    return (await this.#options.files.list(userId, filter)).map(presentFile)
  }

  /** @throws AppError 404 `file.not_found` */
  async get(userId: string, id: string): Promise<FileView> {
    return presentFile(await this.#find(userId, id))
  }

  /** Gone at once for its owner; its objects are removed now or, should the store be away, by the sweep. @throws AppError 404 */
  async delete(userId: string, id: string): Promise<void> {
    const { failed } = await this.deleteMany(userId, [id])
    if (failed.length > 0) throw notFound('file')
  }

  /** Per item: what is not there, or another's, is named in `failed`. */
  async deleteMany(userId: string, ids: string[]): Promise<BatchDeletedView> {
    const wanted = [...new Set(ids)]
    const marked = new Set(await this.#options.files.markDeleting(userId, wanted))
    await Promise.all(
      [...marked].map((id) =>
        this.#options.objects.removeMarked(id).catch((error: unknown) => {
          this.#options.logger.warn({ err: error, fileId: id }, 'objects not removed; the sweep will')
        }),
      ),
    )
    return {
      deleted: wanted.filter((id) => marked.has(id)),
      failed: wanted.filter((id) => !marked.has(id)).map((id) => ({ id, code: 'file.not_found' })),
    }
  }

  /** Reads the file anew; one that is being read is answered as it is. @throws AppError 404 */
  async reprocess(userId: string, id: string): Promise<FileView> {
    const restarted = await this.#options.work.restart(userId, id, this.#options.limits.processDeadlineMs)
    if (!restarted) return this.get(userId, id)
    await this.#options.dispatch.enqueue(restarted)
    const view = presentFile(restarted)
    await this.#tell(userId, view)
    return view
  }

  async usage(userId: string): Promise<StorageUsageView> {
    const { limits } = this.#options
    const { bytes, files, isGuest } = await this.#options.files.usage(userId)
    const { uploadMaxBytes: fileBytes, uploadsPerMinute } = limits
    return { bytes, files, limits: { ...roomOf(limits, isGuest), fileBytes, uploadsPerMinute } }
  }

  /**
   * `inline` is granted only to types that cannot run anything; all else is an attachment.
   * @throws AppError 404; 403 `file.unsafe`; 409 `file.no_variant`; 503 `storage.object_missing`
   */
  async download(
    userId: string,
    id: string,
    { variant = 'original', inline = false }: { variant?: FileVariant; inline?: boolean } = {},
  ): Promise<Download> {
    const file = await this.#find(userId, id)
    if (UNSAFE.has(file.errorCode ?? '')) throw new AppError('file.unsafe')
    if (variant !== 'original' && !(file.status === 'ready' && file.image)) {
      throw new AppError('file.no_variant', { words: { variant } })
    }
    const key = objectKeys(id)[variant]
    const contentType = variantType(file, variant)
    const disposition = contentDisposition(inline && mayShowInline(contentType) ? 'inline' : 'attachment', file.name)
    const { store, limits } = this.#options
    if (store.presignGet) {
      const options = { expiresSeconds: limits.presignSeconds, contentType, contentDisposition: disposition }
      return { kind: 'redirect', url: await store.presignGet(key, options) }
    }
    const object = await store.head(key)
    if (!object) throw new AppError('storage.object_missing')
    return {
      kind: 'stream',
      size: object.size,
      contentType,
      contentDisposition: disposition,
      etag: file.sha256 ? `"${file.sha256}${variant === 'original' ? '' : `-${variant}`}"` : undefined,
      modifiedAt: file.createdAt,
      open: (range) => store.get(key, range),
    }
  }

  /** For attaching: every id must be among those found. @throws AppError 404 `file.not_found` that names the paths */
  requireAll(fileIds: string[], usable: string[]): void {
    const owned = new Set(usable)
    const issues = fileIds.flatMap((id, position) =>
      owned.has(id) ? [] : [{ path: `fileIds.${position}`, message: 'is not a file of yours' }],
    )
    if (issues.length > 0) throw notFound('file', { issues })
  }

  /** Of each id; a file that was deleted is `missing`. */
  async statusOf(fileIds: string[]): Promise<Map<string, FileView['status'] | 'missing'>> {
    const files = await this.#options.files.byIds(fileIds)
    const known = new Map(files.map((file) => [file.id, presentFile(file).status]))
    return new Map(fileIds.map((id) => [id, known.get(id) ?? 'missing']))
  }

  /** Visible files in the order of the ids; deleted ones are left out. The caller has checked whose they are. */
  async viewsOf(fileIds: string[]): Promise<FileView[]> {
    return (await this.#inOrder(fileIds)).map(presentFile)
  }

  /** The same, for turns. */
  async readingsOf(fileIds: string[]): Promise<ReadableFile[]> {
    return (await this.#inOrder(fileIds)).map((file) => ({
      ...presentFile(file),
      scans: file.status === 'ready' ? (file.scans ?? []) : [],
    }))
  }

  /** What an agent should read of these files to answer `query`, within about `tokenBudget` tokens: `readContext`. */
  async contextFor(fileIds: string[], query: string, tokenBudget: number): Promise<FilePassage[]> {
    const ready = (await this.#inOrder(fileIds))
      .filter((file) => file.status === 'ready' && file.textTokens)
      .map((file) => ({ id: file.id, name: file.name, tokens: promptTokens(file) }))
    return readContext(this.#options.chunks, ready, query, tokenBudget)
  }

  /** Passages of the user's latest files that match, the best that fit into about `tokenBudget` tokens, in the order of the files. */
  async passagesLike(userId: string, query: string, tokenBudget: number): Promise<FilePassage[]> {
    const { files, chunks } = this.#options
    const ready = await files.latest(userId, SEARCHED)
    const names = new Map(ready.map(({ id, name }) => [id, name]))
    if (names.size === 0) return []
    const matches = takeWithin(await chunks.search([...names.keys()], query, SEARCH_MATCHES), tokenBudget)
    return matches.length > 0 ? joinPassages(await chunks.texts(matches), names) : []
  }

  /**
   * About how many tokens of text `contextFor` takes of these files, and how many images a turn is shown at most. Nobody knows
   * yet what a file holds that is still being processed: nothing (`least`) or as much as there is room for (`most`).
   */
  async contextSize(fileIds: string[], tokenBudget: number): Promise<{ least: number; most: number; images: number }> {
    const found = (await this.#options.files.byIds(fileIds)).filter((file) => presentFile(file).status !== 'failed')
    const known = found.reduce((sum, file) => sum + promptTokens(file), 0)
    const least = Math.min(known, tokenBudget)
    const isKnown = found.every((file) => file.status === 'ready')
    const images = found.filter((file) => file.contentType.startsWith('image/')).length
    const scans = found.reduce((sum, file) => sum + (file.scans?.length ?? 0), 0)
    return {
      least,
      most: isKnown ? least : tokenBudget,
      images: Math.min(images, MOST_IMAGES) + Math.min(scans, MOST_SCAN_PAGES),
    }
  }

  /** This file as an image, for models that see; undefined when it is none, or the store does not have it, which is logged. */
  async imageOf(fileId: string): Promise<FileImage | undefined> {
    const [file] = await this.#options.files.byIds([fileId])
    if (file?.status !== 'ready' || !file.image) return undefined
    const data = await this.#bytesOf(fileId, objectKeys(fileId).stripped, 'the stripped image is missing')
    return data && { fileId, name: file.name, contentType: variantType(file, 'stripped'), data }
  }

  /** A page that is a picture without text; undefined when the store does not have it, which is logged. */
  async scanImage(
    { id, name }: { id: string; name: string },
    { page, start, bytes }: ScanPage,
  ): Promise<FileImage | undefined> {
    const range = { start, end: start + bytes - 1 }
    const data = await this.#bytesOf(id, objectKeys(id).scans, 'the pages of a scan are missing', range)
    return data && { fileId: id, name: `${name}, page ${page}`, contentType: 'image/jpeg', data }
  }

  async #inOrder(fileIds: string[]): Promise<File[]> {
    const files = new Map((await this.#options.files.byIds(fileIds)).map((file) => [file.id, file]))
    return fileIds.flatMap((id) => files.get(id) ?? [])
  }

  async #bytesOf(fileId: string, key: string, missing: string, range?: ByteRange): Promise<Uint8Array | undefined> {
    const { store, logger } = this.#options
    try {
      return await buffer(await store.get(key, range))
    } catch (error) {
      if (!(error instanceof ObjectMissing)) throw error
      logger.error({ fileId }, missing)
      return undefined
    }
  }

  async #find(userId: string, id: string): Promise<File> {
    const file = await this.#options.files.findVisible(userId, id)
    if (!file) throw notFound('file')
    return file
  }

  async #tell(userId: string, view: FileView): Promise<void> {
    await this.#options.onFileChanged(userId, view).catch((error: unknown) => {
      this.#options.logger.warn({ err: error, fileId: view.id }, 'file change not announced')
    })
  }
}

/** A type is served only after the content was seen to agree with it. */
function variantType(file: File, variant: FileVariant): string {
  if (variant === 'thumbnail') return 'image/webp'
  if (file.status !== 'ready') return OCTETS
  // Formats that not every model takes are stripped into one that it does.
  if (variant === 'stripped') return PHOTOGRAPHS.has(file.contentType) ? 'image/jpeg' : 'image/png'
  return file.contentType
}

/** Tokens of a file's whole text in a prompt, with the labels of its passages; 0 while it has none. */
const promptTokens = ({ textTokens, pages }: File): number =>
  textTokens ? textTokens + PASSAGE_OVERHEAD * (pages ?? 1) : 0
