import { type Env, loadEnv } from '../../src/config/env.ts'
import { type Container, createContainer } from '../../src/container.ts'
import { openFoundation } from '../../src/foundation.ts'
import { seed } from '../../src/seed.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { Shutdown } from '../../src/shared/shutdown.ts'
import { startWeb } from '../../src/web.ts'
import { startWorker, type WorkerHooks } from '../../workers/worker.ts'
import { ApiClient } from './api-client.ts'
import { createDatabase } from './database.ts'

export const ADMIN = { email: 'admin@example.com', password: 'correct horse battery staple' }

/** Short leases and ticks, so that recovery is seen in seconds; never so short that a slow machine breaks a claim. */
export const testSettings = {
  NODE_ENV: 'test',
  PORT: '0',
  LOG_LEVEL: 'silent',
  JWT_SECRET: 'a-long-enough-key-for-tests-0123456789',
  ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 7).toString('base64')}`,
  ADMIN_EMAIL: ADMIN.email,
  ADMIN_PASSWORD: ADMIN.password,
  DATABASE_POOL: '10',
  DATABASE_WAIT_MS: '2000',
  TURN_LEASE_MS: '3000',
  JOB_LOCK_MS: '3000',
  RECONCILE_INTERVAL_MS: '200',
  REDISPATCH_AFTER_MS: '1000',
  TURN_BACKOFF_MS: '50',
  VERSION_POLL_MS: '200',
  DRAIN_MS: '1000',
  // Nobody stands before the processes of most tests, and they share this machine.
  DRAIN_DELAY_MS: '0',
  STORAGE_SHARED: 'true',
  DEMO_WORDS_PER_MINUTE: '60000',
  // A title is a model call that most tests do not expect.
  TITLE_ATTEMPTS: '0',
  LOGIN_ATTEMPTS: '3',
  REQUESTS_PER_MINUTE: '1000000',
  // All users of all tests come from one network.
  REGISTRATIONS_PER_HOUR: '1000000',
  REGISTRATIONS_PER_DAY: '1000000',
  SIGNUP_GRANTS_PER_DAY: '999999999999',
  // All clients of a test come from one place.
  HANDSHAKES_PER_MINUTE: '1000000',
  NETWORK_CONNECTIONS: '1000000',
  NETWORK_SOCKETS: '1000000',
}

export interface TestApp {
  env: Env
  container: Container
  url: string
  api: ApiClient
  close(): Promise<void>
}

interface AppOptions {
  env?: Record<string, string>
  databaseUrl: string
  worker?: boolean
  hooks?: WorkerHooks
}

/** The product in this process: web, and a worker unless told otherwise, on a database of its own. */
export async function startApp({
  env: settings = {},
  databaseUrl,
  worker = true,
  hooks,
}: AppOptions): Promise<TestApp> {
  const env = loadEnv({ ...testSettings, DATABASE_URL: databaseUrl, ...settings })
  const shutdown = new Shutdown(silentLogger)
  const container = createContainer(await openFoundation(env, silentLogger, shutdown))
  await seed(container)
  const { url } = await startWeb(container)
  if (worker) await startWorker(container, hooks)
  return { env, container, url, api: new ApiClient(url), close: () => shutdown.close() }
}

/**
 * Gives the suite in which it is called an app on a fresh database.
 *
 * @example
 * const app = useApp()
 * it('answers', async () => expect((await app.api.get('/healthz')).status).to.equal(200))
 */
export function useApp(
  options: Omit<AppOptions, 'databaseUrl'> | (() => Promise<Omit<AppOptions, 'databaseUrl'>>) = {},
) {
  let app: TestApp | undefined
  let drop = async () => {}
  before('start the app', async function () {
    this.timeout(60_000)
    const database = await createDatabase()
    drop = database.drop
    const resolved = typeof options === 'function' ? await options() : options
    app = await startApp({ ...resolved, databaseUrl: database.url })
  })
  after('stop the app', async () => {
    await app?.close()
    await drop()
  })
  const ready = (): TestApp => {
    if (!app) throw new Error('The app exists from the first before() hook on.')
    return app
  }
  return {
    get api() {
      return ready().api
    },
    get url() {
      return ready().url
    },
    get container() {
      return ready().container
    },
  }
}
