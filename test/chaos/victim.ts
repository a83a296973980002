import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { shuffled } from '../support/chaos.ts'
import { ClusterProcess } from '../support/cluster.ts'
import { KILL_POINTS, type KillPoint } from './kill-points.ts'

/** A process that has not come to its step after so many others is killed wherever it is, and one that is killed at any moment before. */
const LIFE_STEPS = 80
/** It dies at one of the first times that it comes to its step: more often than that, few come to a rare one within a life. */
const MOST_TIMES = 3
const AGAIN_MS = 500
/** One that has nothing to do says nothing. */
const SILENT_MS = 3_600_000
/** Less than a step takes. */
const PAUSE_MS = 30

interface VictimOptions {
  name: string
  /** Of the process. */
  env: Record<string, string>
  folder: string
  /** Web and worker in one. */
  isWhole: boolean
  random: () => number
}

/** The place of a process that is killed, life after life, and started again. */
export class Victim {
  readonly kills = new Map<KillPoint, number>()
  /** What lives that ended otherwise wrote last. */
  readonly complaints: string[] = []
  readonly #process: ClusterProcess
  readonly #file: string
  readonly #random: () => number
  #deck: KillPoint[] = []
  #isSpared = false
  #isClosed = false
  #living: Promise<void> | undefined

  constructor({ name, env, folder, isWhole, random }: VictimOptions) {
    this.#file = join(folder, `kill-${name}`)
    this.#random = random
    const settings = { ...env, KILL_FILE: this.#file, ...(isWhole && { WHOLE: '1' }) }
    this.#process = new ClusterProcess(name, 'test/chaos/killable.child.ts', settings, isWhole)
  }

  get url(): string {
    return this.#process.url
  }

  /** Starts it, and spares it until `begin`. */
  async start(): Promise<void> {
    await writeFile(this.#file, '')
    await this.#process.start()
  }

  /** From now on it dies. */
  begin(): void {
    this.#living = this.#live()
    // Until `stop` awaits it.
    this.#living.catch(() => {})
  }

  /** Its next life is its last. */
  spare(): void {
    this.#isSpared = true
  }

  async stop(): Promise<void> {
    this.#isClosed = true
    await this.#process.kill('SIGKILL')
    await this.#living
  }

  async #live(): Promise<void> {
    let at: KillPoint = 'any moment'
    for (;;) {
      await this.#die(at)
      if (this.#isClosed) return
      at = this.#isSpared ? 'any moment' : this.#deal()
      await writeFile(this.#file, `${at}:${Math.floor(MOST_TIMES * this.#random())}`)
      // It may come to its step before it can say that it is ready.
      await this.#process.start().catch(() => {})
    }
  }

  /** Resolves when it is dead. */
  async #die(at: KillPoint): Promise<void> {
    const { ended } = this.#process
    // A life is measured in what it does: on a busy machine a short one would do nothing.
    const steps = at === 'any moment' ? Math.floor(LIFE_STEPS * this.#random()) : LIFE_STEPS
    const lived = this.#process
      .said(new RegExp(`^step ${steps}$`), SILENT_MS)
      .then(() => delay(this.#random() * PAUSE_MS))
    const own = await Promise.race([ended, lived.catch(() => ended)])
    if (!own && !this.#isSpared) await this.#process.kill('SIGKILL')
    const end = await ended
    if (this.#isClosed) return
    const where = own ? at : 'any moment'
    console.log(`    ${this.#process.name} killed: ${where}`)
    if (end?.signal === 'SIGKILL') this.kills.set(where, (this.kills.get(where) ?? 0) + 1)
    else {
      this.complaints.push(`ended with ${JSON.stringify(end)}: ${this.#process.output.slice(-2_000)}`)
      await delay(AGAIN_MS)
    }
  }

  #deal(): KillPoint {
    if (this.#deck.length === 0) this.#deck = shuffled(KILL_POINTS, this.#random)
    return this.#deck.shift() ?? 'any moment'
  }
}
