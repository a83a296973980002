import { readFile } from 'node:fs/promises'
import { getDocumentProxy } from 'unpdf'
import type { Section } from './chunks.ts'
import { encrypted, malformed, tooManyPages } from './rejection.ts'

/** Opens a PDF and gives its pages' text one by one. `pages` is known before the first. */
export async function openPdf(
  path: string,
  maxPages: number,
): Promise<{ pages: number; sections: AsyncIterable<Section> }> {
  const data = new Uint8Array(await readFile(path))
  const document = await getDocumentProxy(data, {
    // Nothing of these is needed for text, and each is code that hostile files aim at.
    enableXfa: false,
    disableFontFace: true,
    useSystemFonts: false,
    stopAtErrors: false,
    verbosity: 0,
  }).catch((error: unknown) => {
    throw error instanceof Error && error.name === 'PasswordException'
      ? encrypted()
      : malformed('it is no readable PDF')
  })
  const pages = document.numPages
  if (pages > maxPages) throw tooManyPages(maxPages)
  if (pages === 0) throw malformed('it has no pages')

  async function* sections(): AsyncIterable<Section> {
    for (let number = 1; number <= pages; number++) {
      const page = await document.getPage(number).catch(() => {
        throw malformed(`page ${number} cannot be read`)
      })
      const content = await page.getTextContent()
      let text = ''
      for (const item of content.items) {
        if (!('str' in item)) continue
        text += item.str
        if (item.hasEOL) text += '\n'
      }
      // Words that are cut at the end of a line are one word for the search.
      yield { page: number, heading: null, text: text.replace(/(\p{Ll})-\n(?=\p{Ll})/gu, '$1') }
      page.cleanup()
    }
  }
  return { pages, sections: sections() }
}
