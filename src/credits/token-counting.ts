import { Worker } from 'node:worker_threads'
import { z } from 'zod'
import { estimateTokens } from '../shared/token-estimate.ts'
import { tokenize } from './tokenizer.ts'

/** Texts up to this many bytes are counted at once, which takes less than 20 ms of whatever they consist; a turn's mostly are. */
const AT_ONCE_BYTES = 16_384
/** Longer texts than this, in UTF-16 units, are not worth counting exactly. */
const LONGEST = 4_194_304

interface CountingLimits {
  threads: number
  /** UTF-16 units of all texts that wait for a thread. */
  waitingChars: number
  /** Of one text, from its start on. */
  deadlineMs: number
  /** A thread has tables of 90 MB: it ends after this time without work. */
  idleMs: number
}

const LIMITS: CountingLimits = { threads: 2, waitingChars: 16_777_216, deadlineMs: 10_000, idleMs: 30_000 }

/** A text that waits for its number; undefined where no thread could tell. */
interface Task {
  text: string
  resolve: (tokens: number | undefined) => void
}

const ENTRY = new URL(`./tokenizer-thread${import.meta.url.slice(import.meta.url.lastIndexOf('.'))}`, import.meta.url)
const answer = z.number().int().min(0)

/** Counts tokens in threads of their own, so that no text of anybody holds up the process. Bounded in threads, time and memory. */
export class TokenCounting {
  readonly #limits: CountingLimits
  #idle: CountingThread[] = []
  readonly #waiting: Task[] = []
  #running = 0
  #waitingChars = 0

  constructor(limits: Partial<CountingLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits }
  }

  /** Never rejects, and never holds up anybody else: where too much waits, or a thread ends or is late, it is an estimate. */
  async count(text: string): Promise<number> {
    if (Buffer.byteLength(text) <= AT_ONCE_BYTES) return tokenize(text)
    if (text.length > LONGEST || this.#waitingChars + text.length > this.#limits.waitingChars)
      return estimateTokens(text)
    const counted = new Promise<number | undefined>((resolve) => this.#waiting.push({ text, resolve }))
    this.#waitingChars += text.length
    this.#next()
    return (await counted) ?? estimateTokens(text)
  }

  #next(): void {
    const [task] = this.#waiting
    if (!task || this.#running >= this.#limits.threads) return
    this.#waiting.shift()
    this.#waitingChars -= task.text.length
    this.#running++
    // Those that ended for having nothing to do are forgotten here: there are never more than `threads`.
    this.#idle = this.#idle.filter(({ isAlive }) => isAlive)
    const thread = this.#idle.pop() ?? new CountingThread(this.#limits)
    thread.count(task.text).then((tokens) => {
      this.#running--
      this.#idle.push(thread)
      task.resolve(tokens)
      this.#next()
    })
  }
}

/** One thread, which does one text at a time, and ends by itself when it has none for a while. */
class CountingThread {
  readonly #worker: Worker
  readonly #limits: CountingLimits
  #timer: NodeJS.Timeout | undefined
  isAlive = true

  constructor(limits: CountingLimits) {
    this.#limits = limits
    this.#worker = new Worker(ENTRY, { resourceLimits: { maxOldGenerationSizeMb: 256, maxYoungGenerationSizeMb: 16 } })
    this.#worker.once('exit', () => {
      this.isAlive = false
    })
    // Listened to also while nobody counts: an error that nobody hears ends the process.
    this.#worker.on('error', () => this.#end())
  }

  /** Undefined when the thread ended meanwhile, or was ended for being late. */
  count(text: string): Promise<number | undefined> {
    clearTimeout(this.#timer)
    this.#worker.ref()
    return new Promise((resolve) => {
      const settle = (tokens: number | undefined) => {
        this.#worker.off('message', onMessage)
        this.#worker.off('exit', onExit)
        clearTimeout(this.#timer)
        if (this.isAlive) {
          // A thread that waits does not keep the process.
          this.#worker.unref()
          this.#timer = setTimeout(() => this.#end(), this.#limits.idleMs).unref()
        }
        resolve(tokens)
      }
      const onMessage = (tokens: unknown) => settle(answer.safeParse(tokens).data)
      const onExit = () => settle(undefined)
      this.#worker.once('message', onMessage)
      this.#worker.once('exit', onExit)
      this.#timer = setTimeout(() => this.#end(), this.#limits.deadlineMs)
      this.#worker.postMessage(text)
    })
  }

  #end(): void {
    this.isAlive = false
    this.#worker.terminate().catch(() => {})
  }
}

const counting = new TokenCounting()

/** Tokens of a text, by the tokenizer that estimates use; long texts are counted beside the event loop. Never rejects. */
export const countTokens = (text: string): Promise<number> => counting.count(text)
