import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { eventually } from './pace.ts'
import { freePort, startProgram } from './processes.ts'
import { type RedisServer, startRedis } from './redis.ts'

/** A Redis of some kind, as processes are told of it. */
export interface RedisKind {
  env: { REDIS_URL: string } & Record<string, string>
  /** Kills what is primary now, so that another takes over. */
  failOver?: () => Promise<void>
  stop(): Promise<void>
}

const run = promisify(execFile)
const redis = async (args: string[]): Promise<RedisServer> => {
  const server = await startRedis(args)
  if (!server) throw new Error('there is no redis-server')
  return server
}
const stopAll = async (servers: { stop(): Promise<unknown> }[]) =>
  void (await Promise.all(servers.map((server) => server.stop())))
/** Asks one server something. */
async function ask(port: number, ...[command = '', ...args]: (string | number)[]): Promise<unknown> {
  const client = new Redis({ port, host: '127.0.0.1', lazyConnect: true, retryStrategy: null })
  client.on('error', () => {})
  try {
    await client.connect()
    return await client.call(String(command), ...args)
  } finally {
    client.disconnect()
  }
}

/** Number 5 of a Redis that has other databases. */
export async function databaseNumber(): Promise<RedisKind> {
  const server = await redis([])
  return { env: { REDIS_URL: `${server.url}/5` }, stop: () => server.stop() }
}

/** A user who may do with keys and channels of this prefix what is not dangerous. The password has what URLs escape. */
export async function aclUser(): Promise<RedisKind> {
  const server = await redis([
    ...['--user', 'party', 'on', '>s3:cr/t@', '~rooms:*', '&rooms:*', '+@all', '-@dangerous', '+info'],
    ...['--user', 'default', 'off'],
  ])
  const url = `redis://party:${encodeURIComponent('s3:cr/t@')}@127.0.0.1:${server.port}`
  return { env: { REDIS_URL: url, REDIS_PREFIX: 'rooms' }, stop: () => server.stop() }
}

/** TLS with a CA of its own, that wants certificates of clients too. */
export async function tls(): Promise<RedisKind> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-tls-'))
  const file = (name: string) => join(folder, name)
  const openssl = (...args: string[]) => run('openssl', args, { cwd: folder })
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  await openssl('req', '-x509', ...key, '-subj', '/CN=Test CA', '-keyout', 'ca.key', '-out', 'ca.pem')
  await writeFile(file('server.ext'), 'subjectAltName=DNS:localhost,IP:127.0.0.1')
  await writeFile(file('client.ext'), 'extendedKeyUsage=clientAuth')
  for (const who of ['server', 'client']) {
    const request = [...key.slice(0, -2), '-subj', `/CN=${who}`, '-keyout', `${who}.key`, '-out', `${who}.csr`]
    await openssl('req', ...request)
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', `${who}.ext`]
    await openssl('x509', '-req', '-in', `${who}.csr`, ...by, '-out', `${who}.pem`)
  }
  const port = await freePort()
  const files = ['--tls-cert-file', file('server.pem'), '--tls-key-file', file('server.key')]
  const server = await redis([
    '--port',
    '0',
    '--tls-port',
    String(port),
    ...files,
    '--tls-ca-cert-file',
    file('ca.pem'),
  ])
  return {
    env: {
      REDIS_URL: `rediss://localhost:${port}`,
      REDIS_CA: file('ca.pem'),
      REDIS_CERT: file('client.pem'),
      REDIS_KEY: file('client.key'),
    },
    stop: async () => {
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Three primaries. */
export async function cluster(): Promise<RedisKind> {
  const busPorts = await Promise.all([0, 0, 0].map(freePort))
  const nodes = await Promise.all(
    busPorts.map((bus) => redis(['--cluster-enabled', 'yes', '--cluster-port', String(bus)])),
  )
  const size = Math.ceil(16_384 / nodes.length)
  for (const [i, { port }] of nodes.entries()) {
    await ask(port, 'CLUSTER', 'ADDSLOTSRANGE', i * size, Math.min((i + 1) * size, 16_384) - 1)
    await ask(port, 'CLUSTER', 'SET-CONFIG-EPOCH', i + 1)
  }
  const [first] = nodes
  for (const [i, { port }] of nodes.entries()) {
    if (first && i > 0) await ask(first.port, 'CLUSTER', 'MEET', '127.0.0.1', port, busPorts[i] ?? 0)
  }
  for (const { port } of nodes) {
    await eventually(async () => {
      const info = String(await ask(port, 'CLUSTER', 'INFO'))
      return /cluster_state:ok/.test(info) && /cluster_known_nodes:3/.test(info)
    })
  }
  const hosts = nodes.slice(0, 2).map(({ port }) => `127.0.0.1:${port}`)
  return { env: { REDIS_URL: `redis://${hosts.join(',')}`, REDIS_CLUSTER: 'true' }, stop: () => stopAll(nodes) }
}

/** A primary, a replica, and three sentinels that watch them. */
export async function sentinels(): Promise<RedisKind> {
  const primary = await redis([])
  const replica = await redis(['--replicaof', '127.0.0.1', String(primary.port), '--repl-diskless-sync-delay', '0'])
  const folder = await mkdtemp(join(tmpdir(), 'redis-sentinel-'))
  const ports = await Promise.all([0, 0, 0].map(freePort))
  const watchers = await Promise.all(
    ports.map(async (port) => {
      const file = join(folder, `${port}.conf`)
      await writeFile(
        file,
        `port ${port}
bind 127.0.0.1
dir ${folder}
sentinel monitor rooms 127.0.0.1 ${primary.port} 2
sentinel down-after-milliseconds rooms 1000
sentinel failover-timeout rooms 5000
`,
      )
      const watcher = startProgram(['redis-sentinel', file])
      await watcher.waitForLine(/\+monitor master/)
      return watcher
    }),
  )
  for (const port of ports) {
    await eventually(async () => {
      const [, replicas] = String(await ask(port, 'SENTINEL', 'MASTER', 'rooms')).match(/num-slaves,(\d+)/) ?? []
      const [, others] = String(await ask(port, 'SENTINEL', 'MASTER', 'rooms')).match(/num-other-sentinels,(\d+)/) ?? []
      return replicas === '1' && others === '2'
    })
  }
  await eventually(async () => /master_link_status:up/.test(String(await ask(replica.port, 'INFO', 'replication'))))
  return {
    env: {
      REDIS_URL: `redis://${ports.map((port) => `127.0.0.1:${port}`).join(',')}`,
      REDIS_SENTINEL_NAME: 'rooms',
    },
    failOver: async () => {
      await primary.stop()
      // A sentinel closes all connections of the server that it makes primary, that of who asks just then too.
      const role = () => ask(replica.port, 'INFO', 'replication').catch(() => '')
      await eventually(async () => /role:master/.test(String(await role())))
    },
    stop: async () => {
      await Promise.all(watchers.map((watcher) => watcher.kill('SIGKILL')))
      await stopAll([primary, replica])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
