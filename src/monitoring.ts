import { createServer } from 'node:http'
import type { Container } from './container.ts'
import { poolUse } from './database/pool-use.ts'
import { type MetricsPage, metricsPage } from './http/metrics-page.ts'
import { listen } from './listen.ts'
import { FLEET_FIGURES, FleetFiguresRepository } from './metrics/fleet-figures.repository.ts'

/** True when somebody is to read figures at all. */
const isOn = ({ env }: Container): boolean => env.METRICS_PORT > 0 || env.METRICS_TOKEN !== undefined

/** The page of this process' figures for its other port; undefined where it has none, or nobody is to be asked for a token there. */
export const sharedMetricsPage = (container: Container): MetricsPage | undefined =>
  container.env.METRICS_TOKEN === undefined ? undefined : pageOf(container)

const pageOf = ({ env, metrics }: Container): MetricsPage =>
  metricsPage({ token: env.METRICS_TOKEN, text: () => metrics.text(), contentType: metrics.contentType })

/** Watches this process and the fleet, and serves `/metrics` at METRICS_PORT until shutdown. Does nothing unless one of its settings is set. */
export async function startMonitoring(container: Container): Promise<void> {
  if (!isOn(container)) return
  const { env, shutdown, db, metrics } = container
  metrics.watchProcess()
  metrics.watch('database_pool', 'Connections of this process to PostgreSQL, and who waits for one.', ['state'], () =>
    Object.entries(poolUse(db)).map(([state, value]) => ({ labels: { state }, value })),
  )
  const fleet = new FleetFiguresRepository(db)
  for (const [name, [help, labels]] of Object.entries(FLEET_FIGURES)) {
    metrics.watch(name, help, labels, async () => (await fleet.read()).filter((figure) => figure.name === name))
  }
  if (env.METRICS_PORT === 0) return
  const page = pageOf(container)
  const server = createServer(async (request, response) => {
    const { status, contentType, body } =
      request.url === '/metrics'
        ? await page(request.headers.authorization)
        : { status: 404, contentType: 'text/plain', body: 'There is /metrics here.\n' }
    response.writeHead(status, { 'content-type': contentType, connection: 'close' }).end(body)
  })
  await listen(server, { ...env, PORT: env.METRICS_PORT })
  shutdown.add('metrics', async () => {
    server.close()
    server.closeAllConnections()
  })
}
