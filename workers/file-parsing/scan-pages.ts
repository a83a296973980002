import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { MAX_PIXELS } from './image-reader.ts'
import type { ScanPages } from './protocol.ts'

/** More pages are not kept: a turn is shown eight of them. */
export const MOST_PAGES = 40
/** All pictures of pages together may take so long, in milliseconds, and so many pages are looked at: a file must not fail for them. */
export const DRAWING_MS = 8_000
export const LOOKED_AT = 200
/** Of the longer side: small print stays readable, and models look at no more. */
export const PAGE_SIDE = 1_600
const QUALITY = 72

/** Writes pages without text as pictures into one file, one after the other. */
export class ScanWriter {
  readonly #path: string
  readonly #pages: ScanPages['pages'] = []
  #end = 0

  constructor(folder: string) {
    this.#path = join(folder, 'scans')
  }

  get isFull(): boolean {
    return this.#pages.length >= MOST_PAGES
  }

  /** Adds a page as a JPEG. */
  async add(page: number, jpeg: Uint8Array): Promise<void> {
    const handle = await open(this.#path, this.#end === 0 ? 'w' : 'a')
    try {
      await handle.write(jpeg)
    } finally {
      await handle.close()
    }
    this.#pages.push({ page, start: this.#end, bytes: jpeg.length })
    this.#end += jpeg.length
  }

  /** What was written; null when nothing was. */
  async end(): Promise<ScanPages | null> {
    if (this.#pages.length > 0) return { path: this.#path, pages: this.#pages }
    await rm(this.#path, { force: true })
    return null
  }
}

/** The pages of an image that has several, as faxes and scanners write TIFF; null when it has one. */
export async function scanTiff(path: string, folder: string): Promise<ScanPages | null> {
  const writer = new ScanWriter(folder)
  const { pages = 1 } = await sharp(path, { limitInputPixels: MAX_PIXELS }).metadata()
  if (pages < 2) return null
  const began = performance.now()
  for (let page = 0; page < Math.min(pages, LOOKED_AT) && !writer.isFull; page++) {
    if (performance.now() - began > DRAWING_MS) break
    try {
      const jpeg = await sharp(path, { limitInputPixels: MAX_PIXELS, page })
        .autoOrient()
        .resize(PAGE_SIDE, PAGE_SIDE, { fit: 'inside', withoutEnlargement: true })
        .flatten({ background: '#ffffff' })
        .jpeg({ quality: QUALITY })
        .toBuffer()
      await writer.add(page + 1, jpeg)
    } catch {
      // One bad page costs one page.
    }
  }
  return writer.end()
}
