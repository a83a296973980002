import { PASS } from './prompts.ts'

const MARKUP = '[*_"\\s]*'

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/**
 * Cleans a speaker's words as they stream: strips the speaker's own name from the front ("Ada: ..." or "**Ada:** ..."),
 * removes NULs (PostgreSQL cannot store them) and holds the first characters back until it is clear whether they are a name or a pass.
 *
 * @example
 * const cleaner = new DeltaCleaner('Ada')
 * live.push(cleaner.push('Ada: Hel')) // 'Hel'
 * live.push(cleaner.end())
 */
export class DeltaCleaner {
  readonly #prefix: RegExp
  readonly #mayBecomePrefix: RegExp
  readonly #heldAtMost: number
  #held = ''
  #decided = false
  #passed = false
  #text = ''

  constructor(name: string) {
    this.#prefix = new RegExp(`^${MARKUP}${escaped(name)}${MARKUP}:${MARKUP}(?=\\S)`, 'iu')
    const letters = [...name].map(escaped)
    const anyStart = letters.reduceRight((rest, letter) => `(?:${letter}${rest})?`, `(?:${MARKUP}(?::${MARKUP})?)?`)
    this.#mayBecomePrefix = new RegExp(`^${MARKUP}${anyStart}$`, 'iu')
    this.#heldAtMost = name.length + 24
  }

  /** All that came out so far. */
  get text(): string {
    return this.#text
  }

  /** True when the whole speech is a pass. */
  get passed(): boolean {
    return this.#decided ? this.#passed : isPass(this.#speech)
  }

  /** The part of the speech that can be shown now. */
  push(delta: string): string {
    const clean = delta.replaceAll('\0', '')
    if (this.#decided) return this.#emit(clean)
    this.#held += clean
    const open = this.#mayBecomePrefix.test(this.#held) || mayBecomePass(this.#speech)
    return open && this.#held.length <= this.#heldAtMost ? '' : this.#decide()
  }

  /** The rest, once the stream is over. */
  end(): string {
    return this.#decided ? '' : this.#decide()
  }

  #decide(): string {
    this.#decided = true
    this.#passed = isPass(this.#speech)
    return this.#passed ? '' : this.#emit(this.#speech)
  }

  /** What is held back, without a name in front. */
  get #speech(): string {
    return this.#held.replace(this.#prefix, '').replace(/^\s+/, '')
  }

  #emit(text: string): string {
    this.#text += text
    return text
  }
}

const isPass = (text: string): boolean => text.trim().toLowerCase().replace(/[.!]$/, '') === PASS
const mayBecomePass = (text: string): boolean => {
  const start = text.trimStart().toLowerCase()
  return PASS.startsWith(start) || (start.startsWith(PASS) && start.slice(PASS.length).trim().length <= 1)
}
