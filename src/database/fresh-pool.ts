import { type ClientBase, Pool, type PoolClient, type PoolConfig } from 'pg'
import { messageOf } from '../shared/errors.ts'
import { DatabaseClient, type DatabaseClientConfig, settingsOf } from './database-client.ts'
import { isReadOnly, NoConnection } from './trouble.ts'

export type FreshPoolConfig = PoolConfig & DatabaseClientConfig & { maxAgeMs?: number }

/** Connections opened together do not end together: each lives between this share of the age and all of it. */
const SHORTEST_LIFE = 0.75

/** When a connection was made: in which generation of the pool, and until when it may live. */
interface Birth {
  generation: number
  endsAt: number
}

type Connected = (
  error: Error | undefined,
  client: PoolClient | undefined,
  release: (error?: Error | boolean) => void,
) => void

/**
 * A pool whose connections do not outlive what they were made to. After a failover behind one name, old connections lead to a
 * server that only reads, and a pool that keeps them keeps failing:
 *
 * - what answered that it is read-only, shutting down or gone, goes back to nobody;
 * - the first that met a read-only server takes all that were opened before along;
 * - each ends after an age (`maxAgeMs`, 0 is never), so that a name that moved, a password or a certificate is looked at again.
 *
 * @throws NoConnection when none can be had
 */
export class FreshPool extends Pool {
  readonly #maxAgeMs: number
  readonly #births = new WeakMap<PoolClient, Birth>()
  #generation = 0

  constructor(config: FreshPoolConfig = {}) {
    const { pooler, limits, maxAgeMs = 0 } = config
    const settings = limits && settingsOf(limits).map(([name, value]) => `SET ${name} = ${value}`)
    super({
      Client: DatabaseClient,
      ...config,
      // A pooler refuses them in the start-up packet.
      ...(pooler === 'session' && settings && { onConnect: (client: ClientBase) => client.query(settings.join('; ')) }),
    })
    this.#maxAgeMs = maxAgeMs
    this.on('connect', (client) => this.#born(client))
    // Before the pool decides whether to keep it: one that is ending, it does not.
    this.on('release', (_error, client) => {
      if (client instanceof DatabaseClient && this.#isToEnd(client)) void client.end()
    })
  }

  override connect(): Promise<PoolClient>
  override connect(callback: Connected): void
  override connect(callback?: Connected): Promise<PoolClient> | undefined {
    if (!callback) {
      return super.connect().catch((error: unknown) => {
        throw noConnection(error)
      })
    }
    super.connect((error, client, release) => callback(error && noConnection(error), client, release))
    return undefined
  }

  #born(client: PoolClient): void {
    const life = this.#maxAgeMs * (SHORTEST_LIFE + (1 - SHORTEST_LIFE) * Math.random())
    const endsAt = this.#maxAgeMs > 0 ? performance.now() + life : Number.POSITIVE_INFINITY
    const birth = { generation: this.#generation, endsAt }
    this.#births.set(client, birth)
    if (client instanceof DatabaseClient) {
      client.onSick = (error) => {
        if (isReadOnly(error) && birth.generation === this.#generation) this.#letGo()
      }
    }
  }

  #isToEnd(client: PoolClient & DatabaseClient): boolean {
    const birth = this.#births.get(client)
    const isOld = birth !== undefined && (birth.generation < this.#generation || performance.now() > birth.endsAt)
    return client.isSick || isOld
  }

  /** Those in use end when they come back; the idle ones are taken out for it now. */
  #letGo(): void {
    this.#generation += 1
    for (let left = this.idleCount; left > 0; left--) {
      super.connect((_error, client, release) => {
        if (client) release()
      })
    }
  }
}

const noConnection = (error: unknown): NoConnection => new NoConnection(messageOf(error), { cause: error })
