import type { Express } from 'express'
import { messageOf } from '../shared/errors.ts'

/** Something that must work before this process should get traffic. `check` rejects, or takes too long, when it does not. */
export interface HealthCheck {
  name: string
  check: () => Promise<void>
}

const CHECK_TIMEOUT_MS = 2_000

const within = (work: Promise<void>): Promise<void> => {
  const { promise, reject } = Promise.withResolvers<void>()
  const timer = setTimeout(() => reject(new Error('does not answer')), CHECK_TIMEOUT_MS)
  return Promise.race([work, promise]).finally(() => clearTimeout(timer))
}

/** `GET /healthz`: this process runs. `GET /readyz`: all it needs answers; 503 names what does not. */
export function healthRoutes(app: Express, checks: HealthCheck[]): void {
  app.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' })
  })
  app.get('/readyz', async (_request, response) => {
    const results = await Promise.all(
      checks.map(async ({ name, check }) => {
        const problem = await within(check()).then(() => null, messageOf)
        return [name, problem ?? 'ok'] as const
      }),
    )
    const ready = results.every(([, state]) => state === 'ok')
    response
      .status(ready ? 200 : 503)
      .json({ status: ready ? 'ready' : 'unavailable', checks: Object.fromEntries(results) })
  })
}
