import { posix } from 'node:path'
import type { Section } from './chunks.ts'
import { readHtml } from './html-reader.ts'
import { consumeXml } from './markup.ts'
import { malformed } from './rejection.ts'
import type { ZipReader } from './zip-reader.ts'

/** The chapters of a book in reading order, as sections under their headings. */
export async function* readEpub(zip: ZipReader): AsyncIterable<Section> {
  let book: string | undefined
  await consumeXml(zip.chunks('META-INF/container.xml'), {
    open(name, attributes) {
      if (name === 'rootfile') book ??= attributes['full-path']
    },
  })
  if (zip.has('META-INF/rights.xml')) throw malformed('it is protected against copying')
  if (!book || !zip.has(book)) throw malformed('the book has no table of its parts')
  const folder = posix.dirname(book)
  const hrefs = new Map<string, string>()
  const spine: string[] = []
  await consumeXml(zip.chunks(book), {
    open(name, { id, href, idref }) {
      if (name === 'item' && id && href) hrefs.set(id, decodeHref(href))
      else if (name === 'itemref' && idref) spine.push(idref)
    },
  })
  for (const idref of spine) {
    const href = hrefs.get(idref)
    const chapter = href === undefined ? undefined : await zip.text(posix.join(folder, href))
    if (chapter) yield* readHtml(chapter)
  }
}

const decodeHref = (href: string): string => {
  const path = href.split('#')[0] ?? ''
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}
