import { createServer } from 'node:http'
import type { Container } from './container.ts'
import { Writability } from './database/writability.ts'
import { Health, type HealthCheck } from './http/health.ts'
import { listen } from './listen.ts'
import { sharedMetricsPage } from './monitoring.ts'

/** What every process wants of the parts behind it; without the queue or the feed it goes on, worse. */
export const commonChecks = ({ db, queue, feed }: Container): HealthCheck[] => [
  { name: 'database', check: new Writability(db).check },
  {
    name: 'queue',
    check: () => queue.ping(),
    degrades: 'Messages are accepted; turns begin when the queue is back.',
  },
  {
    name: 'live feed',
    check: () => feed.ping(),
    degrades: 'Words are not shown as they come; what was said is there when a turn is over.',
  },
]

/** Whether turns that come now find a place; for whoever takes requests. */
export const placesCheck = ({ workerPlaces }: Pick<Container, 'workerPlaces'>): HealthCheck => ({
  name: 'places',
  check: async () => {
    const trouble = await workerPlaces.trouble()
    if (trouble.length > 0) throw new Error(trouble.join('; '))
  },
  degrades: 'All places for turns are taken. Messages are accepted, and wait.',
})

/** `/healthz` and `/readyz` of a process that serves nothing else, at PROBE_PORT. Workers need no web framework for two answers. */
export async function serveProbes(container: Container, port: number, checks: HealthCheck[]): Promise<void> {
  const { env, logger, shutdown } = container
  const health = new Health([...commonChecks(container), ...checks], logger, () => shutdown.isSignalled)
  const metrics = sharedMetricsPage(container)
  const server = createServer(async (request, response) => {
    const answer = (status: number, body: object) =>
      response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body))
    if (request.url === '/healthz') return answer(200, { status: 'ok' })
    if (request.url === '/metrics' && metrics) {
      const { status, contentType, body } = await metrics(request.headers.authorization)
      return response.writeHead(status, { 'content-type': contentType, connection: 'close' }).end(body)
    }
    if (request.url !== '/readyz') return answer(404, { error: 'There are /healthz and /readyz here.' })
    const { httpStatus, readiness } = await health.answer()
    return answer(httpStatus, readiness)
  })
  await listen(server, { ...env, PORT: port })
  shutdown.add('probes', async () => {
    server.close()
    server.closeAllConnections()
  })
}
