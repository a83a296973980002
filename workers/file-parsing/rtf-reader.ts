import type { Section } from './chunks.ts'
import { HeadingPath } from './heading-path.ts'
import { malformed } from './rejection.ts'
import { symbolOf } from './symbol-fonts.ts'
import { decoderOf } from './text-encoding.ts'

/** Groups with what is no text of the document. Whatever begins with `\*` and is not known is left out, too, as the format says. */
const LEFT_OUT = new Set(
  'colortbl info pict objdata themedata colorschememapping datastore listtable listoverridetable fldinst xmlnstbl rsidtbl generator latentstyles filetbl revtbl header headerl headerr headerf footer footerl footerr footerf ftnsep ftnsepc aftnsep aftnsepc nonshppict bkmkstart bkmkend atnid atnref atndate atntime pntxta pntxtb sp'.split(
    ' ',
  ),
)
const SIGNS: Readonly<Record<string, string>> = {
  tab: '\t',
  line: '\n',
  page: '\n',
  sect: '\n',
  emdash: '—',
  endash: '–',
  lquote: '‘',
  rquote: '’',
  ldblquote: '“',
  rdblquote: '”',
  bullet: '•',
  emspace: ' ',
  enspace: ' ',
  qmspace: ' ',
}
/** Windows' numbers of character sets, which fonts name. */
const CHARSETS: Readonly<Record<number, number>> = {
  77: 10_000,
  128: 932,
  129: 949,
  134: 936,
  136: 950,
  161: 1253,
  162: 1254,
  163: 1258,
  177: 1255,
  178: 1256,
  186: 1257,
  204: 1251,
  222: 874,
  238: 1250,
}
const CODE_PAGES: Readonly<Record<number, string>> = {
  866: 'ibm866',
  932: 'shift_jis',
  936: 'gbk',
  949: 'euc-kr',
  950: 'big5',
  10000: 'macintosh',
  65001: 'utf-8',
}
const SYMBOL_CHARSET = 2
const MAX_DEPTH = 10_000

/** Decodes the runs of one file, with one decoder for each code page; what is none of those known counts as the West's. */
class CodePages {
  readonly #western = new TextDecoder('windows-1252')
  readonly #known = new Map<number, InstanceType<typeof TextDecoder>>()

  decode(bytes: readonly number[], codePage: number): string {
    return this.#decoderOf(codePage).decode(Uint8Array.from(bytes))
  }

  #decoderOf(codePage: number): InstanceType<typeof TextDecoder> {
    const known = this.#known.get(codePage)
    if (known) return known
    const decoder = decoderOf(CODE_PAGES[codePage] ?? `windows-${codePage}`)
    // A file may name a million that nobody knows: they are not kept.
    if (decoder) this.#known.set(codePage, decoder)
    return decoder ?? this.#western
  }
}

interface Font {
  codePage: number | undefined
  symbols: boolean
  name: string
}

/** What holds until the group ends. */
interface Group {
  skipped: boolean
  hidden: boolean
  font: Font | undefined
  /** Signs that follow a `\u` for readers that know no Unicode. */
  fallback: number
  /** Tables of the document's beginning. */
  table: 'fonts' | 'styles' | undefined
}

/** The paragraphs of a Rich Text document, under its headings. Bytes are given one to a character (`latin1`). */
export function readRtf(source: string): Section[] {
  const sections: Section[] = []
  const headings = new HeadingPath()
  const codePages = new CodePages()
  const fonts = new Map<number, Font>()
  const styleLevels = new Map<number, number>()
  const stack: Group[] = []
  let group: Group = { skipped: false, hidden: false, font: undefined, fallback: 1, table: undefined }
  let codePage = 1252
  let pieces: string[] = []
  let bytes: number[] = []
  let toSkip = 0
  let level: number | undefined
  let style = -1
  let inRow = false
  let fontNumber = -1
  let defaultFont = -1

  const flushBytes = () => {
    if (bytes.length === 0) return
    const font = group.font ?? fonts.get(defaultFont)
    const text = font?.symbols
      ? bytes.map((byte) => symbolOf(font.name, byte)).join('')
      : codePages.decode(bytes, font?.codePage ?? codePage)
    bytes = []
    if (group.table === 'fonts') {
      const entry = fonts.get(fontNumber)
      if (entry) entry.name += text
    } else pieces.push(text)
  }
  const put = (text: string) => {
    flushBytes()
    if (!group.skipped && !group.hidden && group.table === undefined) pieces.push(text)
  }
  const putByte = (byte: number) => {
    if (toSkip > 0) toSkip--
    else if (!group.skipped && !group.hidden) bytes.push(byte)
  }
  const endParagraph = () => {
    flushBytes()
    const text = pieces.join('')
    pieces = []
    if (!text.trim()) return
    const heading = level ?? styleLevels.get(style)
    if (heading !== undefined && !inRow) headings.set(heading, text)
    sections.push({ page: null, heading: headings.current, text })
  }
  const endTableEntry = () => {
    flushBytes()
    if (group.table !== 'styles') return
    const heading = /heading ([1-9])/i.exec(pieces.join(''))
    if (heading) styleLevels.set(style, Number(heading[1]))
    pieces = []
  }
  const control = (word: string, number: number | undefined, starred: boolean) => {
    if (starred && word !== 'shppict' && word !== 'shpinst' && word !== 'annotation') {
      group.skipped = true
      return
    }
    if (LEFT_OUT.has(word)) {
      group.skipped = true
      return
    }
    switch (word) {
      case 'ansicpg':
        codePage = number ?? codePage
        return
      case 'mac':
        codePage = 10_000
        return
      case 'deff':
        defaultFont = number ?? -1
        return
      case 'fonttbl':
        group.table = 'fonts'
        return
      case 'stylesheet':
        group.table = 'styles'
        return
      case 'f':
        flushBytes()
        fontNumber = number ?? -1
        if (group.table === 'fonts') fonts.set(fontNumber, { codePage: undefined, symbols: false, name: '' })
        else group.font = fonts.get(fontNumber)
        return
      case 'fcharset': {
        const font = fonts.get(fontNumber)
        if (!font || group.table !== 'fonts') return
        font.symbols = number === SYMBOL_CHARSET
        font.codePage = CHARSETS[number ?? 0]
        return
      }
      case 'uc':
        group.fallback = number ?? 1
        return
      case 'u': {
        const code = (number ?? 0) < 0 ? (number ?? 0) + 65_536 : (number ?? 0)
        put(code >= 0xf000 && code <= 0xf0ff ? symbolOf(group.font?.name ?? '', code) : String.fromCharCode(code))
        toSkip = group.fallback
        return
      }
      case 'v':
        flushBytes()
        group.hidden = number !== 0
        return
      case 'plain':
        flushBytes()
        group.hidden = false
        group.font = undefined
        return
      case 'pard':
        level = undefined
        style = -1
        inRow = false
        return
      case 's':
        style = number ?? -1
        return
      case 'outlinelevel':
        level = number !== undefined && number < 9 ? number + 1 : undefined
        return
      case 'intbl':
        inRow = true
        return
      case 'cell':
      case 'nestcell':
        put(' | ')
        return
      case 'par':
        if (inRow) put(' ')
        else endParagraph()
        return
      case 'row':
      case 'nestrow':
        endParagraph()
        return
      case 'annotation':
        put(' (Comment: ')
        return
      case 'atnauthor':
        group.skipped = true
        return
      default: {
        const sign = Object.hasOwn(SIGNS, word) ? SIGNS[word] : undefined
        if (sign !== undefined) put(sign)
      }
    }
  }

  // One pass over the bytes; nothing is looked at twice.
  const end = source.length
  let starred = false
  for (let at = 0; at < end; ) {
    const sign = source.charCodeAt(at)
    if (sign === 0x7b) {
      flushBytes()
      if (stack.length >= MAX_DEPTH) throw malformed('its groups are nested too deeply')
      stack.push(group)
      group = { ...group }
      toSkip = 0
      at++
    } else if (sign === 0x7d) {
      if (group.table) endTableEntry()
      else flushBytes()
      group = stack.pop() ?? group
      toSkip = 0
      at++
    } else if (sign === 0x5c) {
      const next = source[at + 1] ?? ''
      if (next === "'") {
        putByte(Number.parseInt(source.slice(at + 2, at + 4), 16) || 0x3f)
        at += 4
      } else if (/[a-z]/i.test(next)) {
        let to = at + 1
        while (to < end && to - at < 33 && isLetter(source.charCodeAt(to))) to++
        const word = source.slice(at + 1, to)
        let digits = to
        if (source[digits] === '-') digits++
        while (digits < end && digits - to < 12 && isDigit(source.charCodeAt(digits))) digits++
        const number = digits > to ? Number(source.slice(to, digits)) : undefined
        at = digits + (source[digits] === ' ' ? 1 : 0)
        if (word === 'bin') at += Math.max(0, number ?? 0)
        else if (!group.skipped) control(word, Number.isNaN(number) ? undefined : number, starred)
        starred = false
      } else {
        if (next === '*') starred = true
        else if (next === '~') put(' ')
        else if (next === '_') put('-')
        else if (next === '\n' || next === '\r') control('par', undefined, false)
        else if (next === '\\' || next === '{' || next === '}') putByte(next.charCodeAt(0))
        at += 2
      }
    } else {
      if (sign !== 0x0a && sign !== 0x0d && sign !== 0) putByte(sign)
      at++
    }
  }
  endParagraph()
  return sections
}

const isLetter = (code: number): boolean => (code >= 0x61 && code <= 0x7a) || (code >= 0x41 && code <= 0x5a)
const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
