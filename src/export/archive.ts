import { Readable } from 'node:stream'
import { finished, pipeline } from 'node:stream/promises'
import { ZipFile } from 'yazl'

/** A ZIP archive that is written as it is read: one entry after the other, and no more in memory than its reader has room for. */
export class Archive {
  readonly #zip = new ZipFile()
  readonly #sent: Promise<void>
  readonly #gone = new AbortController()

  /** Writes to `target` until `close`. A target that breaks has whatever is being added reject. */
  constructor(target: NodeJS.WritableStream) {
    this.#sent = pipeline(Readable.from(this.#zip.outputStream), target, {
      signal: this.#gone.signal,
    })
    this.#sent.catch((error: unknown) => this.#gone.abort(error))
  }

  /** Resolves when all of it has been read. `isPacked`: it is as small as it gets, and stored as it is. */
  async add(name: string, body: Readable | AsyncIterable<string>, isPacked = false): Promise<void> {
    this.#gone.signal.throwIfAborted()
    const stream = body instanceof Readable ? body : Readable.from(body, { objectMode: false })
    const stop = () => stream.destroy(new Error('nobody reads any more'))
    this.#gone.signal.addEventListener('abort', stop, { once: true })
    try {
      this.#zip.addReadStream(stream, name, { compress: !isPacked })
      await finished(stream, { writable: false })
    } finally {
      this.#gone.signal.removeEventListener('abort', stop)
    }
  }

  /** Resolves when the last byte has left. */
  async close(): Promise<void> {
    this.#zip.end()
    await this.#sent
  }

  /** What was sent is no archive. */
  fail(): void {
    this.#gone.abort()
  }
}
