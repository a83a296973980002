import { z } from 'zod'
import { idInput } from './inputs.ts'

/** Filters of the list, besides its page. */
export const fileFilter = {
  status: z.enum(['processing', 'ready', 'failed']).optional(),
  /** A part of the name, in any case. */
  name: z.string().min(1).max(255).optional(),
}

export const batchDeleteBody = z.strictObject({ ids: z.array(idInput).min(1).max(100) })

export const downloadQuery = z.strictObject({
  variant: z.enum(['original', 'stripped', 'thumbnail']).default('original'),
  disposition: z.enum(['attachment', 'inline']).default('attachment'),
})

export const directUploadBody = z.strictObject({
  name: z.string().min(1).max(10_000),
  contentType: z.string().max(255).optional(),
  size: z.number().int().min(1).max(Number.MAX_SAFE_INTEGER),
})

export type FileFilter = z.input<z.ZodObject<typeof fileFilter>>
export type DownloadQuery = z.input<typeof downloadQuery>
export type DirectUploadBody = z.input<typeof directUploadBody>
