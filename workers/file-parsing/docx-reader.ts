import type { Section } from './chunks.ts'
import { headingLevel, isOn, ListNumbers, readWordStyles, type WordStyle } from './docx-styles.ts'
import { readDrawings } from './drawing-parts.ts'
import { HeadingPath } from './heading-path.ts'
import { drainXml, Omitted } from './markup.ts'
import { openMain, partsOf } from './office-relations.ts'
import { symbolOf } from './symbol-fonts.ts'
import type { ZipReader } from './zip-reader.ts'

/** Text that was moved away or deleted, and the small letters over others that say how those are read. */
const OMITTED = ['moveFrom', 'del', 'rt', 'rubyPr', 'delText', 'instrText']

/** Page numbers are known only when Word has left its last page breaks in the document. */
async function hasPageMarks(zip: ZipReader, part: string): Promise<boolean> {
  let tail = ''
  for await (const chunk of zip.chunks(part)) {
    const text = tail + chunk.toString('latin1')
    if (text.includes('lastRenderedPageBreak')) return true
    tail = text.slice(-32)
  }
  return false
}

/** What is being read, as a document nests it: text boxes put paragraphs into paragraphs. */
interface Paragraph {
  pieces: string[]
  style: string | undefined
  level: number | undefined
  list: string | undefined
  listLevel: number | undefined
  /** By its style; its runs may say otherwise. */
  hidden: boolean
}

interface WordContext {
  styles: ReadonlyMap<string, WordStyle>
  numbers: ListNumbers
}

/** The paragraphs and tables of one part. `page` is where it begins, null where pages are not known. */
function readPart(
  zip: ZipReader,
  part: string,
  { styles, numbers }: WordContext,
  startPage: number | null,
): AsyncIterable<Section & { author?: string }> {
  let page = startPage
  const headings = new HeadingPath()
  const done: Array<Section & { author?: string }> = []
  const paragraphs: Paragraph[] = []
  const rows: string[][][] = []
  const omitted = new Omitted(OMITTED)
  let inText = false
  let inRun = false
  let hidden = false
  let author: string | undefined
  const add = (text: string) => {
    if (!hidden) paragraphs.at(-1)?.pieces.push(text)
  }
  const put = (text: string) => {
    const cell = rows.at(-1)?.at(-1)
    if (cell) cell.push(text)
    else done.push({ page, heading: headings.current, text, author })
  }
  const endParagraph = () => {
    const paragraph = paragraphs.pop()
    const text = paragraph?.pieces.join('') ?? ''
    if (!paragraph || !text.trim()) return
    const { style, list, listLevel } = paragraph
    const full = numbers.next(list, listLevel, style) + text
    if (paragraph.level !== undefined && rows.length === 0) headings.set(paragraph.level, full)
    put(full)
  }
  const setStyle = (paragraph: Paragraph, id: string | undefined) => {
    const style = id === undefined ? undefined : styles.get(id)
    paragraph.style = id
    paragraph.level ??= style?.level
    paragraph.list ??= style?.list
    paragraph.listLevel ??= style?.listLevel
    paragraph.hidden = style?.hidden ?? false
  }
  return drainXml(zip.chunks(part), done, {
    open(name, attributes) {
      if (omitted.open(name)) return
      const { val } = attributes
      const paragraph = paragraphs.at(-1)
      if (name === 'p') {
        paragraphs.push({
          pieces: [],
          style: undefined,
          level: undefined,
          list: undefined,
          listLevel: undefined,
          hidden: false,
        })
        inRun = false
      } else if (name === 'tr') rows.push([])
      else if (name === 'tc') rows.at(-1)?.push([])
      else if (name === 't') inText = true
      else if (name === 'comment') author = attributes.author
      else if (name === 'lastRenderedPageBreak') {
        if (page !== null) page++
      } else if (!paragraph) return
      else if (name === 'r') {
        inRun = true
        hidden = paragraph.hidden
      } else if (name === 'vanish') {
        // That of a paragraph's own mark hides nothing.
        if (inRun) hidden = isOn(val)
      } else if (name === 'rStyle') hidden ||= styles.get(val ?? '')?.hidden ?? false
      else if (name === 'pStyle') setStyle(paragraph, val)
      else if (name === 'outlineLvl') paragraph.level = headingLevel(val)
      else if (name === 'numId') paragraph.list = val
      else if (name === 'ilvl') paragraph.listLevel = Number(val)
      else if (name === 'tab' && inRun) add('\t')
      else if (name === 'ptab') add('\t')
      else if (name === 'br' || name === 'cr') add('\n')
      else if (name === 'noBreakHyphen') add('-')
      else if (name === 'sym') add(symbolOf(attributes.font ?? '', Number.parseInt(attributes.char ?? '', 16) || 0))
    },
    close(name) {
      if (omitted.close(name)) return
      if (name === 't') inText = false
      else if (name === 'r') {
        inRun = false
        hidden = false
      } else if (name === 'p') endParagraph()
      else if (name === 'tr') put((rows.pop() ?? []).map((cell) => cell.join(' ').trim()).join(' | '))
    },
    text(text) {
      if (inText && !omitted.active) add(text)
    },
  })
}

/**
 * The text of a Word document as sections under its headings, with pages where the document knows them; then what stands
 * outside of its flow: notes, comments, headers and footers, charts and diagrams.
 */
export async function* readDocx(zip: ZipReader): AsyncIterable<Section> {
  const { main, relations } = await openMain(zip)
  const [styles] = partsOf(zip, relations, ['styles'], 'word/styles.xml')
  const [numbering] = partsOf(zip, relations, ['numbering'], 'word/numbering.xml')
  const context = { styles: await readWordStyles(zip, styles), numbers: await ListNumbers.read(zip, numbering) }
  yield* readPart(zip, main, context, (await hasPageMarks(zip, main)) ? 1 : null)
  for (const [type, usual] of [
    ['footnotes', 'word/footnotes.xml'],
    ['endnotes', 'word/endnotes.xml'],
  ] as const) {
    for (const part of partsOf(zip, relations, [type], usual)) yield* readPart(zip, part, context, null)
  }
  for (const part of partsOf(zip, relations, ['comments'], 'word/comments.xml')) {
    for await (const { author, ...section } of readPart(zip, part, context, null)) {
      yield { ...section, text: `Comment${author ? ` by ${author}` : ''}: ${section.text}` }
    }
  }
  yield* readMargins(zip, partsOf(zip, relations, ['header', 'footer']), context)
  for await (const text of readDrawings(zip, relations.values())) yield { page: null, heading: null, text }
}

/** Headers and footers, which repeat on every page, once each; numbers of pages say nothing. */
async function* readMargins(zip: ZipReader, parts: readonly string[], context: WordContext): AsyncIterable<Section> {
  const seen = new Set<string>()
  for (const part of parts) {
    const lines: string[] = []
    for await (const { text } of readPart(zip, part, context, null)) lines.push(text)
    const text = lines.join('\n')
    if (seen.has(text) || !/\p{L}/u.test(text)) continue
    seen.add(text)
    yield { page: null, heading: 'Headers and footers', text }
  }
}
