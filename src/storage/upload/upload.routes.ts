import type { Readable } from 'node:stream'
import type { Request, Response } from 'express'
import multer, { type StorageEngine } from 'multer'
import { z } from 'zod'
import { directUploadBody } from '../../contract/file.schemas.ts'
import { directUploadView, uploadedView } from '../../contract/storage-views.ts'
import { fileView } from '../../contract/views.ts'
import { idParams } from '../../http/input.ts'
import { defineRoute, defineStreamRoute, type Route } from '../../http/route.ts'
import type { ErrorCode } from '../../shared/error-words.ts'
import { AppError, invalidRequest } from '../../shared/errors.ts'
import type { DeclaredFile, ReceivedFile, UploadService } from './upload.service.ts'

/** Files of one request. */
const MAX_FILES = 20

const bytes = z.string().meta({ format: 'binary' })
const filesForm = z.union([z.object({ file: bytes }), z.object({ files: z.array(bytes).max(MAX_FILES) })])

/** What may be wrong with bytes that come in. */
const BYTES_ERRORS = [
  'file.too_large',
  'storage.quota_exceeded',
  'storage.unavailable',
  'upload.interrupted',
  'upload.rate_limited',
  'upload.too_many',
  'server.busy',
] as const satisfies ErrorCode[]

/** Names with brackets would become lists and objects, of any size: there are none. */
const LIMITS = {
  files: MAX_FILES,
  fields: 10,
  fieldSize: 1_024,
  fieldNestingDepth: 0,
  fieldArrayIndexLimit: 0,
  parts: MAX_FILES + 10,
  headerPairs: 20,
}
/** A refused client may go on sending for this long, so that it gets to read the answer. */
const LINGER_MS = 5_000
/** Boundaries and headers of the parts, which Content-Length counts too. */
const ENVELOPE_BYTES = 16 * 1024

/**
 * Multer's engine: each file goes from the request's stream straight to the store. It remembers what was received and tells the
 * first failure at once, because multer itself reports only when the whole request has been read.
 */
class StoreEngine implements StorageEngine {
  readonly #uploads: UploadService
  readonly #userId: string
  readonly #gone = new AbortController()
  /** Of Content-Length; undefined when the client does not say. */
  readonly #announced: number | undefined
  #arrived = 0
  #begun = 0
  #before: Promise<unknown> = Promise.resolve()
  readonly #pending = new Set<Promise<unknown>>()
  /** In the order in which the store had them; `order` is that of the request. */
  readonly received: Array<ReceivedFile & { field: string; order: number }> = []
  readonly failed: Promise<never>
  #fail: (error: unknown) => void = () => undefined

  constructor(uploads: UploadService, userId: string, request: Request) {
    this.#uploads = uploads
    this.#userId = userId
    const length = request.headers['content-length']
    this.#announced = length === undefined ? undefined : Number(length)
    this.failed = new Promise((_resolve, reject) => {
      this.#fail = reject
    })
    this.failed.catch(() => undefined)
    request.once('close', () => request.complete || this.abort())
  }

  abort(): void {
    this.#gone.abort()
  }

  /** Resolves when no file is being received any more. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.allSettled(this.#pending)
  }

  _handleFile(_request: Request, file: Express.Multer.File, callback: (error?: unknown) => void): void {
    const declared = { name: file.originalname, contentType: file.mimetype }
    const order = this.#begun++
    if (isGarbled(file.originalname)) {
      const error = invalidRequest([{ path: file.fieldname, message: 'has a name that is not valid UTF-8' }])
      this.#fail(error)
      file.stream.resume()
      callback(error)
      return
    }
    // One after the other, so that each is given room for what is left of the request, and not all of them for all of it.
    const work = this.#before
      .then(() => this.#receive(declared, file.stream))
      .then(
        (received) => {
          this.#arrived += received.size
          this.received.push({ ...received, field: file.fieldname, order })
          callback(null)
        },
        (error: unknown) => {
          this.#fail(error)
          file.stream.resume()
          callback(error)
        },
      )
    this.#before = work
    this.#pending.add(work)
    work.finally(() => this.#pending.delete(work))
  }

  #receive(declared: DeclaredFile, body: Readable): Promise<ReceivedFile> {
    const most = this.#announced === undefined ? undefined : Math.max(0, this.#announced - this.#arrived)
    const expected = most === undefined ? {} : { most, least: Math.max(0, most - ENVELOPE_BYTES) }
    return this.#uploads.receive(this.#userId, declared, body, { signal: this.#gone.signal, expected })
  }

  /** What was received is discarded by the route, which knows all of it. */
  _removeFile(_request: Request, _file: Express.Multer.File, callback: (error: Error | null) => void): void {
    callback(null)
  }
}

/** Bytes that are no UTF-8 come decoded, each as this sign. */
const isGarbled = (text: string): boolean => text.includes('\ufffd')

const multerError = (code: string): AppError => {
  switch (code) {
    case 'LIMIT_FILE_COUNT':
      return new AppError('upload.invalid/files', { words: { limit: MAX_FILES } })
    case 'LIMIT_UNEXPECTED_FILE':
      return new AppError('upload.invalid/fields')
    case 'LIMIT_PART_COUNT':
      return new AppError('upload.invalid/parts')
    default:
      return new AppError('upload.invalid/unreadable')
  }
}

function toUploadError(error: unknown): unknown {
  if (error instanceof AppError) return error
  if (error instanceof multer.MulterError) return multerError(error.code)
  // Busboy's errors are about the request and have no class of their own.
  return new AppError('upload.invalid')
}

/** Lets go of a request whose answer does not wait for its body. */
function leave(request: Request, response: Response): void {
  if (request.complete || request.destroyed) return
  response.set('connection', 'close')
  request.resume()
  response.once('finish', () => {
    const timer = setTimeout(() => request.destroy(), LINGER_MS)
    request.once('close', () => clearTimeout(timer))
  })
}

/** A seat for this request, to be given back. @throws AppError as `UploadService.enter` */
function enter(uploads: UploadService, userId: string, request: Request, response: Response): () => void {
  try {
    return uploads.enter(userId)
  } catch (error) {
    leave(request, response)
    throw error
  }
}

/** `POST /api/storage/upload`, multipart: `file` (one) or `files` (several; all or none are kept). */
const uploadRoute = (uploads: UploadService): Route =>
  defineStreamRoute({
    method: 'post',
    path: '/api/storage/upload',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'Files, sent as multipart/form-data: `file` (one) or `files` (several; all or none are kept)',
    content: { 'multipart/form-data': filesForm },
    answers: { 201: uploadedView },
    errors: [...BYTES_ERRORS, 'upload.invalid'],
    async handler({ user, req, res }) {
      const done = enter(uploads, user.id, req, res)
      const engine = new StoreEngine(uploads, user.id, req)
      const read = multer({
        storage: engine,
        defParamCharset: 'utf8',
        limits: LIMITS,
      }).fields([{ name: 'file', maxCount: 1 }, { name: 'files' }])
      const finished = new Promise<void>((resolve, reject) => {
        read(req, res, (error?: unknown) => (error === undefined || error === null ? resolve() : reject(error)))
      })
      finished.catch(() => undefined)
      try {
        await Promise.race([finished, engine.failed])
        const garbled = Object.entries(req.body ?? {}).find((field) => isGarbled(JSON.stringify(field)))
        if (garbled) throw invalidRequest([{ path: garbled[0], message: 'is not valid UTF-8' }])
        const single = engine.received.filter((file) => file.field === 'file')
        if (engine.received.length === 0) throw invalidRequest([{ path: 'file', message: 'is missing' }])
        if (single.length > 0 && single.length < engine.received.length) {
          throw invalidRequest([{ path: 'files', message: 'cannot be sent together with "file"' }])
        }
      } catch (error) {
        engine.abort()
        leave(req, res)
        await engine.settled()
        await Promise.all(engine.received.map(({ id }) => uploads.discard(id)))
        done()
        throw toUploadError(error)
      }
      const received = engine.received.sort((a, b) => a.order - b.order)
      const views = await uploads.accept(user.id, received).finally(done)
      res.status(201).json(received[0]?.field === 'file' ? views[0] : { data: views })
    },
  })

/** Everything by which files come in. */
export const uploadRoutes = (uploads: UploadService): Route[] => [
  uploadRoute(uploads),
  defineRoute({
    method: 'post',
    path: '/api/storage/uploads',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'An address to send the bytes of a file to',
    response: directUploadView,
    errors: ['file.too_large', 'storage.quota_exceeded', 'upload.rate_limited'],
    body: directUploadBody,
    example: { name: 'report.pdf', contentType: 'application/pdf', size: 48_213 },
    status: 201,
    handler: ({ user, body }) =>
      uploads.beginDirect(user.id, { name: body.name, contentType: body.contentType, size: body.size }),
  }),
  defineStreamRoute({
    method: 'put',
    path: '/api/storage/uploads/:id/content',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'The bytes of an upload, where the store takes none itself',
    content: { '*/*': bytes },
    answers: { 204: null },
    errors: [...BYTES_ERRORS, 'upload.not_found', 'upload.busy'],
    params: idParams,
    async handler({ user, params, req, res }) {
      const done = enter(uploads, user.id, req, res)
      const gone = new AbortController()
      req.once('close', () => req.complete || gone.abort())
      try {
        await uploads.putContent(user.id, params.id, req, gone.signal)
      } catch (error) {
        leave(req, res)
        throw error
      } finally {
        done()
      }
      res.status(204).end()
    },
  }),
  defineRoute({
    method: 'post',
    path: '/api/storage/uploads/:id/complete',
    access: 'user',
    scope: 'chat',
    guests: true,
    summary: 'The file whose bytes were sent',
    response: fileView,
    errors: ['upload.not_found', 'upload.incomplete', 'upload.busy', 'storage.unavailable'],
    params: idParams,
    status: 201,
    handler: ({ user, params }) => uploads.completeDirect(user.id, params.id),
  }),
]
