import { decodeHTML } from 'entities/decode'
import { Tokenizer, type TokenizerCallbacks } from 'htmlparser2'
import type { Section } from './chunks.ts'
import { HeadingPath } from './heading-path.ts'
import { localName } from './markup.ts'

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
const words = (text: string): Set<string> => new Set(text.split(' '))
const BLOCKS = words(
  'address article aside blockquote body br caption dd details div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tbody tfoot thead tr ul',
)
const VOID = words('area base br col embed hr img input link meta param source track wbr')
/** A second one ends the first, in HTML. */
const ENDS_ITSELF = words('p li td th tr dt dd option')
const HEADING = /^h[1-6]$/
const HIDING = /(?:^|[;\s])(?:display\s{0,9}:\s{0,9}none|visibility\s{0,9}:\s{0,9}hidden)/i
/** Browsers nest no deeper either; what is deeper counts as being at this depth. */
const MAX_DEPTH = 512
/** Long texts without headings are passed on in pieces. */
const FLUSH_CHARS = 64 * 1024

/** Text as it is put together: white space collapses, except where it is kept. Nothing is read back, so that it stays linear. */
class Flow {
  #pieces: string[] = []
  #length = 0
  /** The last sign so far: a line's end at the beginning. */
  #last = '\n'

  add(text: string, keep = false): void {
    const piece = keep ? text : text.replace(/\s+/g, ' ')
    const clean = !keep && (this.#last === ' ' || this.#last === '\n') ? piece.trimStart() : piece
    if (!clean) return
    this.#pieces.push(clean)
    this.#length += clean.length
    this.#last = clean.at(-1) ?? ''
  }

  line(): void {
    this.#pieces.push('\n')
    this.#length++
    this.#last = '\n'
  }

  /** Between the cells of a row. */
  cell(): void {
    if (this.#last !== '\n') this.add(' | ', true)
  }

  get length(): number {
    return this.#length
  }

  take(): string {
    const text = this.#pieces.join('')
    this.#pieces = []
    this.#length = 0
    this.#last = '\n'
    return text
  }
}

interface Open {
  name: string
  skipped: boolean
  pre: boolean
}

/**
 * The text of a page as sections under its headings. Scripts, styles and what is hidden are left out. With `xml` it is read by the
 * rules of XML: for XHTML, where `<title/>` is a whole element, and SVG.
 */
export function* readHtml(html: string, { xml = false } = {}): Iterable<Section> {
  const done: Section[] = []
  const headings = new HeadingPath()
  const text = new Flow()
  let heading: Flow | undefined
  let title: Flow | undefined
  const stack: Open[] = []
  /** How many of each name are in it: most ends of what was never begun are not looked for. */
  const open = new Map<string, number>()
  let tag = ''
  let attributes = new Map<string, string>()
  let attribute = ''
  let value = ''
  const top = (): Open | undefined => stack.at(-1)
  const flush = () => {
    const section = text.take()
    if (section.trim()) done.push({ page: null, heading: headings.current, text: section })
  }
  const ended = ({ name, skipped }: Open) => {
    if (skipped) return
    if (name === 'title' && title) {
      headings.set(1, title.take())
      title = undefined
    } else if (HEADING.test(name) && heading) {
      const words = heading.take()
      heading = undefined
      headings.set(Number(name[1]), words)
      text.add(words, true)
      text.line()
    } else if (BLOCKS.has(name)) {
      text.line()
      if (text.length > FLUSH_CHARS) flush()
    }
  }
  const close = () => {
    const element = stack.pop()
    if (!element) return
    const others = (open.get(element.name) ?? 1) - 1
    if (others > 0) open.set(element.name, others)
    else open.delete(element.name)
    ended(element)
  }
  const opened = (selfClosing: boolean) => {
    const name = tag
    if (!xml && ENDS_ITSELF.has(name) && top()?.name === name) close()
    const hidden =
      attributes.has('hidden') ||
      HIDING.test(attributes.get('style')?.slice(0, 2_000) ?? '') ||
      name === 'rt' ||
      name === 'rp'
    const skipped = (top()?.skipped ?? false) || hidden || (SKIPPED.has(name) && !(isDrawing && name === 'svg'))
    if (!skipped) {
      if (name === 'title' && !isDrawing) title ??= new Flow()
      else if (HEADING.test(name)) {
        flush()
        heading = new Flow()
      } else if (name === 'td' || name === 'th') text.cell()
      else if (name === 'img') text.add(` ${bracketed(attributes.get('alt'))} `)
      else if (BLOCKS.has(name)) text.line()
      else if (isDrawing && DRAWN_LINES.has(name)) text.line()
    }
    const element = { name, skipped, pre: (top()?.pre ?? false) || name === 'pre' }
    if ((xml && selfClosing) || (!xml && VOID.has(name))) ended(element)
    else if (stack.length < MAX_DEPTH) {
      stack.push(element)
      open.set(name, (open.get(name) ?? 0) + 1)
    }
  }
  let isDrawing = false
  const onText = (raw: string, decoded = false) => {
    if (top()?.skipped) return
    const words = decoded ? raw : decodeHTML(raw)
    if (title) title.add(words)
    else if (heading) heading.add(words)
    else text.add(words, top()?.pre ?? false)
  }
  const callbacks: TokenizerCallbacks = {
    onopentagname(start, end) {
      const name = html.slice(start, end)
      tag = (xml ? localName(name) : name).toLowerCase()
      if (xml && stack.length === 0 && tag === 'svg') isDrawing = true
      attributes = new Map()
    },
    onattribname(start, end) {
      attribute = html.slice(start, end).toLowerCase()
      value = ''
    },
    onattribdata(start, end) {
      value += html.slice(start, end)
    },
    onattribentity() {},
    onattribend() {
      if (attributes.size < 64) attributes.set(attribute, decodeHTML(value))
    },
    onopentagend: () => opened(false),
    onselfclosingtag: () => opened(true),
    onclosetag(start, end) {
      const written = html.slice(start, end)
      const name = (xml ? localName(written) : written).toLowerCase()
      if (!open.get(name)) {
        if (!xml && name === 'br') text.line()
        return
      }
      const at = stack.findLastIndex((element) => element.name === name)
      while (stack.length > at) close()
    },
    ontext: (start, end) => onText(html.slice(start, end)),
    ontextentity() {},
    oncdata(start, end, offset) {
      if (xml) onText(html.slice(start, end - offset), true)
    },
    oncomment() {},
    ondeclaration() {},
    onprocessinginstruction() {},
    onend() {},
  }
  // Entities are decoded above: those of HTML also in XHTML, whose DTD has them.
  const tokenizer = new Tokenizer({ xmlMode: xml, decodeEntities: false }, callbacks)
  tokenizer.write(html)
  tokenizer.end()
  while (stack.length > 0) close()
  flush()
  yield* done
}

const bracketed = (alt: string | undefined): string => (alt?.trim() ? `[${alt}]` : '')
/** Texts of a drawing stand apart. */
const DRAWN_LINES = words('text title desc')
