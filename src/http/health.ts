import type { Express } from 'express'
import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'

/** Something that should work. `check` rejects, or takes too long, when it does not. */
export interface HealthCheck {
  name: string
  check: () => Promise<void>
  /**
   * What is worse while it fails, for anybody to read. With it the process stays ready, degraded: taken out of a balancer, it would
   * be gone altogether. Without it, the process should get no traffic while this fails.
   */
  degrades?: string
}

/** Thrown by a check of what is still on its way up: no trouble, so whoever waits for it fills no log. */
export class NotYet extends Error {}

/** What `/readyz` answers. */
export interface Readiness {
  status: 'ready' | 'degraded' | 'unavailable' | 'draining'
  checks: Record<string, 'ok' | 'failing'>
  /** Of each check that degrades, what is worse. */
  degraded?: Record<string, string>
}

const CHECK_TIMEOUT_MS = 2_000

const within = (work: Promise<void>): Promise<void> => {
  const { promise, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('does not answer')), CHECK_TIMEOUT_MS)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

/** Whether a process is ready. Those who ask at once share an answer: each look costs queries, and no limit holds for it. */
export class Health {
  readonly #checks: HealthCheck[]
  readonly #isDraining: () => boolean
  readonly #logger: Logger
  #underWay: Promise<Readiness> | undefined

  constructor(checks: HealthCheck[], logger: Logger, isDraining: () => boolean = () => false) {
    this.#checks = checks
    this.#logger = logger
    this.#isDraining = isDraining
  }

  /** 200 when it should get traffic, else 503; with what fails. Why it does is in the log: errors name hosts and users. */
  async answer(): Promise<{ httpStatus: 200 | 503; readiness: Readiness }> {
    if (this.#isDraining()) return { httpStatus: 503, readiness: { status: 'draining', checks: {} } }
    this.#underWay ??= this.#look().finally(() => {
      this.#underWay = undefined
    })
    const readiness = await this.#underWay
    return { httpStatus: readiness.status === 'unavailable' ? 503 : 200, readiness }
  }

  async #look(): Promise<Readiness> {
    const results = await Promise.all(this.#checks.map(async (one) => ({ ...one, isOk: await this.#isOk(one) })))
    const checks = Object.fromEntries(results.map(({ name, isOk }) => [name, isOk ? 'ok' : 'failing'] as const))
    const failing = results.filter(({ isOk }) => !isOk)
    if (failing.length === 0) return { status: 'ready', checks }
    if (failing.some(({ degrades }) => degrades === undefined)) return { status: 'unavailable', checks }
    const degraded = Object.fromEntries(failing.map(({ name, degrades = '' }) => [name, degrades]))
    return { status: 'degraded', checks, degraded }
  }

  #isOk({ name, check }: HealthCheck): Promise<boolean> {
    return within(check()).then(
      () => true,
      (error: unknown) => {
        const level = error instanceof NotYet ? 'debug' : 'warn'
        // Where in our code it was noticed says nothing: no stack.
        this.#logger[level]({ reason: messageOf(error), check: name }, 'a health check failed')
        return false
      },
    )
  }
}

/** `GET /healthz`: this process runs. `GET /readyz`: it should get traffic. Both are public. */
export function healthRoutes(app: Express, health: Health): void {
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  app.get('/readyz', async (_request, response) => {
    const { httpStatus, readiness } = await health.answer()
    response.status(httpStatus).json(readiness)
  })
}
