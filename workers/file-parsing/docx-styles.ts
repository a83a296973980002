import { consumeXml } from './markup.ts'
import { symbolOf } from './symbol-fonts.ts'
import type { ZipReader } from './zip-reader.ts'

/** What a style says of its paragraphs, what it takes from others included. */
export interface WordStyle {
  /** Of a heading, from 1. */
  level?: number
  hidden?: boolean
  /** The list whose numbers it shows, and the level in it. */
  list?: string
  listLevel?: number
}

interface RawStyle extends WordStyle {
  basedOn?: string
}

/** Nobody bases styles on each other more often; a circle would never end. */
const MAX_CHAIN = 20
/** Word's outline levels 0 to 8 are headings, 9 is body text. */
export const headingLevel = (outline: string | undefined): number | undefined => {
  const level = Number(outline ?? Number.NaN)
  return level >= 0 && level < 9 ? level + 1 : undefined
}
export const isOn = (val: string | undefined): boolean => val !== 'false' && val !== '0' && val !== 'off'

/** Styles by their ids, which are localised; the names and outline levels behind them are not. */
export async function readWordStyles(zip: ZipReader, part: string | undefined): Promise<Map<string, WordStyle>> {
  const raw = new Map<string, RawStyle>()
  let open: RawStyle | undefined
  if (part !== undefined) {
    await consumeXml(zip.chunks(part), {
      open(name, { styleId, val }) {
        if (name === 'style') {
          open = {}
          if (styleId) raw.set(styleId, open)
        } else if (!open) return
        else if (name === 'name') {
          const level = /^(?:heading ([1-9])|title)$/i.exec(val ?? '')
          if (level) open.level = Number(level[1] ?? 1)
        } else if (name === 'basedOn') open.basedOn = val
        else if (name === 'outlineLvl') open.level = headingLevel(val) ?? open.level
        else if (name === 'vanish') open.hidden = isOn(val)
        else if (name === 'numId') open.list = val
        else if (name === 'ilvl') open.listLevel = Number(val)
      },
      close(name) {
        if (name === 'style') open = undefined
      },
    })
  }
  const styles = new Map<string, WordStyle>()
  for (const id of raw.keys()) {
    const style: RawStyle = {}
    let next: string | undefined = id
    for (let step = 0; next !== undefined && step < MAX_CHAIN; step++) {
      const own: RawStyle | undefined = raw.get(next)
      style.level ??= own?.level
      style.hidden ??= own?.hidden
      style.list ??= own?.list
      style.listLevel ??= own?.listLevel
      next = own?.basedOn
    }
    styles.set(id, style)
  }
  return styles
}

interface ListLevel {
  start: number
  format: string
  /** `%1.%2` */
  text: string
  font: string
  /** Headings are numbered through their styles. */
  style?: string
}

const ROMAN: Array<[number, string]> = [
  [1000, 'm'],
  [900, 'cm'],
  [500, 'd'],
  [400, 'cd'],
  [100, 'c'],
  [90, 'xc'],
  [50, 'l'],
  [40, 'xl'],
  [10, 'x'],
  [9, 'ix'],
  [5, 'v'],
  [4, 'iv'],
  [1, 'i'],
]

function roman(value: number): string {
  if (value < 1 || value > 3_999) return String(value)
  let text = ''
  let left = value
  for (const [worth, letters] of ROMAN) {
    for (; left >= worth; left -= worth) text += letters
  }
  return text
}

/** a, b ... z, aa, bb ... as Word counts. */
const letters = (value: number): string =>
  value < 1 ? String(value) : String.fromCharCode(97 + ((value - 1) % 26)).repeat(Math.min(8, Math.ceil(value / 26)))

function numeral(value: number, format: string): string {
  switch (format) {
    case 'lowerRoman':
      return roman(value)
    case 'upperRoman':
      return roman(value).toUpperCase()
    case 'lowerLetter':
      return letters(value)
    case 'upperLetter':
      return letters(value).toUpperCase()
    case 'decimalZero':
      return String(value).padStart(2, '0')
    case 'ordinal':
      return `${value}.`
    case 'none':
      return ''
    default:
      return String(value)
  }
}

/** Counts the numbers that Word shows before the paragraphs of lists, and does not store. */
export class ListNumbers {
  readonly #levels: ReadonlyMap<string, ListLevel[]>
  readonly #lists: ReadonlyMap<string, { kind: string; starts: Map<number, number> }>
  readonly #counts = new Map<string, number[]>()
  readonly #started = new Set<string>()

  private constructor(
    levels: ReadonlyMap<string, ListLevel[]>,
    lists: ReadonlyMap<string, { kind: string; starts: Map<number, number> }>,
  ) {
    this.#levels = levels
    this.#lists = lists
  }

  static async read(zip: ZipReader, part: string | undefined): Promise<ListNumbers> {
    const levels = new Map<string, ListLevel[]>()
    const lists = new Map<string, { kind: string; starts: Map<number, number> }>()
    let kind: ListLevel[] | undefined
    let level: ListLevel | undefined
    let list: { kind: string; starts: Map<number, number> } | undefined
    let override = 0
    if (part !== undefined) {
      await consumeXml(zip.chunks(part), {
        open(name, { abstractNumId, ilvl, numId, val, ascii }) {
          if (name === 'abstractNum') {
            kind = []
            levels.set(abstractNumId ?? '', kind)
          } else if (name === 'lvl' && kind && Number(ilvl) < 9) {
            level = { start: 1, format: 'decimal', text: '', font: '' }
            kind[Number(ilvl)] = level
          } else if (name === 'num') {
            list = { kind: '', starts: new Map() }
            lists.set(numId ?? '', list)
          } else if (name === 'abstractNumId' && list) list.kind = val ?? ''
          else if (name === 'lvlOverride') override = Number(ilvl)
          else if (name === 'startOverride') list?.starts.set(override, Number(val))
          else if (!level) return
          else if (name === 'start') level.start = Number(val)
          else if (name === 'numFmt') level.format = val ?? ''
          else if (name === 'lvlText') level.text = val ?? ''
          else if (name === 'pStyle') level.style = val
          else if (name === 'rFonts') level.font = ascii ?? ''
        },
        close(name) {
          if (name === 'lvl') level = undefined
          else if (name === 'abstractNum') kind = undefined
          else if (name === 'num') list = undefined
        },
      })
    }
    return new ListNumbers(levels, lists)
  }

  /** What stands before the next paragraph of a list, with a space behind it; '' when there is nothing. */
  next(id: string | undefined, level: number | undefined, style: string | undefined): string {
    const list = id === undefined || id === '0' ? undefined : this.#lists.get(id)
    const levels = list && this.#levels.get(list.kind)
    if (id === undefined || !list || !levels) return ''
    const byStyle = levels.findIndex((entry) => entry?.style !== undefined && entry.style === style)
    const at = level ?? Math.max(0, byStyle)
    const shown = Number.isInteger(at) && at >= 0 ? levels[at] : undefined
    if (!shown) return ''
    if (shown.format === 'bullet') return `${bullet(shown)} `
    const counts = this.#counts.get(list.kind) ?? []
    this.#counts.set(list.kind, counts)
    const restart = list.starts.get(at)
    const isFirst = restart !== undefined && !this.#started.has(`${id} ${at}`)
    this.#started.add(`${id} ${at}`)
    counts[at] = isFirst ? restart : (counts[at] ?? shown.start - 1) + 1
    counts.length = at + 1
    const text = shown.text.replace(/%([1-9])/g, (_all, digit: string) => {
      const index = Number(digit) - 1
      return numeral(counts[index] ?? levels[index]?.start ?? 1, levels[index]?.format ?? 'decimal')
    })
    return text ? `${text} ` : ''
  }
}

const bullet = ({ text, font }: ListLevel): string => {
  const code = text.codePointAt(0) ?? 0x2022
  return code === 0x6f ? '•' : symbolOf(font, code)
}
