import { Parser } from 'htmlparser2'
import type { Section } from './chunks.ts'
import { HeadingPath } from './markup.ts'

/** What is in these is not text for people. */
const SKIPPED = new Set([
  'script',
  'style',
  'template',
  'noscript',
  'svg',
  'math',
  'object',
  'iframe',
  'select',
  'textarea',
])
const BLOCKS = new Set(
  'address article aside blockquote body br caption dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody tfoot thead tr ul'.split(
    ' ',
  ),
)
const HEADING = /^h[1-6]$/

/** The text of a page as sections under its headings. Scripts and styles are left out. Also reads XHTML and SVG. */
export function readHtml(html: string, { xml = false } = {}): Section[] {
  const sections: Section[] = []
  const headings = new HeadingPath()
  let text = ''
  let heading: string | undefined
  let inTitle = false
  let skipped = 0
  const flush = () => {
    if (text.trim()) sections.push({ page: null, heading: headings.current, text })
    text = ''
  }
  const parser = new Parser(
    {
      onopentag(name, attributes) {
        if (skipped > 0 || (SKIPPED.has(name) && !xml)) {
          skipped++
          return
        }
        if (name === 'title') inTitle = true
        else if (HEADING.test(name)) {
          flush()
          heading = ''
        } else if (name === 'td' || name === 'th') text += text.endsWith('\n') || !text ? '' : ' | '
        else if (name === 'img' && attributes.alt) text += ` [${attributes.alt}] `
        else if (BLOCKS.has(name)) text += '\n'
      },
      onclosetag(name) {
        if (skipped > 0) {
          skipped--
          return
        }
        if (name === 'title') inTitle = false
        else if (HEADING.test(name) && heading !== undefined) {
          headings.set(Number(name[1]), heading)
          text += `${heading}\n`
          heading = undefined
        } else if (BLOCKS.has(name)) text += '\n'
      },
      ontext(piece) {
        if (skipped > 0) return
        const plain = piece.replace(/\s+/g, ' ')
        if (inTitle) headings.set(1, `${headings.current ?? ''}${plain}`)
        else if (heading !== undefined) heading += plain
        else text += plain
      },
    },
    { decodeEntities: true, xmlMode: xml },
  )
  parser.write(html)
  parser.end()
  flush()
  return sections
}
