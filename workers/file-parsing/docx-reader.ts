import type { Section } from './chunks.ts'
import { consumeXml, HeadingPath, readXml } from './markup.ts'
import type { ZipReader } from './zip-reader.ts'

const DOCUMENT = 'word/document.xml'

/** Heading levels by style id: ids are localised, the names and outline levels behind them are not. */
async function headingStyles(zip: ZipReader): Promise<Map<string, number>> {
  const levels = new Map<string, number>()
  let style = ''
  await consumeXml(zip.chunks('word/styles.xml'), {
    open(name, { styleId, val }) {
      if (name === 'style') style = styleId ?? ''
      const level = name === 'name' ? /^(?:heading |title$)(\d?)/i.exec(val ?? '') : null
      if (level) levels.set(style, Number(level[1] || 1))
      if (name === 'outlineLvl' && Number(val) < 6) levels.set(style, Number(val) + 1)
    },
    close(name) {
      if (name === 'style') style = ''
    },
  })
  levels.delete('')
  return levels
}

/** Page numbers are known only when Word has left its last page breaks in the document. */
async function hasPageMarks(zip: ZipReader): Promise<boolean> {
  let tail = ''
  for await (const chunk of zip.chunks(DOCUMENT)) {
    const text = tail + chunk.toString('latin1')
    if (text.includes('lastRenderedPageBreak')) return true
    tail = text.slice(-32)
  }
  return false
}

interface Paragraph {
  text: string
  level: number | undefined
}

/** The text of a Word document as sections under its headings, with pages where the document knows them; then its footnotes. */
export async function* readDocx(zip: ZipReader): AsyncIterable<Section> {
  const styles = await headingStyles(zip)
  let page = (await hasPageMarks(zip)) ? 1 : null
  for (const part of [DOCUMENT, 'word/footnotes.xml', 'word/endnotes.xml']) {
    const headings = new HeadingPath()
    const done: Section[] = []
    // Text boxes put paragraphs into paragraphs.
    const paragraphs: Paragraph[] = []
    const rows: string[][] = []
    let inText = false
    let fallback = 0
    const endParagraph = () => {
      const paragraph = paragraphs.pop()
      if (!paragraph?.text.trim()) return
      const row = rows.at(-1)
      if (row) {
        row[row.length - 1] = `${row.at(-1) ?? ''} ${paragraph.text}`.trim()
        return
      }
      if (paragraph.level !== undefined) headings.set(paragraph.level, paragraph.text)
      done.push({ page, heading: headings.current, text: paragraph.text })
    }
    const pieces = readXml(zip.chunks(part), {
      open(name, { val, type }) {
        // The same content again, for readers older than the document.
        if (name === 'Fallback') fallback++
        if (fallback > 0) return
        const paragraph = paragraphs.at(-1)
        if (name === 'p') paragraphs.push({ text: '', level: undefined })
        else if (name === 'tr') rows.push([])
        else if (name === 'tc') rows.at(-1)?.push('')
        else if (name === 't') inText = true
        else if (name === 'lastRenderedPageBreak' && page !== null) page++
        else if (!paragraph) return
        else if (name === 'pStyle') paragraph.level = styles.get(val ?? '')
        else if (name === 'tab') paragraph.text += '\t'
        else if (name === 'br' && type !== 'page') paragraph.text += '\n'
      },
      close(name) {
        if (name === 'Fallback') fallback--
        if (fallback > 0) return
        if (name === 't') inText = false
        else if (name === 'p') endParagraph()
        else if (name === 'tr') {
          const text = rows.pop()?.join(' | ') ?? ''
          done.push({ page, heading: headings.current, text })
        }
      },
      text(text) {
        const paragraph = paragraphs.at(-1)
        if (inText && fallback === 0 && paragraph) paragraph.text += text
      },
    })
    for await (const _piece of pieces) yield* done.splice(0)
    page = null
  }
}
