import { setTimeout as sleep } from 'node:timers/promises'
import type { Leave, MayRead } from '../reading-shares.ts'
import { AnthropicWire } from './anthropic-wire.ts'
import { EventSplitter, type LineEvent } from './event-lines.ts'
import { GoogleWire } from './google-wire.ts'
import { OpenAiWire } from './openai-wire.ts'
import { errorIn, isJson, MOST_ERROR_CHARS, WireError, type WireName, type WireReader, type Written } from './wire.ts'

/** After its end mark an answer is waited for this long, in ms: usage may still come, and some servers never hang up. */
const GRACE_MS = 3_000
/** As in the outbound guard; also what comes without its `fetch` is bounded. */
const MOST_BYTES = 128 * 1_024 * 1_024
/** What has come is passed on after so many bytes, so that whoever reads can stop a flood before it fills the memory. */
const MOST_AT_ONCE = 256 * 1_024

/** Answers that this process reads at this moment. */
let answersOpen = 0
/** So many at once are read piece by piece as they come. */
const FEW_ANSWERS = 48
/** For so many answers, what comes within a millisecond more is taken together. */
const ANSWERS_A_MS = 6
const LONGEST_PAUSE_MS = 100

/**
 * How long to wait for more before a piece is passed on, in ms: what is behind costs by the piece (a validating SDK, a framework), so
 * a crowd of answers would take more than there is, and each would be later than this.
 */
const pauseMs = (): number => (answersOpen <= FEW_ANSWERS ? 0 : Math.min(answersOpen / ANSWERS_A_MS, LONGEST_PAUSE_MS))

const readerOf: Record<WireName, () => WireReader> = {
  openai: () => new OpenAiWire(),
  groq: () => new OpenAiWire(true),
  anthropic: () => new AnthropicWire(),
  google: () => new GoogleWire(),
}

/**
 * The answer of a provider as its SDK expects it: every event well formed, one end, usage in one place. Resolves once the
 * first event was read, so that a refusal that comes as a 200 is known before anybody takes it for an answer.
 * `onLife` is called for every piece of the body, also for comments and pings; `mayRead` is asked before each.
 * @throws WireError here, or within the body later on
 */
export async function readableAnswer(
  response: Response,
  wire: WireName,
  { onLife, mayRead = () => undefined }: { onLife: () => void; mayRead?: MayRead | undefined },
): Promise<Response> {
  const answer = new Answer(response, readerOf[wire](), onLife, mayRead)
  const first = await answer.next().catch((error: unknown) => {
    answer.cancel()
    throw error
  })
  const encoder = new TextEncoder()
  let pending = first
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const text = pending ?? (await answer.next())
        pending = undefined
        if (text === undefined) controller.close()
        else controller.enqueue(encoder.encode(text))
      } catch (error) {
        answer.cancel()
        controller.error(error)
      }
    },
    cancel: () => answer.cancel(),
  })
  const headers = new Headers(response.headers)
  for (const name of ['content-length', 'content-encoding', 'transfer-encoding']) headers.delete(name)
  headers.set('content-type', 'text/event-stream')
  return new Response(body, { status: 200, headers })
}

/** Reads one body, piece by piece. */
class Answer {
  readonly #body: ReadableStreamDefaultReader<Uint8Array> | undefined
  readonly #contentType: string
  readonly #wire: WireReader
  readonly #onLife: () => void
  readonly #mayRead: MayRead
  readonly #splitter = new EventSplitter()
  readonly #decoder = new TextDecoder()
  /** The beginning of the body, for when it is no answer at all. */
  #beginning = ''
  #bytes = 0
  /** A read that has been asked for and not been taken. */
  #reading: ReturnType<ReadableStreamDefaultReader<Uint8Array>['read']> | undefined
  /** What has come of the body and was not read yet. */
  #rest: Uint8Array | undefined
  /** What was said of reading that. */
  #leave: Leave
  #isOver = false
  /** Until when something is waited for behind the end mark; what only keeps the line alive does not move it. */
  #graceUntil: number | undefined

  constructor(response: Response, wire: WireReader, onLife: () => void, mayRead: MayRead) {
    this.#body = response.body?.getReader()
    this.#contentType = response.headers.get('content-type')?.toLowerCase() ?? ''
    this.#wire = wire
    this.#onLife = onLife
    this.#mayRead = mayRead
    answersOpen += 1
  }

  /** What the SDK reads next; undefined at the end. */
  async next(): Promise<string | undefined> {
    while (!this.#isOver) {
      const came = await this.#read()
      const leave = this.#leave ?? (came && this.#mayRead(came.byteLength))
      this.#leave = undefined
      const chunk = came && leave ? await this.#pieceOf(came, leave) : came
      if (this.#isOver) return undefined
      // What has come in the meantime is read with it: the more there is to do, the fewer pieces everybody behind has.
      const written = chunk ? this.#take(chunk) : []
      const ms = chunk && !this.#wire.isEnded ? pauseMs() : 0
      if (ms > 0) await sleep(ms)
      let size = leave ? MOST_AT_ONCE : (chunk?.byteLength ?? MOST_AT_ONCE)
      while (size < MOST_AT_ONCE) {
        const more = await this.#waiting()
        if (!more) break
        this.#leave = this.#mayRead(more.byteLength)
        if (this.#leave) {
          this.#rest = more
          break
        }
        size += more.byteLength
        for (const one of this.#take(more)) written.push(one)
      }
      const text = joined(written) + (chunk ? '' : this.#finish())
      if (text !== '') return text
    }
    return undefined
  }

  /** As much of it as may be read now; the rest is what comes next. */
  async #pieceOf(came: Uint8Array, { bytes, granted }: NonNullable<Leave>): Promise<Uint8Array> {
    await granted
    if (bytes < came.byteLength) this.#rest = came.subarray(bytes)
    return came.subarray(0, bytes)
  }

  cancel(): void {
    this.#end()
    this.#body?.cancel().catch(() => {})
  }

  #end(): void {
    if (!this.#isOver) answersOpen -= 1
    this.#isOver = true
  }

  /** A piece that is there already; undefined when none is, or the body has ended. */
  async #waiting(): Promise<Uint8Array | undefined> {
    if (!this.#body || this.#wire.isFinal || this.#bytes > MOST_BYTES) return undefined
    this.#reading ??= this.#body.read()
    // How it ends or fails is for the next read to say.
    const result = await Promise.race([this.#reading.catch(() => undefined), immediately()])
    if (!result?.value) return undefined
    this.#reading = undefined
    return this.#counted(result.value)
  }

  /** Undefined at the body's end, also at one that came too early, but after the answer's. */
  async #read(): Promise<Uint8Array | undefined> {
    if (this.#wire.isFinal || !this.#body) return undefined
    const rest = this.#rest
    this.#rest = undefined
    if (rest) return rest
    try {
      const reading = this.#reading ?? this.#body.read()
      this.#reading = undefined
      const { value } = await (this.#wire.isEnded ? within(this.#grace(), reading) : reading)
      return value && this.#counted(value)
    } catch (error) {
      if (error instanceof WireError) throw error
      if (this.#wire.isEnded) return undefined
      // Whoever stopped it knows why.
      if (error instanceof DOMException || (error instanceof Error && error.name === 'AbortError')) throw error
      throw new WireError(hasCode(error, 'UND_ERR_BODY_TIMEOUT') ? 'timeout' : 'stream_cut', { cause: error })
    }
  }

  #grace(): number {
    this.#graceUntil ??= performance.now() + GRACE_MS
    return Math.max(0, this.#graceUntil - performance.now())
  }

  /** @throws WireError for a body larger than any */
  #counted(chunk: Uint8Array): Uint8Array {
    this.#onLife()
    this.#bytes += chunk.byteLength
    if (this.#bytes > MOST_BYTES) throw new WireError('bad_response')
    return chunk
  }

  #take(chunk: Uint8Array): Written {
    const text = this.#decoder.decode(chunk, { stream: true })
    if (this.#beginning.length < MOST_ERROR_CHARS) this.#beginning += text.slice(0, MOST_ERROR_CHARS)
    if (!this.#wire.isHeard && isPage(this.#beginning)) {
      throw new WireError('bad_response', { responseBody: this.#beginning })
    }
    const written = this.#readAll(() => this.#splitter.push(text))
    // There are servers that name an end in every event: words behind it are waited for anew.
    if (written.length > 0) this.#graceUntil = undefined
    return written
  }

  #finish(): string {
    this.#end()
    const rest = joined(this.#readAll(() => [...this.#splitter.push(this.#decoder.decode()), ...this.#splitter.end()]))
    this.#body?.cancel().catch(() => {})
    if (!this.#wire.isEnded) {
      const isSilent = this.#wire.isHeard || this.#beginning.trim() === '' || this.#contentType.includes('event-stream')
      throw new WireError(isSilent ? 'stream_cut' : 'bad_response', { responseBody: this.#beginning })
    }
    return `${rest}${this.#wire.close()}`
  }

  #readAll(split: () => LineEvent[]): Written {
    let events: LineEvent[]
    try {
      events = split()
    } catch (error) {
      throw new WireError('bad_response', { cause: error })
    }
    const written: Written = []
    for (const event of events) {
      for (const { value, raw } of valuesOf(event)) {
        if (value === DONE) this.#wire.done()
        else if (isJson(value)) {
          const error = errorIn(value, raw, event.name)
          if (error) throw error
          written.push(...this.#wire.read(value, { name: event.name, isWhole: event.isBare }))
        }
      }
    }
    return written
  }
}

/** Neighbours that say one thing as one event. */
function joined(written: Written): string {
  let text = ''
  for (let at = 0; at < written.length; ) {
    const first = written[at++]
    if (first === undefined || typeof first === 'string') {
      text += first ?? ''
      continue
    }
    let { words } = first
    for (let next = written[at]; typeof next === 'object' && next.key === first.key; next = written[at]) {
      words += next.words
      at += 1
    }
    text += first.write(words)
  }
  return text
}

const DONE = Symbol('[DONE]')

/** The JSON that an event holds: all its lines together, else each line for itself; what is no JSON is left out. */
function valuesOf({ lines, isBare }: LineEvent): Array<{ value: unknown; raw: string }> {
  const raw = lines.join('\n')
  const whole = parsed(raw)
  if (whole !== undefined) {
    const values = Array.isArray(whole) ? whole : [whole]
    return values.map((value: unknown) => ({ value, raw }))
  }
  return lines.length === 1 && !isBare ? [] : lines.map((line) => ({ value: parsed(line), raw: line }))
}

function parsed(text: string): unknown {
  const bare = text.trim()
  if (bare === '[DONE]' || bare === 'DONE') return DONE
  const from = bare.startsWith('data:') ? bare.slice(5).trim() : bare
  if (from === '[DONE]') return DONE
  if (from[0] !== '{' && from[0] !== '[') return undefined
  try {
    return JSON.parse(from)
  } catch {
    return undefined
  }
}

const isPage = (text: string): boolean => text.trimStart().startsWith('<')

const hasCode = (error: unknown, code: string): boolean => {
  for (let at = error, depth = 0; isJson(at) && depth < 8; at = at.cause, depth++) if (at.code === code) return true
  return false
}

/** Resolves behind whatever is ready by now. */
const immediately = (): Promise<undefined> => new Promise((resolve) => setImmediate(resolve, undefined))

/** What comes within so many ms; else as if the body had ended. */
async function within<T extends { value?: unknown }>(
  ms: number,
  reading: Promise<T>,
): Promise<T | { value: undefined }> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<{ value: undefined }>((resolve) => {
    timer = setTimeout(() => resolve({ value: undefined }), ms)
  })
  try {
    return await Promise.race([reading, late])
  } finally {
    clearTimeout(timer)
    reading.catch(() => {})
  }
}
