import { Store } from '../../parts/store.ts'

/** One file on its way; `share` of its bytes has been sent. */
export interface Upload {
  id: number
  file: File
  share: number
  /** `too_large` is known without asking the server. */
  error?: unknown
}

/** Sends one file; `onShare` is told how much of it has gone out, from 0 to 1. */
export type SendFile = (file: File, signal: AbortSignal, onShare: (share: number) => void) => Promise<unknown>

/** Uploads that run at once. */
const AT_ONCE = 2

/**
 * Files that are sent a few at a time, each once. What runs is known here, and not by what is drawn: that may be late, and still show a file
 * that has arrived.
 */
export class UploadQueue extends Store<readonly Upload[]> {
  readonly #send: SendFile
  readonly #running = new Map<number, AbortController>()
  #last = 0

  constructor(send: SendFile) {
    super([])
    this.#send = send
  }

  /** @param mostBytes what the server takes of one file; undefined while it is not known */
  add(files: readonly File[], mostBytes: number | undefined): void {
    const added = files.map((file): Upload => {
      this.#last++
      const isTooLarge = mostBytes !== undefined && file.size > mostBytes
      return { id: this.#last, file, share: 0, ...(isTooLarge && { error: 'too_large' }) }
    })
    this.set([...this.get(), ...added])
    this.#begin()
  }

  cancel(id: number): void {
    this.#running.get(id)?.abort()
    // There is room for the next at once.
    this.#running.delete(id)
    this.#drop(id)
    this.#begin()
  }

  retry(id: number): void {
    this.#change(id, { error: undefined, share: 0 })
    this.#begin()
  }

  /** Gives up what runs. */
  close(): void {
    for (const abort of this.#running.values()) abort.abort()
  }

  #begin(): void {
    for (const upload of this.get()) {
      if (this.#running.size >= AT_ONCE) return
      if (upload.error !== undefined || this.#running.has(upload.id)) continue
      const abort = new AbortController()
      this.#running.set(upload.id, abort)
      void this.#run(upload, abort)
    }
  }

  async #run({ id, file }: Upload, abort: AbortController): Promise<void> {
    try {
      await this.#send(file, abort.signal, (share) => this.#change(id, { share }))
      this.#drop(id)
    } catch (error) {
      if (abort.signal.aborted) return
      this.#change(id, { error })
    } finally {
      if (this.#running.get(id) === abort) this.#running.delete(id)
    }
    this.#begin()
  }

  #change(id: number, part: Partial<Upload>): void {
    this.set(this.get().map((one) => (one.id === id ? { ...one, ...part } : one)))
  }

  #drop(id: number): void {
    this.set(this.get().filter((one) => one.id !== id))
  }
}
