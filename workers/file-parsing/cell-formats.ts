import { format, getFormatInfo, isDateFormat } from 'numfmt'
import { consumeXml } from './markup.ts'
import type { ZipReader } from './zip-reader.ts'

const DAY_MS = 86_400_000
/** The formats that every workbook has without saying so (ECMA-376, 18.8.30). */
const BUILT_IN: Readonly<Record<number, string>> = {
  1: '0',
  2: '0.00',
  3: '#,##0',
  4: '#,##0.00',
  5: '"$"#,##0_);("$"#,##0)',
  6: '"$"#,##0_);("$"#,##0)',
  7: '"$"#,##0.00_);("$"#,##0.00)',
  8: '"$"#,##0.00_);("$"#,##0.00)',
  9: '0%',
  10: '0.00%',
  11: '0.00E+00',
  12: '# ?/?',
  13: '# ??/??',
  37: '#,##0_);(#,##0)',
  38: '#,##0_);(#,##0)',
  39: '#,##0.00_);(#,##0.00)',
  40: '#,##0.00_);(#,##0.00)',
  46: '[h]:mm:ss',
  48: '##0.0E+0',
  49: '@',
}
/** Dates and times; 27 to 36 and 50 to 58 are those of East Asian editions. */
const isBuiltInDate = (id: number): boolean =>
  (id >= 14 && id <= 22) || (id >= 27 && id <= 36) || id === 45 || id === 47 || (id >= 50 && id <= 58)

/** How a style of cells shows numbers. */
type Shown = { kind: 'plain' } | { kind: 'date' } | { kind: 'format'; pattern: string }

/** Hours, minutes or seconds that do not begin anew with each day. */
const isElapsed = (pattern: string): boolean => /\[(?:h+|m+|s+)\]/i.test(pattern)
/** Patterns are short; longer ones are no formats but work for a parser. */
const MAX_PATTERN = 255

function shownBy(id: number, custom: ReadonlyMap<number, string>): Shown {
  const pattern = custom.get(id) ?? BUILT_IN[id]
  if (pattern === undefined) return isBuiltInDate(id) ? { kind: 'date' } : { kind: 'plain' }
  if (pattern.length > MAX_PATTERN || /^general$/i.test(pattern)) return { kind: 'plain' }
  try {
    if (isDateFormat(pattern) && !isElapsed(pattern)) return { kind: 'date' }
    return getFormatInfo(pattern).type === 'error' ? { kind: 'plain' } : { kind: 'format', pattern }
  } catch {
    return { kind: 'plain' }
  }
}

/** Excel counts days from 1899-12-30, or from 1904-01-01; dates are shown as the same everywhere. */
function dateOf(serial: number, from1904: boolean): string {
  const date = new Date(
    (from1904 ? Date.UTC(1904, 0, 1) : Date.UTC(1899, 11, 30)) + Math.round(serial * 86_400) * 1_000,
  )
  if (Number.isNaN(date.getTime()) || Math.abs(serial) > 2_958_466) return String(serial)
  // Its calendar has a 29 February 1900, so that earlier days are one off.
  const early = !from1904 && serial >= 1 && serial < 60 ? new Date(date.getTime() + DAY_MS) : date
  const iso = early.toISOString()
  if (serial >= 0 && serial < 1) return iso.slice(11, 19)
  return Number.isInteger(serial) ? iso.slice(0, 10) : iso.slice(0, 19).replace('T', ' ')
}

/** A number as a sheet shows it without a format: without the noise of binary fractions. */
const plainNumber = (value: number): string => String(Number(value.toPrecision(15)))

/** How the cells of a workbook show their numbers. */
export class CellFormats {
  readonly #styles: Shown[]
  readonly #from1904: boolean

  private constructor(styles: Shown[], from1904: boolean) {
    this.#styles = styles
    this.#from1904 = from1904
  }

  static async read(zip: ZipReader, part: string | undefined, from1904: boolean): Promise<CellFormats> {
    const custom = new Map<number, string>()
    const ids: number[] = []
    let inCellStyles = false
    if (part !== undefined) {
      await consumeXml(zip.chunks(part), {
        open(name, { numFmtId, formatCode }) {
          if (name === 'numFmt') custom.set(Number(numFmtId), formatCode ?? '')
          else if (name === 'cellXfs') inCellStyles = true
          else if (name === 'xf' && inCellStyles) ids.push(Number(numFmtId ?? 0))
        },
        close(name) {
          if (name === 'cellXfs') inCellStyles = false
        },
      })
    }
    const known = new Map<number, Shown>()
    for (const id of new Set(ids)) known.set(id, shownBy(id, custom))
    return new CellFormats(
      ids.map((id) => known.get(id) ?? { kind: 'plain' }),
      from1904,
    )
  }

  /** A number as the cell shows it, such as `15%`, `1,234.50`, `2024-05-01` or `36:00`; dates always year first. */
  show(raw: string, style: number): string {
    const value = Number(raw)
    if (raw.trim() === '' || !Number.isFinite(value)) return raw
    const shown = this.#styles[style] ?? { kind: 'plain' }
    if (shown.kind === 'date') return dateOf(value, this.#from1904)
    if (shown.kind === 'plain') return plainNumber(value)
    try {
      return format(shown.pattern, value, { throws: false, dateSpanLarge: true }).trim()
    } catch {
      return plainNumber(value)
    }
  }
}
