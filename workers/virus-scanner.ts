import { connect } from 'node:net'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

/** Looks for malware in a stream of bytes. */
export interface VirusScanner {
  /** The name of what was found, or undefined when it is clean. @throws when it could not be scanned. */
  scan(body: Readable, signal?: AbortSignal): Promise<string | undefined>
}

const FRAME_BYTES = 64 * 1024
const MOST_ANSWER_BYTES = 16 * 1024
const FOUND = ' FOUND'

/**
 * ClamAV's daemon by its INSTREAM command: frames of a 4-byte length and bytes, ended by a frame of length 0; the answer is
 * `stream: OK`, `stream: NAME FOUND` or `... ERROR`.
 * @example new ClamScanner('tcp://127.0.0.1:3310', 60_000)
 */
export class ClamScanner implements VirusScanner {
  readonly #host: string
  readonly #port: number
  readonly #timeoutMs: number

  constructor(url: string, timeoutMs: number) {
    const { hostname, port } = new URL(url)
    this.#host = hostname
    this.#port = Number(port || 3310)
    this.#timeoutMs = timeoutMs
  }

  async scan(body: Readable, signal?: AbortSignal): Promise<string | undefined> {
    const answer = await this.#ask(body, signal)
    if (answer.endsWith(': OK')) return undefined
    const at = answer.indexOf(': ')
    if (at >= 0 && answer.endsWith(FOUND)) return answer.slice(at + 2, -FOUND.length)
    throw new Error(`clamd answered: ${answer.slice(0, 200)}`)
  }

  #ask(body: Readable, signal?: AbortSignal): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: this.#host, port: this.#port })
      const answer: Buffer[] = []
      let size = 0
      const fail = (error: Error) => {
        socket.destroy()
        body.destroy()
        reject(error)
      }
      const onAbort = () => fail(new Error('the scan was aborted'))
      if (signal?.aborted) return onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      socket.setTimeout(this.#timeoutMs, () => fail(new Error('clamd did not answer in time')))
      socket.on('error', fail)
      socket.on('data', (chunk) => {
        size += chunk.length
        if (size > MOST_ANSWER_BYTES) fail(new Error('clamd answered too much'))
        else answer.push(chunk)
      })
      socket.on('close', () => {
        signal?.removeEventListener('abort', onAbort)
        body.destroy()
        // Commands that begin with "z" are answered with a closing NUL.
        const text = (Buffer.concat(answer).toString('utf8').split('\0', 1)[0] ?? '').trim()
        text ? resolve(text) : reject(new Error('clamd closed without an answer'))
      })
      pipeline(frames(body), socket, { end: false }).catch(fail)
    })
  }
}

async function* frames(body: Readable): AsyncIterable<Buffer> {
  yield Buffer.from('zINSTREAM\0')
  for await (const chunk of body) {
    const bytes: Buffer = chunk
    for (let from = 0; from < bytes.length; from += FRAME_BYTES) {
      const frame = bytes.subarray(from, from + FRAME_BYTES)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(frame.length)
      yield Buffer.concat([length, frame])
    }
  }
  yield Buffer.alloc(4)
}
