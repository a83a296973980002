import { Cluster, Redis, type RedisOptions } from 'ioredis'
import type { RedisHost } from '../config/redis-address.ts'
import type { RedisNames } from './redis-names.ts'
import type { RedisSettings } from './redis-settings.ts'

export type RedisClient = Redis | Cluster

/** What a connection wants of its behaviour; where it goes is not its concern. */
export type ConnectionOptions = Omit<RedisOptions, 'host' | 'port' | 'path' | 'sentinels' | 'name'>

/** A node that does not answer what the slots are is passed over after this, in ms. */
const SLOTS_TIMEOUT_MS = 2_000
/** Slots are looked up this often beside what errors teach, in ms. */
const SLOTS_REFRESH_MS = 10_000

/** Makes connections to the Redis of this installation: one server, the primary that sentinels name, or a cluster. */
export class RedisConnections {
  readonly names: RedisNames
  readonly kind: RedisSettings['kind']
  readonly #settings: RedisSettings
  /** Whose nodes subscribers are told of. */
  readonly #clusters = new Set<Cluster>()

  constructor(settings: RedisSettings, names: RedisNames) {
    this.#settings = settings
    this.kind = settings.kind
    this.names = names
  }

  /** A connection for commands. Whoever asks for it closes it. */
  commands(options: ConnectionOptions): RedisClient {
    if (this.kind !== 'cluster') return new Redis({ ...this.#common, ...this.#target(), ...options })
    const { retryStrategy, enableOfflineQueue, lazyConnect, enableAutoPipelining, ...redisOptions } = options
    const { tls } = this.#settings
    const cluster = new Cluster(this.#settings.hosts, {
      redisOptions: { ...this.#common, ...redisOptions },
      enableOfflineQueue,
      lazyConnect,
      enableAutoPipelining,
      clusterRetryStrategy: retryStrategy ?? ((times) => Math.min(times * 100, 1_000)),
      slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
      slotsRefreshInterval: SLOTS_REFRESH_MS,
      // Certificates name hosts: with TLS a name is not to become an address.
      ...(tls && { dnsLookup: (address, callback) => callback(null, address) }),
    })
    this.#clusters.add(cluster)
    cluster.once('end', () => this.#clusters.delete(cluster))
    return cluster
  }

  /**
   * A connection for subscriptions. Of a cluster any node will do, because each tells all others what is published; when one
   * goes, the next is taken.
   */
  subscriber(options: ConnectionOptions): Redis {
    if (this.kind !== 'cluster') return new Redis({ ...this.#common, ...this.#target(), ...options })
    let tries = Math.floor(Math.random() * this.#settings.hosts.length)
    const next = () => {
      const nodes = this.#nodes()
      return nodes[tries++ % nodes.length] ?? this.#settings.hosts[0]
    }
    const subscriber = new Redis({
      ...this.#common,
      ...options,
      ...next(),
      // Where to connect to is read from these options at every try.
      retryStrategy: (times) => {
        Object.assign(subscriber.options, next())
        return options.retryStrategy?.(times) ?? 1_000
      },
    })
    return subscriber
  }

  get #common(): RedisOptions {
    const { username, password, db, tls, family } = this.#settings
    return { username, password, db, tls, ...(family !== undefined && { family }) }
  }

  #target(): RedisOptions {
    const { hosts, sentinel, tls } = this.#settings
    if (!sentinel) return { ...hosts[0] }
    const { name, username, password } = sentinel
    return {
      sentinels: hosts,
      name,
      sentinelUsername: username,
      sentinelPassword: password,
      // One that hangs is passed over.
      sentinelCommandTimeout: SLOTS_TIMEOUT_MS,
      ...(tls && { sentinelTLS: tls, enableTLSForSentinelMode: true }),
    }
  }

  /** The nodes that are known, else those of REDIS_URL. */
  #nodes(): RedisHost[] {
    const known = [...this.#clusters].flatMap((cluster) =>
      cluster.nodes('all').flatMap(({ options: { host, port } }) => (host && port ? [{ host, port }] : [])),
    )
    return known.length > 0 ? known : this.#settings.hosts
  }
}
