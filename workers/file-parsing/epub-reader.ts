import { posix } from 'node:path'
import type { Section } from './chunks.ts'
import { epubPackage } from './epub-package.ts'
import { readHtml } from './html-reader.ts'
import { consumeXml } from './markup.ts'
import { malformed } from './rejection.ts'
import type { ZipReader } from './zip-reader.ts'

/** Chapters are XHTML, which the rules of HTML misread; only old books have real HTML. */
const isHtml = (type: string | undefined, text: string): boolean =>
  type === 'text/html' && !/^\s{0,9}<\?xml/.test(text.slice(0, 100))

/** The chapters of a book in reading order, as sections under their headings. */
export async function* readEpub(zip: ZipReader): AsyncIterable<Section> {
  const book = await epubPackage(zip)
  if (zip.has('META-INF/rights.xml')) throw malformed('it is protected against copying')
  if (!book || !zip.has(book)) throw malformed('the book has no table of its parts')
  const folder = posix.dirname(book)
  const parts = new Map<string, { href: string; type: string | undefined }>()
  const spine: string[] = []
  await consumeXml(zip.chunks(book), {
    open(name, attributes) {
      const { id, href, idref } = attributes
      if (name === 'item' && id && href) parts.set(id, { href: decodeHref(href), type: attributes['media-type'] })
      else if (name === 'itemref' && idref) spine.push(idref)
    },
  })
  for (const idref of spine) {
    const part = parts.get(idref)
    const chapter = part && (await zip.text(posix.join(folder, part.href)))
    if (chapter) yield* readHtml(chapter, { xml: !isHtml(part.type, chapter) })
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
