import type { QueueBackend } from './bullmq-backend.ts'
import { byQueue, QUEUES, type QueueName } from './job.ts'

export interface Liveness {
  /** Jobs that run now. */
  active: number
  /** Since when none runs; null while one does. */
  idleSince: Date | null
  /** When a handler last ended, well or badly; null before the first. */
  lastCompletedAt: Date | null
}

/** Counts the jobs that run in this process. */
export class Activity {
  readonly active: Record<QueueName, number> = byQueue(() => 0)
  readonly started: Record<QueueName, number> = byQueue(() => 0)
  #idleSince: Date | null = new Date()
  #lastCompletedAt: Date | null = null
  #onIdle: (() => void)[] = []

  start(queue: QueueName): void {
    this.active[queue]++
    this.started[queue]++
    this.#idleSince = null
  }

  end(queue: QueueName): void {
    this.active[queue]--
    this.#lastCompletedAt = new Date()
    if (this.#total() > 0) return
    this.#idleSince = this.#lastCompletedAt
    for (const resolve of this.#onIdle.splice(0)) resolve()
  }

  whenIdle(): Promise<void> {
    if (this.#total() === 0) return Promise.resolve()
    return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  liveness(): Liveness {
    return { active: this.#total(), idleSince: this.#idleSince, lastCompletedAt: this.#lastCompletedAt }
  }

  #total(): number {
    return QUEUES.reduce((sum, queue) => sum + this.active[queue], 0)
  }
}

/** Sees a worker that lives and takes nothing, which its process' health would never tell. */
export class StuckDetector {
  readonly #backend: Pick<QueueBackend, 'waiting'>
  readonly #activity: Activity
  readonly #concurrency: Record<QueueName, number>
  readonly #seen = new Map<QueueName, { started: number; since: number }>()

  constructor(backend: Pick<QueueBackend, 'waiting'>, activity: Activity, concurrency: Record<QueueName, number>) {
    this.#backend = backend
    this.#activity = activity
    this.#concurrency = concurrency
  }

  async forMs(): Promise<number> {
    return Math.max(...(await Promise.all(QUEUES.map((queue) => this.#queueForMs(queue)))))
  }

  async #queueForMs(queue: QueueName): Promise<number> {
    const waiting = await this.#backend.waiting(queue).catch((error: unknown) => {
      // While the queue is away nobody can take anything: the time counts anew when it is back.
      this.#seen.delete(queue)
      throw error
    })
    const started = this.#activity.started[queue]
    const hasRoom = this.#activity.active[queue] < this.#concurrency[queue]
    const seen = this.#seen.get(queue)
    if (waiting === 0 || !hasRoom) {
      this.#seen.delete(queue)
      return 0
    }
    if (seen?.started === started) return Date.now() - seen.since
    this.#seen.set(queue, { started, since: Date.now() })
    return 0
  }
}
