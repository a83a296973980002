import { consumeXml } from './markup.ts'
import type { ZipReader } from './zip-reader.ts'

export const EPUB_CONTAINER = 'META-INF/container.xml'
/** The path of the table of the parts of a book; undefined when it says none. */
export async function epubPackage(zip: ZipReader): Promise<string | undefined> {
  let book: string | undefined
  await consumeXml(zip.chunks(EPUB_CONTAINER), {
    open(name, attributes) {
      if (name === 'rootfile') book ??= attributes['full-path']
    },
  })
  return book
}
