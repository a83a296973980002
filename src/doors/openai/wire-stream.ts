import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { EVENT_STREAM_HEADERS } from '../../realtime/stream-outlet.ts'

/**
 * Server-sent events as OpenAI's wire has them. Its head goes out with the first event, or with the first sign of life, so that what
 * fails before is answered with a status of its own.
 */
export class WireStream {
  readonly #res: ServerResponse
  readonly #headers: Record<string, string>
  readonly #beat: NodeJS.Timeout
  readonly #closed = new AbortController()

  /** `heartbeatMs`: how often a comment is sent, so that proxies keep a silent stream open. */
  constructor(res: ServerResponse, headers: Record<string, string>, heartbeatMs: number) {
    this.#res = res
    this.#headers = headers
    this.#beat = setInterval(() => {
      this.open()
      if (!res.writableNeedDrain) res.write(': the agents are at work\n\n')
    }, heartbeatMs)
    res.once('close', () => this.close())
  }

  get isOpen(): boolean {
    return this.#res.headersSent
  }

  open(): void {
    if (this.#res.headersSent || this.#res.destroyed) return
    this.#res.writeHead(200, { ...this.#headers, ...EVENT_STREAM_HEADERS })
  }

  /** Resolves when the client can take more. `event` names it, where the protocol does. */
  async send(data: unknown, event?: string): Promise<void> {
    if (this.#res.destroyed) return
    this.open()
    const text = typeof data === 'string' ? data : JSON.stringify(data)
    const hasRoom = this.#res.write(`${event ? `event: ${event}\n` : ''}data: ${text}\n\n`)
    if (!hasRoom) await once(this.#res, 'drain', { signal: this.#closed.signal }).catch(() => {})
  }

  end(): void {
    this.close()
    if (!this.#res.destroyed) this.#res.end()
  }

  /** No more signs of life. */
  close(): void {
    clearInterval(this.#beat)
    this.#closed.abort()
  }
}
