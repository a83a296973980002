import { CellFormats } from './cell-formats.ts'
import type { Section } from './chunks.ts'
import { readDrawings, readShapes } from './drawing-parts.ts'
import { consumeXml, drainXml } from './markup.ts'
import { openMain, partsOf, type Relation, relationsOf } from './office-relations.ts'
import { tooManyPages, tooMuchText } from './rejection.ts'
import type { ZipReader } from './zip-reader.ts'

/** Wider rows are not for reading; the rest of the row is left out. */
const MAX_COLUMNS = 1_000

/** 'C7' -> 2 */
function columnOf(reference: string): number {
  let column = 0
  for (const letter of /^[A-Z]{1,3}/.exec(reference)?.[0] ?? '') column = column * 26 + letter.charCodeAt(0) - 64
  return column - 1
}

/** Excel writes signs that XML cannot hold as `_x000D_`, and an underscore before such a word as `_x005F_`. */
const unescaped = (text: string): string =>
  text.includes('_x')
    ? text.replace(/_x([0-9A-Fa-f]{4})_/g, (_all, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
    : text

async function sharedStrings(zip: ZipReader, part: string | undefined, maxChars: number): Promise<string[]> {
  const strings: string[] = []
  if (part === undefined) return strings
  let open: string[] | undefined
  let phonetic = false
  let inText = false
  let chars = 0
  await consumeXml(zip.chunks(part), {
    open(name) {
      if (name === 'si') open = []
      else if (name === 'rPh') phonetic = true
      else if (name === 't') inText = true
    },
    close(name) {
      if (name === 'si') {
        strings.push(unescaped(open?.join('') ?? ''))
        open = undefined
      } else if (name === 'rPh') phonetic = false
      else if (name === 't') inText = false
    },
    text(text) {
      if (open === undefined || !inText || phonetic) return
      chars += text.length
      if (chars > maxChars) throw tooMuchText(maxChars)
      open.push(text)
    },
  })
  return strings
}

interface Sheet {
  name: string
  part: string
}

async function readWorkbook(
  zip: ZipReader,
  main: string,
  relations: ReadonlyMap<string, Relation>,
): Promise<{ sheets: Sheet[]; from1904: boolean }> {
  const sheets: Sheet[] = []
  let from1904 = false
  await consumeXml(zip.chunks(main), {
    open(name, attributes) {
      if (name === 'workbookPr') from1904 = attributes.date1904 === '1' || attributes.date1904 === 'true'
      const part = name === 'sheet' ? relations.get(attributes['r:id'] ?? '')?.target : undefined
      if (!part) return
      const hidden = attributes.state === 'hidden' || attributes.state === 'veryHidden'
      sheets.push({ name: `${attributes.name ?? 'Sheet'}${hidden ? ' (hidden)' : ''}`, part })
    },
  })
  return { sheets, from1904 }
}

/**
 * Rows of all sheets as `a | b | c`, with numbers as they are shown; the heading names the sheet and its first row, so that each chunk
 * says its columns. Comments, shapes and charts follow their sheet.
 */
export async function* readXlsx(
  zip: ZipReader,
  { maxPages, maxTextChars }: { maxPages: number; maxTextChars: number },
): AsyncIterable<Section> {
  const { main, relations } = await openMain(zip)
  const { sheets, from1904 } = await readWorkbook(zip, main, relations)
  if (sheets.length > maxPages) throw tooManyPages(maxPages)
  const [stringsPart] = partsOf(zip, relations, ['sharedStrings'], 'xl/sharedStrings.xml')
  const [stylesPart] = partsOf(zip, relations, ['styles'], 'xl/styles.xml')
  const strings = await sharedStrings(zip, stringsPart, maxTextChars)
  const formats = await CellFormats.read(zip, stylesPart, from1904)
  for (const sheet of sheets) {
    yield* readSheet(zip, sheet, strings, formats)
    yield* readBeside(zip, sheet)
  }
}

function readSheet(
  zip: ZipReader,
  sheet: Sheet,
  strings: readonly string[],
  formats: CellFormats,
): AsyncIterable<Section> {
  const done: Section[] = []
  let heading: string | undefined
  let row: string[] = []
  let number = 0
  let column = -1
  let type = ''
  let style = 0
  let value = ''
  let inValue = false
  let phonetic = false
  const shown = (): string => {
    switch (type) {
      case 's':
        return value.trim() === '' ? '' : (strings[Number(value)] ?? '')
      case 'b':
        return value === '1' || value.toLowerCase() === 'true' ? 'TRUE' : 'FALSE'
      case 'd':
        return value.replace(/T00:00:00(?:\.0+)?Z?$/, '').replace('T', ' ')
      case '':
      case 'n':
        return formats.show(value, style)
      default:
        return unescaped(value)
    }
  }
  const endRow = () => {
    const text = row.map((cell) => cell.replace(/\s+/g, ' ')).join(' | ')
    const columns = row.length
    row = []
    if (!text.replace(/[|\s]/g, '')) return
    heading ??= `${sheet.name}: ${text}`
    done.push({ page: null, heading, text, cells: { from: number, to: number, columns } })
  }
  return drainXml(zip.chunks(sheet.part), done, {
    open(name, { r, t, s }) {
      if (name === 'row') {
        column = -1
        number = Number(r) > 0 ? Number(r) : number + 1
      } else if (name === 'c') {
        column = r ? columnOf(r) : column + 1
        type = t ?? ''
        style = Number(s ?? 0)
        value = ''
      } else if (name === 'rPh') phonetic = true
      else if (name === 'v' || name === 't') inValue = true
    },
    close(name) {
      if (name === 'v' || name === 't') inValue = false
      else if (name === 'rPh') phonetic = false
      else if (name === 'c' && column >= 0 && column < MAX_COLUMNS) {
        const text = shown()
        if (!text) return
        while (row.length < column) row.push('')
        row[column] = text
      } else if (name === 'row') endRow()
    },
    text(text) {
      if (inValue && !phonetic) value += text
    },
  })
}

interface Remark {
  cell: string
  text: string
}

/** Notes and comments, which Excel keeps in two kinds of part. */
async function readRemarks(zip: ZipReader, part: string): Promise<Remark[]> {
  const remarks: Remark[] = []
  let cell: string | undefined
  let pieces: string[] = []
  let inText = false
  let plain = false
  await consumeXml(zip.chunks(part), {
    open(name, { ref }) {
      if (name === 'comment' || name === 'threadedComment') {
        cell = ref ?? ''
        pieces = []
        plain = name === 'threadedComment'
      } else if (name === 't' || (name === 'text' && plain)) inText = true
    },
    close(name) {
      if (name === 't' || name === 'text') inText = false
      else if (name === 'comment' || name === 'threadedComment') {
        if (cell !== undefined) remarks.push({ cell, text: unescaped(pieces.join('')) })
        cell = undefined
      }
    },
    text(text) {
      if (inText && cell !== undefined) pieces.push(text)
    },
  })
  return remarks
}

/** What belongs to a sheet and is in none of its cells. */
async function* readBeside(zip: ZipReader, sheet: Sheet): AsyncIterable<Section> {
  const relations = await relationsOf(zip, sheet.part)
  const place = { page: null, heading: sheet.name }
  const threads = partsOf(zip, relations, ['threadedComment'])
  for (const part of [...threads, ...partsOf(zip, relations, ['comments'])]) {
    for (const { cell, text } of await readRemarks(zip, part)) {
      // For older programs a thread is written once more, with an explanation before it.
      if (threads.length > 0 && text.startsWith('[Threaded comment]')) continue
      yield { ...place, text: `Comment on ${cell}: ${text}` }
    }
  }
  for (const part of partsOf(zip, relations, ['drawing'])) {
    yield { ...place, text: await readShapes(zip, part) }
    for await (const text of readDrawings(zip, (await relationsOf(zip, part)).values())) yield { ...place, text }
  }
}
