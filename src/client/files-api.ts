import { z } from 'zod'
import type { DirectUploadBody, DownloadQuery, FileFilter } from '../contract/file.schemas.ts'
import {
  type BatchDeletedView,
  batchDeletedView,
  type DirectUploadView,
  directUploadView,
  type StorageUsageView,
  storageUsageView,
} from '../contract/storage-views.ts'
import { type FileView, fileView, listOf } from '../contract/views.ts'
import { ApiPart, type CallOptions, type ListOf, type PageQuery } from './rest.ts'
import type { Progress } from './watched-send.ts'

const uploaded = z.object({ data: z.array(fileView) })

export interface UploadOptions extends CallOptions {
  onProgress?: ((progress: Progress) => void) | undefined
  /** For a Blob, which has none; a File has its own. */
  name?: string | undefined
}

/** `/api/storage`. A file is `processing` until it was read; `file.updated` tells when (`client.onUserEvent`). */
export class FilesApi extends ApiPart {
  upload(file: Blob, { onProgress, name, signal }: UploadOptions = {}): Promise<FileView> {
    const body = new FormData()
    body.append('file', file, nameOf(file, name))
    return this.rest.call('POST /api/storage/upload', fileView, { body, onProgress, signal })
  }

  /** Up to 20 at once: all of them are kept, or none. */
  async uploadAll(files: File[], { onProgress, signal }: UploadOptions = {}): Promise<FileView[]> {
    const body = new FormData()
    for (const file of files) body.append('files', file, file.name)
    const { data } = await this.rest.call('POST /api/storage/upload', uploaded, { body, onProgress, signal })
    return data
  }

  /** Where and how to send the bytes past this server, where it has such a store; then `completeDirect`. */
  beginDirect(body: DirectUploadBody, options: CallOptions = {}): Promise<DirectUploadView> {
    return this.rest.call('POST /api/storage/uploads', directUploadView, { body, ...options })
  }

  /** The bytes of a direct upload whose `url` is this server's own. */
  putContent(id: string, body: Blob, { onProgress, signal }: UploadOptions = {}): Promise<void> {
    const request = { params: { id }, body, onProgress, signal }
    return this.rest.call('PUT /api/storage/uploads/:id/content', null, request)
  }

  completeDirect(id: string, options: CallOptions = {}): Promise<FileView> {
    return this.rest.call('POST /api/storage/uploads/:id/complete', fileView, { params: { id }, ...options })
  }

  list(query: PageQuery & FileFilter = {}, options: CallOptions = {}): Promise<ListOf<FileView>> {
    return this.rest.call('GET /api/storage/files', listOf(fileView), { query, ...options })
  }

  get(id: string, options: CallOptions = {}): Promise<FileView> {
    return this.rest.call('GET /api/storage/files/:id', fileView, { params: { id }, ...options })
  }

  /** Its bytes, as the answer of `fetch`: `.blob()`, `.text()` or `.body`, which is a stream. */
  download(id: string, query: DownloadQuery = {}, options: CallOptions = {}): Promise<Response> {
    return this.rest.send('GET /api/storage/files/:id/download', { params: { id }, query, ...options })
  }

  /** Reads it once more, after that has failed. */
  reprocess(id: string, options: CallOptions = {}): Promise<FileView> {
    return this.rest.call('POST /api/storage/files/:id/process', fileView, { params: { id }, ...options })
  }

  delete(id: string, options: CallOptions = {}): Promise<void> {
    return this.rest.call('DELETE /api/storage/files/:id', null, { params: { id }, ...options })
  }

  /** Up to 100; what could not be deleted is named with the reason. */
  deleteAll(ids: string[], options: CallOptions = {}): Promise<BatchDeletedView> {
    return this.rest.call('POST /api/storage/files/batch-delete', batchDeletedView, { body: { ids }, ...options })
  }

  usage(options: CallOptions = {}): Promise<StorageUsageView> {
    return this.rest.call('GET /api/storage/usage', storageUsageView, options)
  }
}

const nameOf = (file: Blob, name: string | undefined): string => name ?? (file instanceof File ? file.name : 'file')
