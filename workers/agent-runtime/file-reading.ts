import type { FileView } from '../../src/contract/views.ts'
import type { Logger } from '../../src/shared/logger.ts'
import { MOST_IMAGES, MOST_SCAN_PAGES } from '../../src/storage/context-selection.ts'
import type { ScanPage } from '../../src/storage/file.entity.ts'
import type { FileImage, FileService, ReadableFile } from '../../src/storage/file.service.ts'
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
  files: Pick<FileService, 'readingsOf' | 'contextFor' | 'imageOf' | 'scanImage'>
  tokenBudget: number
  logger: Logger
}

/** What is shown to a model that sees: images, then pages of scans, by file. */
interface Shown {
  images: FileImage[]
  whole: Set<string>
  pages: Map<string, number[]>
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
    const known = await files.readingsOf(fileIds)
    if (known.length === 0) return undefined
    const ids = known.map(({ id }) => id)
    const passages = await files.contextFor(ids, query, tokenBudget)
    const shown: Shown = { images: [], whole: new Set(), pages: new Map() }
    if (sees) await this.#look(known, query, shown)
    const named = known.map((file) => describe(file, sees, shown))
    return { prompt: filesPrompt(named, passages), images: shown.images }
  }

  /** One after the other, so that no more than one is in memory that does not fit. */
  async #look(files: ReadableFile[], query: string, shown: Shown): Promise<void> {
    let left = IMAGES_BYTES
    const add = async (load: () => Promise<FileImage | undefined>): Promise<boolean> => {
      try {
        const image = await load()
        if (!image || image.data.length > Math.min(left, IMAGE_BYTES)) return false
        left -= image.data.length
        shown.images.push(image)
        return true
      } catch (error) {
        // A store that is away costs the picture, not the turn.
        this.#deps.logger.warn({ err: error }, 'an image could not be loaded for a turn')
        return false
      }
    }
    for (const { id } of files.filter(isImage).slice(0, MOST_IMAGES)) {
      if (await add(() => this.#deps.files.imageOf(id))) shown.whole.add(id)
    }
    let pages = MOST_SCAN_PAGES
    for (const file of files) {
      for (const scan of chosenPages(file.scans, query)) {
        if (pages === 0) return
        if (!(await add(() => this.#deps.files.scanImage(file, scan)))) break
        pages--
        shown.pages.set(file.id, [...(shown.pages.get(file.id) ?? []), scan.page])
      }
    }
  }
}

/** Pages of a scan that the question names by their numbers, then the others from the first on. */
function chosenPages(scans: readonly ScanPage[], query: string): ScanPage[] {
  const asked = new Set([...query.matchAll(/\d{1,4}/g)].map(([number]) => Number(number)))
  return [...scans.filter(({ page }) => asked.has(page)), ...scans.filter(({ page }) => !asked.has(page))]
}

function describe(file: ReadableFile, sees: boolean, shown: Shown): NamedFile {
  const { name, pages, scans } = file
  const seen = (shown.pages.get(file.id) ?? []).toSorted((a, b) => a - b)
  const scan = scans.length === 0 ? {} : { scan: { pages: scans.length, shown: seen, sees } }
  return { name, pages, state: stateOf(file, sees, shown), ...scan }
}

function stateOf(file: ReadableFile, sees: boolean, shown: Shown): NamedFile['state'] {
  if (file.status === 'processing') return { unread: 'it is still being processed' }
  if (file.status === 'failed') return { unread: file.error?.message ?? 'its processing failed' }
  if (shown.whole.has(file.id)) return 'image'
  if (file.textLength) return 'text'
  if (file.scans.length > 0) return 'scan'
  if (!isImage(file)) return { unread: 'no text was found in it' }
  return { unread: sees ? 'an image that is not shown to you' : 'an image, and you cannot see images' }
}
