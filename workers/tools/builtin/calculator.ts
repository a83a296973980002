/** UTF-16 units of an expression. */
const MOST_CHARS = 1_000
/** Parentheses within each other. */
const MOST_DEPTH = 50

const FUNCTIONS: Record<string, (...values: number[]) => number> = {
  abs: Math.abs,
  ceil: Math.ceil,
  cos: Math.cos,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  log10: Math.log10,
  log2: Math.log2,
  max: Math.max,
  min: Math.min,
  round: (value = Number.NaN, digits = 0) => Number(value.toFixed(Math.min(20, Math.max(0, digits)))),
  sin: Math.sin,
  sqrt: Math.sqrt,
  tan: Math.tan,
}
const CONSTANTS: Record<string, number> = { pi: Math.PI, e: Math.E }

const isDigit = (sign: string): boolean => sign >= '0' && sign <= '9'
const isLetter = (sign: string): boolean => (sign >= 'a' && sign <= 'z') || (sign >= 'A' && sign <= 'Z')

/** An expression that is none; the message says why, for its model. */
export class NoExpression extends Error {
  override name = 'NoExpression'
}

/**
 * The value of an expression of numbers, `+ - * / % ^`, parentheses, a few functions and constants. One pass, no evaluation of code.
 * @throws NoExpression
 * @example calculate('2 * (3 + 4) ^ 2') // 98
 */
export function calculate(expression: string): number {
  if (expression.length > MOST_CHARS) throw new NoExpression(`An expression has at most ${MOST_CHARS} characters.`)
  const reader = new Reader(expression)
  const value = reader.sum()
  reader.end()
  if (!Number.isFinite(value)) throw new NoExpression('The result is no number: divided by zero, or too large.')
  return value
}

class Reader {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  /** What is added and subtracted. */
  sum(): number {
    let value = this.#product()
    for (;;) {
      if (this.#takes('+')) value += this.#product()
      else if (this.#takes('-', '−')) value -= this.#product()
      else return value
    }
  }

  end(): void {
    if (this.#next() !== '') throw this.#unexpected()
  }

  #product(): number {
    let value = this.#signed()
    for (;;) {
      if (this.#takes('*', '×', '·')) value *= this.#signed()
      else if (this.#takes('/', '÷')) value /= this.#signed()
      else if (this.#takes('%')) value %= this.#signed()
      else return value
    }
  }

  /** Signs bind less than powers: -2^2 is -4. */
  #signed(): number {
    let sign = 1
    for (;;) {
      if (this.#takes('-', '−')) sign = -sign
      else if (!this.#takes('+')) return sign * this.#power()
    }
  }

  /** From the right: 2^3^2 is 2^9. */
  #power(): number {
    const base = this.#value()
    if (!this.#takes('^')) return base
    return this.#deeper(() => base ** this.#signed())
  }

  #value(): number {
    const sign = this.#next()
    if (isDigit(sign) || sign === '.') return this.#number()
    if (isLetter(sign)) return this.#named()
    if (!this.#takes('(')) throw this.#unexpected()
    return this.#deeper(() => {
      const value = this.sum()
      this.#require(')')
      return value
    })
  }

  #number(): number {
    const start = this.#at
    const digits = () => {
      while (isDigit(this.#sign()) || this.#sign() === '_') this.#at++
    }
    digits()
    if (this.#sign() === '.') this.#at++
    digits()
    const exponent = this.#at
    if (this.#sign() === 'e' || this.#sign() === 'E') {
      this.#at++
      if (this.#sign() === '+' || this.#sign() === '-') this.#at++
      if (isDigit(this.#sign())) digits()
      else this.#at = exponent
    }
    const value = Number(this.#text.slice(start, this.#at).replaceAll('_', ''))
    if (Number.isNaN(value)) throw this.#unexpected()
    return value
  }

  #named(): number {
    const start = this.#at
    while (isLetter(this.#sign()) || isDigit(this.#sign())) this.#at++
    const name = this.#text.slice(start, this.#at).toLowerCase()
    if (Object.hasOwn(CONSTANTS, name)) return CONSTANTS[name] ?? Number.NaN
    const known = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined
    if (!known)
      throw new NoExpression(`"${name}" is not known: there are ${[...Object.keys(FUNCTIONS), 'pi', 'e'].join(', ')}.`)
    this.#require('(')
    return this.#deeper(() => {
      const values = [this.sum()]
      while (this.#takes(',')) values.push(this.sum())
      this.#require(')')
      return known(...values)
    })
  }

  #deeper(read: () => number): number {
    if (++this.#depth > MOST_DEPTH) throw new NoExpression('The expression is nested too deeply.')
    const value = read()
    this.#depth--
    return value
  }

  #sign(): string {
    return this.#text[this.#at] ?? ''
  }

  /** The next sign that is no blank; '' at the end. */
  #next(): string {
    while (this.#sign() !== '' && this.#sign().trim() === '') this.#at++
    return this.#sign()
  }

  #takes(...signs: string[]): boolean {
    if (!signs.includes(this.#next()) || this.#sign() === '') return false
    this.#at++
    return true
  }

  #require(sign: string): void {
    if (!this.#takes(sign)) throw this.#unexpected()
  }

  #unexpected(): NoExpression {
    const found = this.#next()
    return new NoExpression(
      found === '' ? 'The expression ends too early.' : `"${found}" was not expected at character ${this.#at + 1}.`,
    )
  }
}
