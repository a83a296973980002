import type { Logger } from '../../src/shared/logger.ts'
import { MOST_IMAGES } from '../../src/storage/context-selection.ts'
import type { FileView } from '../../src/storage/file.presenter.ts'
import type { FileImage, FileService } from '../../src/storage/file.service.ts'
import { filesPrompt, type NamedFile } from './file-prompt.ts'

/** Images, each and all together, stay within these bytes: what every provider takes. */
const IMAGE_BYTES = 3_500_000
const IMAGES_BYTES = 8_000_000

/** What a turn gets of its conversation's files. */
export interface FileMaterial {
  prompt: string
  images: FileImage[]
}

export interface ReadingRequest {
  /** The conversation's latest, as the room knows them. */
  fileIds: string[]
  /** The words that passages should match. */
  query: string
  /** The model takes images. */
  sees: boolean
}

interface ReadingDependencies {
  files: Pick<FileService, 'viewsOf' | 'contextFor' | 'imagesOf'>
  tokenBudget: number
  logger: Logger
}

const isImage = ({ status, contentType }: FileView): boolean => status === 'ready' && contentType.startsWith('image/')

/** Reads the files of a conversation for its turns. */
export class FileReading {
  readonly #deps: ReadingDependencies

  constructor(dependencies: ReadingDependencies) {
    this.#deps = dependencies
  }

  /** Undefined when the conversation has no files. */
  async read({ fileIds, query, sees }: ReadingRequest): Promise<FileMaterial | undefined> {
    if (fileIds.length === 0) return undefined
    const { files, tokenBudget } = this.#deps
    const known = await files.viewsOf(fileIds)
    if (known.length === 0) return undefined
    const ids = known.map(({ id }) => id)
    const [passages, images] = await Promise.all([
      files.contextFor(ids, query, tokenBudget),
      sees ? this.#images(known.filter(isImage).map(({ id }) => id)) : [],
    ])
    const shown = new Set(images.map(({ fileId }) => fileId))
    const named = known.map((file) => ({ name: file.name, pages: file.pages, state: stateOf(file, sees, shown) }))
    return { prompt: filesPrompt(named, passages), images }
  }

  /** One after the other, so that no more than one is in memory that does not fit. */
  async #images(fileIds: string[]): Promise<FileImage[]> {
    const images: FileImage[] = []
    let left = IMAGES_BYTES
    for (const id of fileIds.slice(0, MOST_IMAGES)) {
      try {
        const [image] = await this.#deps.files.imagesOf([id])
        if (!image || image.data.length > Math.min(left, IMAGE_BYTES)) continue
        left -= image.data.length
        images.push(image)
      } catch (error) {
        // A store that is away costs the picture, not the turn.
        this.#deps.logger.warn({ err: error, fileId: id }, 'an image could not be loaded for a turn')
      }
    }
    return images
  }
}

function stateOf(file: FileView, sees: boolean, shown: ReadonlySet<string>): NamedFile['state'] {
  if (file.status === 'processing') return { unread: 'it is still being processed' }
  if (file.status === 'failed') return { unread: file.error?.message ?? 'its processing failed' }
  if (!isImage(file)) return file.textLength ? 'text' : { unread: 'no text was found in it' }
  if (shown.has(file.id)) return 'image'
  return { unread: sees ? 'an image that is not shown to you' : 'an image, and you cannot see images' }
}
