/** Storage as clients see it, beside files. Pure: browsers import this file too. */
import { z } from 'zod'
import { fileView, idView, timeView } from './views.ts'

const count = z.number().int().min(0)

/** What a user has stored and may store. */
export const storageUsageView = z
  .object({
    bytes: count,
    files: count,
    limits: z.object({ bytes: count, files: count, fileBytes: count, uploadsPerMinute: count }),
  })
  .meta({ id: 'StorageUsage' })
export type StorageUsageView = z.infer<typeof storageUsageView>

/** Where and how a client sends the bytes itself. A relative `url` is this server's and needs the usual Authorization. */
export const directUploadView = z
  .object({
    id: idView,
    method: z.literal('PUT'),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    expiresAt: timeView,
  })
  .meta({ id: 'DirectUpload' })
export type DirectUploadView = z.infer<typeof directUploadView>

/** One file for the field `file`, a list for `files`. */
export const uploadedView = z.union([fileView, z.object({ data: z.array(fileView) })]).meta({ id: 'Uploaded' })

/** Per item: what is not there, or another's, is named in `failed`. */
export const batchDeletedView = z.object({
  deleted: z.array(idView),
  failed: z.array(z.object({ id: idView, code: z.string() })),
})
export type BatchDeletedView = z.infer<typeof batchDeletedView>
