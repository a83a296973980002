import type { Section } from './chunks.ts'
import { HeadingPath } from './heading-path.ts'
import { drainXml, Omitted } from './markup.ts'
import type { ZipReader } from './zip-reader.ts'

/** Deleted text, readings over signs, what a program needs to make an index, and forms of scripts. */
const OMITTED = [
  'tracked-changes',
  'ruby-text',
  'event-listeners',
  'scripts',
  'hidden-text',
  'forms',
  'index-entry-span',
]
const CONTENT = 'content.xml'
/** Repeated cells and rows that are empty go to the ends of a sheet; those with content are real, but not a million. */
const MAX_REPEATED = 100
const MAX_COLUMNS = 1_000
const MAX_SPACES = 1_000

const repeated = (count: string | undefined): number => {
  const number = Number(count ?? 1)
  return Number.isFinite(number) && number > 1 ? number : 1
}

/** The text of an OpenDocument text as sections under its headings. */
export async function* readOdt(zip: ZipReader): AsyncIterable<Section> {
  yield* readFlow(zip, CONTENT)
  // Headers and footers are with the styles of the pages.
  for await (const { text } of readFlow(zip, 'styles.xml')) {
    if (/\p{L}/u.test(text)) yield { page: null, heading: 'Headers and footers', text }
  }
}

/** Slides as pages under their titles; notes follow their slide. */
export async function* readOdp(zip: ZipReader): AsyncIterable<Section> {
  yield* readFlow(zip, CONTENT)
}

interface Cell {
  pieces: string[]
  repeat: number
}

/** Paragraphs as they come: those of tables row by row, those of slides with their page, sheets with their cells. */
function readFlow(zip: ZipReader, part: string): AsyncIterable<Section> {
  const headings = new HeadingPath()
  const omitted = new Omitted(OMITTED)
  const done: Section[] = []
  const paragraphs: string[][] = []
  const rows: Cell[][] = []
  const hiddenStyles = new Set<string>()
  let page: number | null = null
  let title: string | null = null
  let prefix = ''
  let level: number | undefined
  let frame = ''
  let style = ''
  let hidden = 0
  const add = (text: string) => {
    if (hidden === 0 && !omitted.active) paragraphs.at(-1)?.push(text)
  }
  const put = (text: string) => {
    if (!text.trim()) return
    const cell = rows.at(-1)?.at(-1)
    if (cell) cell.pieces.push(text)
    else done.push({ page, heading: page === null ? headings.current : title, text: `${prefix}${text}` })
  }
  return drainXml(zip.chunks(part), done, {
    open(name, attributes) {
      if (omitted.open(name)) return
      if (name === 'style') style = attributes.name ?? ''
      else if (name === 'text-properties' && attributes.display === 'none') hiddenStyles.add(style)
      if (hidden > 0 || (name === 'span' && hiddenStyles.has(attributes['style-name'] ?? ''))) hidden++
      if (name === 'page') {
        page = (page ?? 0) + 1
        title = null
        done.push({ page, heading: null, text: '' })
      } else if (name === 'frame') frame = attributes.class ?? ''
      else if (name === 'notes') prefix = 'Notes: '
      else if (name === 'annotation') {
        prefix = 'Comment: '
        // A remark stands inside of the paragraph that it is about.
        paragraphs.push([])
      } else if (name === 'p' || name === 'h') {
        paragraphs.push([])
        level = name === 'h' ? Number(attributes['outline-level'] ?? 1) : undefined
      } else if (name === 'table-row') rows.push([])
      else if (name === 'table-cell') rows.at(-1)?.push({ pieces: [], repeat: 1 })
      else if (name === 's') add(' '.repeat(Math.min(MAX_SPACES, repeated(attributes.c))))
      else if (name === 'tab') add('\t')
      else if (name === 'line-break') add('\n')
      else if (name === 'note') paragraphs.push([])
    },
    close(name) {
      if (omitted.close(name)) return
      if (hidden > 0) hidden--
      if (name === 'p' || name === 'h') {
        const text = paragraphs.pop()?.join('') ?? ''
        if (level !== undefined && rows.length === 0 && part === CONTENT) headings.set(level, text)
        if (frame === 'title' && page !== null && prefix === '') title ??= text.trim() || null
        put(text)
        level = undefined
      } else if (name === 'note' || name === 'annotation') {
        paragraphs.pop()
        if (name === 'annotation') prefix = ''
      } else if (name === 'notes') prefix = ''
      else if (name === 'frame') frame = ''
      else if (name === 'table-row') put((rows.pop() ?? []).map(({ pieces }) => pieces.join(' ').trim()).join(' | '))
    },
    text: (text) => add(text),
  })
}

/** Rows of all sheets as `a | b | c`, in the words in which the cells show them. */
export function readOds(zip: ZipReader): AsyncIterable<Section> {
  const done: Section[] = []
  const omitted = new Omitted(OMITTED)
  let sheet = ''
  let heading: string | undefined
  let number = 0
  let rowRepeat = 1
  let row: string[] = []
  let cell: string[] | undefined
  let repeat = 1
  let depth = 0
  let remark = false
  /** In the name and date of a remark. */
  let silent = false
  const endRow = () => {
    const text = row.join(' | ')
    const columns = row.length
    row = []
    if (text.replace(/[|\s]/g, '')) {
      heading ??= `${sheet}: ${text}`
      for (let copy = 0; copy < Math.min(rowRepeat, MAX_REPEATED); copy++) {
        done.push({ page: null, heading, text, cells: { from: number + copy, to: number + copy, columns } })
      }
    }
    number += rowRepeat
  }
  const endCell = () => {
    const text = (cell ?? []).join('').replace(/\s+/g, ' ').trim()
    cell = undefined
    const copies = text ? Math.min(repeat, MAX_REPEATED) : repeat
    for (let copy = 0; copy < copies && row.length < MAX_COLUMNS; copy++) row.push(text)
  }
  return drainXml(zip.chunks(CONTENT), done, {
    open(name, attributes) {
      if (omitted.open(name)) return
      if (name === 'table' && depth++ === 0) {
        sheet = attributes.name ?? 'Sheet'
        heading = undefined
        number = 1
      } else if (name === 'table-row') rowRepeat = repeated(attributes['number-rows-repeated'])
      else if (name === 'table-cell' || name === 'covered-table-cell') {
        cell = []
        repeat = repeated(attributes['number-columns-repeated'])
      } else if (name === 'annotation') {
        remark = true
        cell?.push(' (Comment: ')
      } else if (remark && (name === 'creator' || name === 'date' || name === 'date-string')) silent = true
      else if (name === 's') cell?.push(' '.repeat(Math.min(MAX_SPACES, repeated(attributes.c))))
      else if (name === 'tab' || name === 'line-break' || name === 'p') cell?.push(' ')
    },
    close(name) {
      if (omitted.close(name)) return
      if (name === 'table') depth--
      else if (name === 'table-row') {
        while (row.length > 0 && !row.at(-1)) row.pop()
        endRow()
      } else if (name === 'table-cell' || name === 'covered-table-cell') endCell()
      else if (name === 'annotation') {
        remark = false
        cell?.push(') ')
      } else if (name === 'creator' || name === 'date' || name === 'date-string') silent = false
    },
    text(text) {
      if (!omitted.active && !silent) cell?.push(text)
    },
  })
}
