import type { Express } from 'express'
import { messageOf } from '../shared/errors.ts'
import type { Logger } from '../shared/logger.ts'

/** Something that must work before this process should get traffic. `check` rejects, or takes too long, when it does not. */
export interface HealthCheck {
  name: string
  check: () => Promise<void>
}

/** Thrown by a check of what is still on its way up: no trouble, so whoever waits for it fills no log. */
export class NotYet extends Error {}

const CHECK_TIMEOUT_MS = 2_000

const within = (work: Promise<void>): Promise<void> => {
  const { promise, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('does not answer')), CHECK_TIMEOUT_MS)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

/**
 * `GET /healthz`: this process runs. `GET /readyz`: all it needs answers; 503 names what does not. Both are public, so
 * why something fails (errors name hosts and users) is in the log only.
 */
export function healthRoutes(app: Express, checks: HealthCheck[], logger: Logger): void {
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  const look = () =>
    Promise.all(
      checks.map(async ({ name, check }) => {
        const state = await within(check()).then(
          () => 'ok',
          (error: unknown) => {
            const level = error instanceof NotYet ? 'debug' : 'warn'
            // Where in our code it was noticed says nothing: no stack.
            logger[level]({ reason: messageOf(error), check: name }, 'a health check failed')
            return 'failing'
          },
        )
        return [name, state] as const
      }),
    )
  let underWay: ReturnType<typeof look> | undefined
  app.get('/readyz', async (_request, response) => {
    // Whoever asks at the same time shares an answer: no limit holds for this route, and each look costs queries.
    underWay ??= look().finally(() => {
      underWay = undefined
    })
    const results = await underWay
    const ready = results.every(([, state]) => state === 'ok')
    response
      .status(ready ? 200 : 503)
      .json({ status: ready ? 'ready' : 'unavailable', checks: Object.fromEntries(results) })
  })
}
