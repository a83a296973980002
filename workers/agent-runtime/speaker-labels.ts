import { charBefore, foldPhrase, foldText, isMark } from '../../src/shared/folded-text.ts'

/** A name and what is around it at the beginning of a line, up to its colon. */
export interface SpeakerLabel {
  whose: 'own' | 'other'
  /** Markup or quotation marks before the name that nothing closed before the colon, as they were written; '' where all is closed. */
  opened: string
  /** What would close them. */
  closing: string
}

const MARKUP = '*_~'
/** Signs that may open around a name, and those that close them. Quotation marks are straight once folded. */
const PAIRS: Record<string, string> = {
  ...{ '*': '*', _: '_', '~': '~', '"': '"', "'": "'" },
  ...{ '(': ')', '[': ']', '{': '}', '<': '>', '«': '»', '»': '«', '„': '"', '‹': '›' },
  ...{ '「': '」', '『': '』', '【': '】', '《': '》', '〈': '〉', '〔': '〕', '“': '"', '‘': "'" },
}
const CLOSERS = new Set(Object.values(PAIRS))
const HEADING = /^#{1,6} ?/

/** Folded, decomposed and with single spaces: the beginning of a text gives the beginning of its form. */
const formOf = (text: string): string =>
  foldText(text).normalize('NFD').replace(/\s+/g, ' ').trimStart().replace(HEADING, '')

/** Without the accents at its end. */
function withoutMarks(form: string): string {
  let end = form.length
  for (let mark = charBefore(form, end); isMark(mark); mark = charBefore(form, end)) end -= mark.length
  return form.slice(0, end)
}

/** Nobody puts more signs around a name; longer runs of them are no label, so that a line of nothing else costs no more than others. */
const MOST_SIGNS = 12

/** How many signs at the form's beginning open something. */
function openersOf(form: string): number {
  let count = 0
  while (count < MOST_SIGNS && Object.hasOwn(PAIRS, form[count] ?? '')) count++
  return count
}

function closersOf(form: string): number {
  let count = 0
  while (count < MOST_SIGNS && count < form.length && CLOSERS.has(form[form.length - 1 - count] ?? '')) count++
  return count
}

/**
 * Knows the names by which lines of a transcript begin: "Ada:", "**Ada**:", "[Ada]:", "### Ada:". A list item ("- Ada: ..."), a
 * quoted line ("> Ada: ...") and an opened quotation (`"Ada: come!"`) are no such line.
 */
export class SpeakerLabels {
  /** Longer beginnings of lines are no labels, in UTF-16 units. */
  readonly mostChars: number
  /** Whose name each form is. */
  readonly #names = new Map<string, SpeakerLabel['whose']>()
  /** Names, and what is left of them without signs at their front ("[bot] Bob"). */
  readonly #starts: string[]

  constructor(own: string, others: readonly string[]) {
    for (const [names, whose] of [
      [others, 'other'],
      [[own], 'own'],
    ] as const)
      for (const name of names) {
        const form = foldPhrase(name).normalize('NFD')
        // A name may itself look like a heading ("#1 Fan").
        for (const look of [form, form.replace(HEADING, '')]) if (look) this.#names.set(look, whose)
      }
    this.#starts = [...this.#names.keys()].flatMap((name) => [name, name.slice(openersOf(name))])
    // A letter has three units at most when it is decomposed.
    this.mostChars = Math.max(...[own, ...others].map(({ length }) => length)) * 3 + 24
  }

  /** Whether a line that begins with this, without a colon yet, may become a label. */
  mayBegin(line: string): boolean {
    // What is not whole yet, half a surrogate pair or a letter whose marks are still to come, decides nothing.
    const form = withoutMarks(formOf(line.replace(/[\ud800-\udbff]$/, '')))
    const openers = openersOf(form)
    const inner = form.slice(openers)
    if (inner.startsWith(' ') && MARKUP.includes(form[openers - 1] ?? ' ')) return false
    return this.#mayBe(form) || this.#mayBe(inner.trimStart())
  }

  #mayBe(form: string): boolean {
    return this.#starts.some((name) => {
      if (name.startsWith(form)) return true
      const bare = withoutMarks(name)
      const rest = form.startsWith(name) ? form.slice(name.length) : form === bare ? '' : undefined
      return (
        rest !== undefined &&
        rest.length <= 2 * MOST_SIGNS &&
        [...rest].every((sign) => sign === ' ' || CLOSERS.has(sign))
      )
    })
  }

  /** The label that ends with a colon behind this line's beginning; undefined when it is none. */
  read(line: string): SpeakerLabel | undefined {
    const form = formOf(line).trimEnd()
    const [openers, closers] = [openersOf(form), closersOf(form)]
    for (let from = 0; from <= openers; from++) {
      for (let cut = 0; cut <= closers; cut++) {
        const inner = form.slice(from, form.length - cut)
        const whose = this.#names.get(inner.trim())
        if (!whose) continue
        const isItem = inner.startsWith(' ') && MARKUP.includes(form[from - 1] ?? ' ')
        return isItem ? undefined : labelOf(line, whose, form.slice(0, from), form.slice(form.length - cut))
      }
    }
    return undefined
  }
}

function labelOf(line: string, whose: SpeakerLabel['whose'], opens: string, closes: string): SpeakerLabel | undefined {
  const expected = [...opens]
    .reverse()
    .map((sign) => PAIRS[sign] ?? '')
    .join('')
  const closing = expected.startsWith(closes) ? expected.slice(closes.length) : ''
  // Somebody else's name in a quotation or a bracket that goes on is spoken of.
  if (whose === 'other' && [...closing].some((sign) => !MARKUP.includes(sign))) return undefined
  const written = line.trimStart().replace(HEADING, '').trimStart()
  return { whose, closing, opened: written.slice(0, closing.length) }
}
