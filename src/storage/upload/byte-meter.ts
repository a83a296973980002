import { createHash, type Hash } from 'node:crypto'
import { Transform, type TransformCallback } from 'node:stream'

/** More bytes came than are allowed. */
export class TooManyBytes extends Error {
  override name = 'TooManyBytes'
  readonly limit: number

  constructor(limit: number) {
    super(`more than ${limit} bytes`)
    this.limit = limit
  }
}

/** Passes bytes through while it counts and hashes them; fails with `TooManyBytes` at the first byte over `limit`. */
export class ByteMeter extends Transform {
  readonly #limit: number
  readonly #hash: Hash = createHash('sha256')
  #size = 0

  constructor(limit: number) {
    super()
    this.#limit = limit
  }

  /** Bytes so far. */
  get size(): number {
    return this.#size
  }

  /** SHA-256 of all bytes, in hex. Call it once, at the end. */
  digest(): string {
    return this.#hash.digest('hex')
  }

  override _transform(chunk: Buffer, _encoding: string, callback: TransformCallback): void {
    this.#size += chunk.length
    if (this.#size > this.#limit) {
      callback(new TooManyBytes(this.#limit))
      return
    }
    this.#hash.update(chunk)
    callback(null, chunk)
  }
}
