/** How models mark their thoughts where the server does not keep them apart: by opening tag, with its closing tag. */
const TAGS: ReadonlyArray<readonly [open: string, close: string]> = [
  ['<think>', '</think>'],
  ['<thinking>', '</thinking>'],
  ['<thought>', '</thought>'],
  ['<thoughts>', '</thoughts>'],
  ['<reasoning>', '</reasoning>'],
  ['<reflection>', '</reflection>'],
  ['<analysis>', '</analysis>'],
  ['<scratchpad>', '</scratchpad>'],
  ['<inner_monologue>', '</inner_monologue>'],
  ['<seed:think>', '</seed:think>'],
  ['<|thinking|>', '<|/thinking|>'],
  ['<|begin_of_thought|>', '<|end_of_thought|>'],
  ['<|start_thinking|>', '<|end_thinking|>'],
  ['<|channel|>analysis<|message|>', '<|end|>'],
  ['[think]', '[/think]'],
  ['◁think▷', '◁/think▷'],
]
/** Between the thoughts and the answer of models whose template marks both. */
const ANSWER_MARKS = [
  '<|start|>assistant<|channel|>final<|message|>',
  '<|channel|>final<|message|>',
  '<answer>',
  '<|begin_of_solution|>',
]
const ANSWER_ENDS = ['</answer>', '<|end_of_solution|>', '<|return|>']

const LONGEST_OPEN = Math.max(...TAGS.map(([open]) => open.length), ...ANSWER_MARKS.map((mark) => mark.length))
const LONGEST_CLOSE = Math.max(...TAGS.map(([, close]) => close.length))
/** Words are held back for thoughts that might end later on up to this many UTF-16 units. */
const MOST_HELD = 262_144
/** White space before a text is waited through for so long, and so many blocks of thoughts come one after the other. */
const MOST_SPACE = 1_024
const MOST_BLOCKS = 8

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')
/** Of literals only: one pass, whatever the text. */
const anyOf = (literals: string[]): RegExp => new RegExp(literals.map(escaped).join('|'), 'i')
const CLOSE = new Map(TAGS.map(([, close]) => [close, anyOf([close])]))
// <|end|> ends any message of its models: only behind its opening is it a closing tag of thoughts.
const ANY_CLOSE = anyOf(TAGS.map(([, close]) => close).filter((close) => close !== '<|end|>'))
/** A text without these has no tag. */
const TAG_SIGN = /[<[◁]/
const ANY_OPEN = anyOf(TAGS.map(([open]) => open))

/** A piece of what a model says. */
export interface Piece {
  words: string
  thoughts: string
}

/**
 * Takes a leading block of thoughts off a text as it streams, in one pass. A tag in the middle of a text is text.
 *
 * Some models' templates open the thoughts themselves, so that only the closing tag comes. Where that is known
 * (`isUnopened`), words are held back until it does; elsewhere such a tag is found in `sawUnopened`, after the fact.
 *
 * @example
 * const filter = new ThoughtFilter()
 * filter.push('<think>Hm.</thi') // { words: '', thoughts: 'Hm.' }
 * filter.push('nk>\n\nYes.') // { words: 'Yes.', thoughts: '' }
 */
export class ThoughtFilter {
  #state: 'before' | 'thinking' | 'after' | 'held' | 'speaking'
  #pending = ''
  #held: string[] = []
  #heldChars = 0
  #close = ''
  #tail = ''
  #sawOpen = false
  #blocks = 0
  /** A closing tag came without its opening one: all that was said before it was thought. */
  sawUnopened = false

  constructor({ isUnopened = false } = {}) {
    this.#state = isUnopened ? 'held' : 'before'
  }

  push(delta: string): Piece {
    const piece = { words: '', thoughts: '' }
    this.#take(delta, piece, false)
    return piece
  }

  /** What was held back, once the text is over. */
  end(): Piece {
    const piece = { words: '', thoughts: '' }
    this.#take('', piece, true)
    if (this.#state === 'held') {
      this.#state = 'speaking'
      this.#speak(this.#held.join('') + this.#pending, piece)
      this.#pending = ''
    }
    this.#look('', true)
    return piece
  }

  #take(delta: string, piece: Piece, isEnd: boolean): void {
    this.#pending += delta
    for (let moved = true; moved; ) {
      moved = false
      if (this.#state === 'before') moved = this.#begin(isEnd)
      if (this.#state === 'thinking') moved = this.#think(piece, isEnd)
      if (this.#state === 'held') moved = this.#hold(piece)
      if (this.#state === 'after') moved = this.#resume(isEnd)
    }
    if (this.#state === 'speaking') {
      this.#speak(this.#pending, piece)
      this.#pending = ''
    }
  }

  /** At the beginning, it is decided as soon as no opening tag can come any more. */
  #begin(isEnd: boolean): boolean {
    const start = this.#pending.trimStart()
    const lower = start.slice(0, LONGEST_OPEN).toLowerCase()
    const found = TAGS.find(([open]) => lower.startsWith(open))
    if (found && this.#blocks++ < MOST_BLOCKS) {
      this.#state = 'thinking'
      this.#close = found[1]
      this.#pending = start.slice(found[0].length)
      return true
    }
    const isOpen = !isEnd && TAGS.some(([open]) => open.startsWith(lower))
    if (isOpen && this.#pending.length < MOST_SPACE) return false
    this.#state = 'speaking'
    return true
  }

  #think(piece: Piece, isEnd: boolean): boolean {
    const at = this.#pending.search(CLOSE.get(this.#close) ?? ANY_CLOSE)
    if (at >= 0) {
      piece.thoughts += this.#pending.slice(0, at)
      this.#pending = this.#pending.slice(at + this.#close.length)
      this.#state = 'after'
      return true
    }
    // The tag may be cut in two.
    const kept = isEnd ? 0 : Math.min(this.#pending.length, LONGEST_CLOSE)
    piece.thoughts += this.#pending.slice(0, this.#pending.length - kept)
    this.#pending = this.#pending.slice(this.#pending.length - kept)
    return false
  }

  #hold(piece: Piece): boolean {
    // An opening tag that comes all the same is what it says.
    if (this.#heldChars === 0 && this.#pending.length < MOST_SPACE) {
      const lower = this.#pending.trimStart().slice(0, LONGEST_OPEN).toLowerCase()
      if (TAGS.some(([open]) => lower.startsWith(open))) {
        this.#state = 'before'
        return true
      }
      if (TAGS.some(([open]) => open.startsWith(lower))) return false
    }
    const found = ANY_CLOSE.exec(this.#pending)
    if (found) {
      piece.thoughts += this.#held.join('') + this.#pending.slice(0, found.index)
      this.#held = []
      this.#pending = this.#pending.slice(found.index + found[0].length)
      this.#state = 'after'
      return true
    }
    const kept = Math.min(this.#pending.length, LONGEST_CLOSE)
    const more = this.#pending.slice(0, this.#pending.length - kept)
    this.#held.push(more)
    this.#heldChars += more.length
    this.#pending = this.#pending.slice(this.#pending.length - kept)
    if (this.#heldChars <= MOST_HELD) return false
    this.#pending = this.#held.join('') + this.#pending
    this.#held = []
    this.#state = 'speaking'
    return true
  }

  /** After the thoughts: space and the mark of the answer go; another block of thoughts is one too. */
  #resume(isEnd: boolean): boolean {
    const start = this.#pending.trimStart()
    const lower = start.slice(0, LONGEST_OPEN).toLowerCase()
    const mark = ANSWER_MARKS.find((one) => lower.startsWith(one))
    if (mark) {
      this.#pending = start.slice(mark.length).trimStart()
      this.#state = 'speaking'
      return true
    }
    if (TAGS.some(([open]) => lower.startsWith(open))) {
      this.#pending = start
      this.#state = 'before'
      return true
    }
    const isOpen = !isEnd && [...TAGS.map(([open]) => open), ...ANSWER_MARKS].some((one) => one.startsWith(lower))
    this.#pending = start
    if (isOpen) return false
    this.#state = 'speaking'
    return true
  }

  #speak(words: string, piece: Piece): void {
    piece.words += words
    this.#look(words, false)
  }

  /** A tag at the end of what came is looked at again with what follows it. */
  #look(words: string, isEnd: boolean): void {
    if (this.sawUnopened || this.#sawOpen) return
    if (this.#tail.length <= 1 && !TAG_SIGN.test(words)) {
      this.#tail = words.slice(-1) || this.#tail
      return
    }
    const seen = this.#tail + words
    this.#sawOpen = ANY_OPEN.test(seen)
    this.sawUnopened = !this.#sawOpen && unopenedEnd(seen, isEnd) !== undefined
    const rest = seen.slice(-2 * LONGEST_OPEN)
    this.#tail = TAG_SIGN.test(rest) ? rest : rest.slice(-1)
  }
}

const QUOTES = new Set(['`', '"', "'", '“', '„', '‘', '«', '(', '「'])

/** The end of a closing tag that stands alone: not in a quotation or code, as when somebody speaks about tags. */
function unopenedEnd(text: string, isEnd: boolean): number | undefined {
  const found = ANY_CLOSE.exec(text)
  if (!found) return undefined
  const end = found.index + found[0].length
  const isQuoted = QUOTES.has(text[found.index - 1] ?? '') || QUOTES.has(text[end] ?? '')
  return isQuoted || (end === text.length && !isEnd) ? undefined : end
}

/** A whole text without its leading thoughts, also where only their closing tag came. */
export function withoutThoughts(text: string): string {
  const filter = new ThoughtFilter()
  const words = filter.push(text).words + filter.end().words
  const end = filter.sawUnopened ? unopenedEnd(words, true) : undefined
  const said = end === undefined ? words : words.slice(end).trimStart()
  return said === text ? text : withoutAnswerEnd(said)
}

function withoutAnswerEnd(text: string): string {
  const trimmed = text.trimEnd()
  const lower = trimmed.slice(-LONGEST_OPEN).toLowerCase()
  const end = ANSWER_ENDS.find((mark) => lower.endsWith(mark))
  return end ? trimmed.slice(0, -end.length).trimEnd() : text
}
