import { Cluster } from 'ioredis'
import { SetupError } from '../database/setup-error.ts'
import type { Logger } from '../shared/logger.ts'
import type { RedisClient, RedisConnections } from './redis-connections.ts'

/** How long a starting process waits for Redis before it gives up, in milliseconds. */
const BOOT_WAIT_MS = 10_000
/** Waiting makes none of these better. */
const HOPELESS = /^(NOAUTH|WRONGPASS|NOPERM)|certificate|cluster support disabled/i

/** Resolves when commands can be sent. @throws SetupError with the reason, after ten seconds at the latest */
export async function untilReady(client: RedisClient): Promise<void> {
  if (client.status === 'ready') return
  let reason = 'no answer'
  const ready = new Promise<boolean>((resolve) => {
    const timer = setTimeout(() => resolve(false), BOOT_WAIT_MS)
    const end = (isReady: boolean) => {
      clearTimeout(timer)
      resolve(isReady)
    }
    const onError = (error: Error) => {
      reason = reasonOf(error) || reason
      if (HOPELESS.test(reason)) end(false)
    }
    client.once('ready', () => end(true))
    client.on('error', onError)
    client.on('node error', onError)
  })
  if (await ready) return
  throw new SetupError(
    /cluster support disabled/.test(reason)
      ? 'REDIS_CLUSTER=true, but the server of REDIS_URL is no cluster: leave REDIS_CLUSTER unset.'
      : `REDIS_URL: Redis cannot be reached: ${reason}`,
  )
}

/** Of a cluster, why its last node could not be asked says more than that none could. */
function reasonOf(error: Error): string {
  const inner = 'lastNodeError' in error ? error.lastNodeError : undefined
  return inner instanceof Error ? inner.message : error.message
}

/**
 * Refuses a Redis on which nothing would run, or on which what runs would be lost.
 * @throws SetupError in a sentence that says what to set
 */
export async function requireFit({ kind }: RedisConnections, client: RedisClient, logger: Logger): Promise<void> {
  const nodes = client instanceof Cluster ? client.nodes('master') : [client]
  const infos = await Promise.all(nodes.map((node) => node.info()))
  for (const info of infos) {
    const mode = /^redis_mode:(\S+)/m.exec(info)?.[1]
    if (mode === 'cluster' && kind !== 'cluster') {
      throw new SetupError('REDIS_URL: this Redis is a node of a cluster: set REDIS_CLUSTER=true.')
    }
    if (mode === 'sentinel') {
      throw new SetupError(
        'REDIS_URL: this is a sentinel, not a Redis that keeps something: set REDIS_SENTINEL_NAME to the name by which it knows the primary.',
      )
    }
    checkEviction(info, logger)
  }
}

/** A Redis that evicts keys loses jobs and, worse, the locks of running ones, so that they run twice. */
function checkEviction(info: string, logger: Logger): void {
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'unknown'
  const limit = Number(/^maxmemory:(\d+)/m.exec(info)?.[1] ?? 0)
  if (policy === 'noeviction') return
  if (limit > 0) {
    throw new SetupError(
      `REDIS_URL: this Redis evicts keys when its memory is full (maxmemory-policy ${policy}, maxmemory ${limit} bytes), ` +
        'which loses jobs and their locks. Set maxmemory-policy noeviction, or use another Redis.',
    )
  }
  logger.warn(
    { policy },
    'Redis has no maxmemory, so it evicts nothing yet: set maxmemory-policy noeviction before it gets one',
  )
}
