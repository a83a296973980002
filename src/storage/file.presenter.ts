import type { FileView } from '../contract/views.ts'
import type { File } from './file.entity.ts'

/** Only for visible files; one that is not yet or no longer its owner's shows as processing. */
export const presentFile = (file: File): FileView => ({
  id: file.id,
  name: file.name,
  contentType: file.contentType,
  size: file.size,
  sha256: file.sha256,
  status: file.status === 'ready' || file.status === 'failed' ? file.status : 'processing',
  error: file.errorCode === null ? null : { code: file.errorCode, message: file.errorMessage ?? '' },
  pages: file.pages,
  textLength: file.textLength,
  createdAt: file.createdAt.toISOString(),
  updatedAt: file.updatedAt.toISOString(),
})
