import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { ScanPages } from './protocol.ts'

/** More pages are not kept: a turn is shown eight of them. */
const MOST_PAGES = 40
/** All pictures of pages together may take so long, in milliseconds, and so many pages are looked at: a file must not fail for them. */
export const DRAWING_MS = 8_000
export const LOOKED_AT = 200
/** Of the longer side: small print stays readable, and models look at no more. */
export const PAGE_SIDE = 1_600
export const PAGE_QUALITY = 72

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
