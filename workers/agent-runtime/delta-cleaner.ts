import { CodeFence } from '../../src/shared/code-fence.ts'
import { isPass, mayBecomePass } from './pass.ts'
import { type SpeakerLabel, SpeakerLabels } from './speaker-labels.ts'

const LINE_BREAK = /[\n\r\u2028\u2029]/g
const isLineBreak = (sign: string): boolean => '\n\r\u2028\u2029'.includes(sign)
const isSpace = (sign: string): boolean => /^\s$/.test(sign)
const isFenceSign = (sign: string): boolean => sign === '`' || sign === '~'
const COLON = /^[:\uff1a\ufe55\u2236\ua789]$/
/** Longer runs of ` or ~ at a line's beginning are not waited for. */
const LONGEST_FENCE = 64

/** Where in the text the cleaner is: each phase says what its next character means. */
type Phase =
  /** A line's beginning, which may be a label. */
  | 'line'
  /** A run of ` or ~ at a line's beginning. */
  | 'fence'
  /** Behind the colon of a label, which the next character may still undo ("Ada::run"). */
  | 'colon'
  /** Behind the speaker's own label. */
  | 'label'
  /** The rest of a line. */
  | 'inside'

/**
 * Cleans a speaker's words as they stream: takes the speaker's own name off the front ("Ada: ..." or "**Ada:** ...") and nothing
 * else, ends the speech before a line that begins with the name of somebody else and a colon, and removes NULs (PostgreSQL
 * cannot store them). What may be such a line is held back until it is clear, and with it the white space before it, so that what
 * was shown never has to be taken back. What comes out does not depend on how the text was cut.
 *
 * @example
 * const cleaner = new DeltaCleaner('Ada', ['Otto', 'User'])
 * live.push(cleaner.push('Ada: I like tea.\nOt')) // 'I like tea.'
 * live.push(cleaner.push('to: I like coffee.')) // ''; cleaner.over is true
 * live.push(cleaner.end())
 */
export class DeltaCleaner {
  readonly #labels: SpeakerLabels
  readonly #fence = new CodeFence()
  #phase: Phase = 'line'
  /** White space that is shown only when words follow. */
  #gap = ''
  /** What cannot be shown yet: a line's beginning, or what may still close the own label's markup. */
  #held = ''
  #label: SpeakerLabel | undefined
  /** The first line is still to come. */
  #first = true
  #over = false
  /** Words that may become a pass. */
  #opening: string | undefined = ''
  #passed = false
  #text = ''

  /** `others` are the names at whose lines the speech ends: of the other participants, and the user's label. */
  constructor(name: string, others: readonly string[] = []) {
    this.#labels = new SpeakerLabels(name, others)
  }

  /** All that came out so far. */
  get text(): string {
    return this.#text
  }

  /** True when the whole speech is a pass. */
  get passed(): boolean {
    return this.#opening === undefined ? this.#passed : isPass(this.#opening)
  }

  /** True once somebody else's line has begun: nothing more will come out, and the provider can be stopped. */
  get over(): boolean {
    return this.#over
  }

  /** The part of the speech that can be shown now. */
  push(delta: string): string {
    const clean = delta.replaceAll('\0', '')
    let shown = ''
    let at = 0
    while (at < clean.length && !this.#over) {
      if (this.#phase === 'inside') {
        const end = nextLineBreak(clean, at)
        shown += this.#goOn(clean.slice(at, end))
        at = end
        if (at < clean.length) this.#endLine(clean[at++] ?? '')
      } else {
        // A step that decides leaves its character to the phase that follows.
        const { out, taken } = this.#step(clean[at] ?? '')
        shown += out
        if (taken) at++
      }
    }
    return shown
  }

  /** The rest, once the stream is over; `hasMore`: words follow in another stream, so white space at its end is none of it. */
  end({ hasMore = false } = {}): string {
    let shown = ''
    if (this.#phase === 'colon') {
      if (this.#label?.whose === 'other') this.#over = true
      this.#held = ''
    } else if (this.#phase === 'label') {
      const left = this.#held.trim()
      if (left !== '' && left !== this.#label?.closing) shown += this.#closeLabel()
    } else if (!this.#over) shown += this.#release(this.#held)
    if (!this.#over) shown += this.#emit(this.#begun && !hasMore ? this.#gap : '')
    this.#held = this.#gap = ''
    return shown + this.#decidePass()
  }

  #step(sign: string): { out: string; taken: boolean } {
    switch (this.#phase) {
      case 'line':
        return this.#stepLine(sign)
      case 'fence':
        return this.#stepFence(sign)
      case 'colon':
        return { out: this.#stepColon(sign), taken: false }
      default:
        return this.#stepLabel(sign)
    }
  }

  #stepLine(sign: string): { out: string; taken: boolean } {
    if (isLineBreak(sign)) {
      const out = this.#release(this.#held)
      this.#endLine(sign)
      return { out, taken: true }
    }
    if (this.#held === '') {
      if (isSpace(sign)) {
        this.#gap += sign
        return { out: '', taken: true }
      }
      if (isFenceSign(sign)) this.#phase = 'fence'
      // In code, a name and a colon are no speech.
      else if (this.#fence.isOpen) this.#phase = 'inside'
      if (this.#phase !== 'line') return { out: '', taken: false }
    }
    if (COLON.test(sign)) {
      const label = this.#labels.read(this.#held)
      if (label && (this.#first || label.whose === 'other')) {
        this.#label = label
        this.#held += sign
        this.#phase = 'colon'
        return { out: '', taken: true }
      }
      return { out: this.#release(this.#held + sign), taken: true }
    }
    this.#held += sign
    // White space alone changes nothing about what it may become.
    const isOpen = this.#held.length <= this.#labels.mostChars && (isSpace(sign) || this.#labels.mayBegin(this.#held))
    return { out: isOpen ? '' : this.#release(this.#held), taken: true }
  }

  #stepFence(sign: string): { out: string; taken: boolean } {
    if (this.#held === '' || (sign === this.#held[0] && this.#held.length < LONGEST_FENCE)) {
      this.#held += sign
      return { out: '', taken: true }
    }
    this.#fence.run(this.#held)
    return { out: this.#release(this.#held), taken: false }
  }

  #stepColon(sign: string): string {
    const isSpaced = isSpace(this.#held.at(-2) ?? '')
    // "Ada::run", "ada://page", "Ada :)"
    if (sign === ':' || sign === '/' || (isSpaced && (sign === ')' || sign === '('))) return this.#release(this.#held)
    this.#held = ''
    if (this.#label?.whose === 'other') this.#over = true
    else this.#phase = 'label'
    return ''
  }

  /** Takes what closes the label's markup behind its colon ("**Ada:** ..."), and the white space before the words. */
  #stepLabel(sign: string): { out: string; taken: boolean } {
    const closing = this.#label?.closing ?? ''
    const seen = this.#held.trim()
    if (isLineBreak(sign)) {
      const out = seen === closing ? this.#begin('') : this.#closeLabel()
      if (this.#begun) this.#endLine(sign)
      else this.#phase = 'line'
      return { out, taken: true }
    }
    const isSpaced = isSpace(this.#held[0] ?? '')
    if (seen === closing && (closing === '' || isSpace(sign) || !isSpaced)) {
      // Closed: the words begin with the first sign that is no white space.
      if (!isSpace(sign)) {
        const out = this.#begin('')
        if (isFenceSign(sign)) this.#phase = 'fence'
        return { out, taken: false }
      }
      this.#held = ''
      this.#label = { whose: 'own', opened: '', closing: '' }
      return { out: '', taken: true }
    }
    if (seen === closing) return { out: this.#begin(closing), taken: false }
    if ((seen === '' && isSpace(sign)) || closing.startsWith(seen + sign)) {
      // Of much white space one sign is enough to know that there was some.
      this.#held = seen === '' && isSpace(sign) ? sign : this.#held + sign
      return { out: '', taken: true }
    }
    return { out: this.#closeLabel(), taken: false }
  }

  /** Nothing closed what the label had opened: it belongs to the words. */
  #closeLabel(): string {
    return this.#begin((this.#label?.opened ?? '') + this.#held.trim())
  }

  /** The words behind the own label begin, with this. */
  #begin(words: string): string {
    this.#held = this.#gap = ''
    this.#first = false
    this.#phase = 'inside'
    return words === '' ? '' : this.#goOn(words)
  }

  /** What was held back is no label. */
  #release(text: string): string {
    if (text === '') return ''
    this.#held = ''
    this.#first = false
    this.#phase = 'inside'
    return this.#goOn(text, true)
  }

  /** Shows a piece of a line without the white space at its end. */
  #goOn(piece: string, isStart = false): string {
    if (!isStart) this.#fence.rest(piece)
    const words = piece.trimEnd()
    const gap = this.#gap
    this.#gap = words === '' ? gap + piece : piece.slice(words.length)
    return words === '' ? '' : this.#emit((this.#begun ? gap : '') + words)
  }

  #endLine(sign: string): void {
    this.#gap += sign
    this.#fence.lineEnd()
    this.#phase = 'line'
  }

  /** Some words came out already, or wait because they may become a pass. */
  get #begun(): boolean {
    return this.#opening !== ''
  }

  #emit(text: string): string {
    if (text === '') return ''
    if (this.#opening === undefined) {
      this.#text += text
      return text
    }
    this.#opening += text
    return mayBecomePass(this.#opening) ? '' : this.#decidePass()
  }

  #decidePass(): string {
    const opening = this.#opening ?? ''
    if (this.#opening !== undefined) this.#passed = isPass(opening)
    this.#opening = undefined
    if (this.#passed) return ''
    this.#text += opening
    return opening
  }
}

function nextLineBreak(text: string, from: number): number {
  LINE_BREAK.lastIndex = from
  return LINE_BREAK.exec(text)?.index ?? text.length
}
