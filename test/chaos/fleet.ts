import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { ClusterProcess } from '../support/cluster.ts'
import { flagsOf } from '../support/processes.ts'
import type { Balancer } from './balancer.ts'

const CLOCK = resolve(import.meta.dirname, 'clock-step.ts')
const AGAIN_MS = 500

export type Role = 'web' | 'worker'
const ENTRIES: Record<Role, string> = { web: 'src/server.ts', worker: 'workers/main.ts' }

/** The place of one process, in which a supervisor keeps one running: it starts again whatever ends. */
export class Place {
  readonly role: Role
  readonly name: string
  readonly #env: Record<string, string>
  readonly #clockFile: string
  readonly #balancer: Balancer
  #process: ClusterProcess
  #isClosed = false
  /** False while it is being started, killed or replaced. */
  isUp = false
  /** How often its process ended unasked. */
  crashes = 0
  /** What the processes that ended otherwise than they should have wrote last. */
  readonly complaints: string[] = []

  constructor(role: Role, index: number, env: Record<string, string>, folder: string, balancer: Balancer) {
    this.role = role
    this.name = `${role} ${index}`
    this.#clockFile = join(folder, `clock-of-${role}-${index}`)
    this.#env = { ...env, CLOCK_FILE: this.#clockFile }
    this.#balancer = balancer
    this.#process = this.#make()
  }

  get pid(): number {
    return this.#process.pid
  }

  async start(): Promise<void> {
    await this.#bringUp(this.#process)
  }

  /** A crash; it comes back after `awayMs`. */
  async kill(awayMs: number): Promise<void> {
    this.isUp = false
    await this.#process.kill('SIGKILL')
    await delay(awayMs)
    await this.#bringUp(this.#process)
  }

  /** A deploy: a new one first, then the old one is told to end, and does in its own time. */
  async replace(): Promise<void> {
    this.isUp = false
    const old = this.#process
    const next = this.#make()
    await this.#bringUp(next)
    this.isUp = false
    this.#process = next
    this.#balancer.remove(old)
    const ended = await old.kill('SIGTERM')
    if (ended?.code !== 0) this.complaints.push(`${this.name} ended by SIGTERM with ${JSON.stringify(ended)}`)
    this.isUp = true
  }

  /** Its clock goes wrong by so much, for a while. */
  async stepClock(byMs: number, forMs: number): Promise<void> {
    await writeFile(this.#clockFile, String(byMs))
    await delay(forMs)
    await writeFile(this.#clockFile, '0')
  }

  rss = (): Promise<number> => this.#process.rss()

  async stop(): Promise<void> {
    this.#isClosed = true
    await this.#process.kill('SIGKILL')
  }

  #make(): ClusterProcess {
    return new ClusterProcess(this.name, ENTRIES[this.role], this.#env, this.role === 'web')
  }

  async #bringUp(started: ClusterProcess): Promise<void> {
    for (;;) {
      if (this.#isClosed) return
      try {
        await started.start()
        break
      } catch (error) {
        if (this.#isClosed) return
        this.complaints.push(`${this.name} did not start: ${String(error).slice(-2_000)}`)
        await delay(AGAIN_MS)
      }
    }
    if (this.role === 'web') this.#balancer.add(started)
    this.isUp = true
    void started.ended?.then(() => this.#onEnd(started))
  }

  async #onEnd(ended: ClusterProcess): Promise<void> {
    if (!this.isUp || this.#isClosed || ended !== this.#process) return
    this.isUp = false
    this.crashes++
    this.complaints.push(`${this.name} ended unasked: ${ended.output.slice(-2_000)}`)
    await delay(AGAIN_MS)
    await this.#bringUp(ended)
  }
}

export interface FleetSize {
  webs: number
  workers: number
}

/** All processes of ours, each in its place. */
export async function startFleet(
  { webs, workers }: FleetSize,
  env: Record<string, string>,
  folder: string,
  balancer: Balancer,
): Promise<Place[]> {
  const make = async (role: Role, count: number) => {
    const settings = { ...env, NODE_OPTIONS: `${await flagsOf(role)} --import=${CLOCK}` }
    return Array.from({ length: count }, (_, index) => new Place(role, index, settings, folder, balancer))
  }
  const places = [...(await make('web', webs)), ...(await make('worker', workers))]
  await Promise.all(places.map((place) => place.start()))
  return places
}
