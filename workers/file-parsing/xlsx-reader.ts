import type { Section } from './chunks.ts'
import { consumeXml, readXml } from './markup.ts'
import { relationsOf } from './office-relations.ts'
import { tooManyPages, tooMuchText } from './rejection.ts'
import type { ZipReader } from './zip-reader.ts'

const WORKBOOK = 'xl/workbook.xml'
/** Wider rows are not for reading; the rest of the row is left out. */
const MAX_COLUMNS = 1_000
const DAY_MS = 86_400_000
/** Built-in formats of dates and times. */
const isDateFormat = (id: number): boolean => (id >= 14 && id <= 22) || (id >= 45 && id <= 47)

/** 'C7' -> 2 */
function columnOf(reference: string): number {
  let column = 0
  for (const letter of /^[A-Z]+/.exec(reference)?.[0] ?? '') column = column * 26 + letter.charCodeAt(0) - 64
  return column - 1
}

/** Excel counts days from 1899-12-30. */
function dateOf(serial: number): string {
  const date = new Date(Date.UTC(1899, 11, 30) + Math.round(serial * DAY_MS))
  if (Number.isNaN(date.getTime())) return String(serial)
  const iso = date.toISOString()
  if (serial < 1) return iso.slice(11, 19)
  return Number.isInteger(serial) ? iso.slice(0, 10) : iso.slice(0, 19).replace('T', ' ')
}

async function sharedStrings(zip: ZipReader, maxChars: number): Promise<string[]> {
  const strings: string[] = []
  let open: string | undefined
  let phonetic = false
  let inText = false
  let chars = 0
  await consumeXml(zip.chunks('xl/sharedStrings.xml'), {
    open(name) {
      if (name === 'si') open = ''
      else if (name === 'rPh') phonetic = true
      else if (name === 't') inText = true
    },
    close(name) {
      if (name === 'si') {
        strings.push(open ?? '')
        open = undefined
      } else if (name === 'rPh') phonetic = false
      else if (name === 't') inText = false
    },
    text(text) {
      if (open === undefined || !inText || phonetic) return
      chars += text.length
      if (chars > maxChars) throw tooMuchText(maxChars)
      open += text
    },
  })
  return strings
}

/** Which cell styles show dates. */
async function dateStyles(zip: ZipReader): Promise<boolean[]> {
  const custom = new Set<number>()
  const styles: boolean[] = []
  let inCellStyles = false
  await consumeXml(zip.chunks('xl/styles.xml'), {
    open(name, { numFmtId, formatCode }) {
      if (name === 'numFmt' && /[ymdhs]/i.test((formatCode ?? '').replace(/"[^"]*"|\[[^\]]*\]|\\./g, ''))) {
        custom.add(Number(numFmtId))
      } else if (name === 'cellXfs') inCellStyles = true
      else if (name === 'xf' && inCellStyles)
        styles.push(isDateFormat(Number(numFmtId)) || custom.has(Number(numFmtId)))
    },
    close(name) {
      if (name === 'cellXfs') inCellStyles = false
    },
  })
  return styles
}

/** Rows of all sheets as `a | b | c`; the heading names the sheet and its first row, so that each chunk says its columns. */
export async function* readXlsx(
  zip: ZipReader,
  { maxPages, maxTextChars }: { maxPages: number; maxTextChars: number },
): AsyncIterable<Section> {
  const relations = await relationsOf(zip, WORKBOOK)
  const sheets: Array<{ name: string; part: string }> = []
  await consumeXml(zip.chunks(WORKBOOK), {
    open(name, attributes) {
      const part = name === 'sheet' ? relations.get(attributes['r:id'] ?? '')?.target : undefined
      if (part) sheets.push({ name: attributes.name ?? 'Sheet', part })
    },
  })
  if (sheets.length > maxPages) throw tooManyPages(maxPages)
  const strings = await sharedStrings(zip, maxTextChars)
  const dates = await dateStyles(zip)
  for (const sheet of sheets) {
    const done: Section[] = []
    let heading: string | undefined
    let row: string[] = []
    let column = -1
    let type = ''
    let style = 0
    let value = ''
    let inValue = false
    const shown = (): string => {
      if (type === 's') return strings[Number(value)] ?? ''
      if (type === 'b') return value === '1' ? 'TRUE' : 'FALSE'
      if ((type === '' || type === 'n') && value && dates[style]) return dateOf(Number(value))
      return value
    }
    const endRow = () => {
      const text = row.map((cell) => cell.replace(/\s+/g, ' ')).join(' | ')
      row = []
      if (!text.replace(/[|\s]/g, '')) return
      heading ??= `${sheet.name}: ${text}`
      done.push({ page: null, heading, text })
    }
    const pieces = readXml(zip.chunks(sheet.part), {
      open(name, { r, t, s }) {
        if (name === 'row') column = -1
        else if (name === 'c') {
          column = r ? columnOf(r) : column + 1
          type = t ?? ''
          style = Number(s ?? 0)
          value = ''
        } else if (name === 'v' || name === 't') inValue = true
      },
      close(name) {
        if (name === 'v' || name === 't') inValue = false
        else if (name === 'c' && column >= 0 && column < MAX_COLUMNS) {
          while (row.length < column) row.push('')
          row[column] = shown()
        } else if (name === 'row') endRow()
      },
      text(text) {
        if (inValue) value += text
      },
    })
    for await (const _piece of pieces) yield* done.splice(0)
  }
}
