/** Knows whether lines are within a fenced block of code, from the runs of ` or ~ that lines begin with. */
export class CodeFence {
  #open: { sign: string; length: number } | undefined
  /** The rest of the line that opened it is still to come: with another ` in it, it was no fence. */
  #opening = false

  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** A line begins with this run of one sign. */
  run(signs: string): void {
    const [sign = '', { length }] = [signs[0], signs]
    if (length < 3) return
    if (!this.#open) {
      this.#open = { sign, length }
      this.#opening = true
    } else if (sign === this.#open.sign && length >= this.#open.length) this.#open = undefined
  }

  /** The line goes on with this. */
  rest(text: string): void {
    if (this.#opening && this.#open?.sign === '`' && text.includes('`')) this.#open = undefined
  }

  lineEnd(): void {
    this.#opening = false
  }
}
