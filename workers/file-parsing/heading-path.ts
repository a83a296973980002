/** OpenDocument has ten, the others fewer. */
const LOWEST_LEVEL = 10

/** The headings above a place, as `Chapter > Section`. */
export class HeadingPath {
  readonly #levels: string[] = []

  /** Level 1 is the highest; a heading ends those of its own and lower levels. Levels that no document has count as the nearest. */
  set(stated: number, text: string): void {
    const level = Math.min(Math.max(Math.trunc(stated) || 1, 1), LOWEST_LEVEL)
    const clean = text.slice(0, 1_000).replace(/\s+/g, ' ').trim()
    this.#levels.length = Math.min(this.#levels.length, level - 1)
    if (clean) this.#levels[level - 1] = clean
  }

  get current(): string | null {
    return this.#levels.filter(Boolean).join(' > ') || null
  }
}
