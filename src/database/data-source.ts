import {
  DataSource,
  DefaultNamingStrategy,
  type EntitySchema,
  type MigrationInterface,
  type NamingStrategyInterface,
} from 'typeorm'
import type { Pooler } from './database-client.ts'
import { FreshPool, type FreshPoolConfig } from './fresh-pool.ts'
import { unreachable } from './patience.ts'
import { processName } from './server-facts.ts'

const snake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()

/** Property `userId` is column `user_id`. */
class SnakeNaming extends DefaultNamingStrategy implements NamingStrategyInterface {
  override columnName(property: string, custom: string | undefined, prefixes: string[]): string {
    return snake([...prefixes, custom ?? property].join('_'))
  }
}

/** How long things may take, in ms; 0 is without limit. */
export interface DatabaseTimes {
  /** Waiting for a free connection, or for a new one. */
  connectMs: number
  /** One statement, at the server. */
  statementMs: number
  /** A transaction in which nothing is said. */
  idleInTransactionMs: number
  /** No answer for this long means that the connection is dead, whatever TCP thinks of it. More than `statementMs`. */
  answerMs: number
  /** The age at which a connection ends. */
  maxAgeMs: number
}

const TIMES: DatabaseTimes = {
  connectMs: 5_000,
  statementMs: 30_000,
  idleInTransactionMs: 30_000,
  answerMs: 0,
  maxAgeMs: 0,
}

/** What a data source needs to know. `poolSize` bounds the connections of this process. */
export interface DataSourceOptions {
  url: string
  entities: EntitySchema[]
  migrations?: Array<new () => MigrationInterface>
  poolSize?: number
  /** Default `none`. Commands that do not know use `transaction`, which is right everywhere. */
  pooler?: Pooler
  times?: Partial<DatabaseTimes>
}

/**
 * A data source that is ready for use.
 * @throws SetupError when the database cannot be reached
 */
export async function openDataSource(options: DataSourceOptions): Promise<DataSource> {
  try {
    return await createDataSource(options).initialize()
  } catch (error) {
    throw unreachable(error)
  }
}

/** A TypeORM data source on PostgreSQL; call `initialize()` before use. It never changes the schema by itself. */
export function createDataSource(options: DataSourceOptions): DataSource {
  const { url, entities, migrations = [], poolSize = 20, pooler = 'none' } = options
  const times = { ...TIMES, ...options.times }
  const extra: FreshPoolConfig = {
    keepAlive: true,
    pooler,
    limits: times,
    maxAgeMs: times.maxAgeMs,
    query_timeout: times.answerMs || undefined,
  }
  return new DataSource({
    type: 'postgres',
    driver: { Pool: FreshPool },
    url,
    entities,
    migrations,
    synchronize: false,
    logging: false,
    namingStrategy: new SnakeNaming(),
    // A pooler would tell the server of each change of names.
    applicationName: pooler === 'none' ? processName() : 'chatsparty',
    poolSize,
    connectTimeoutMS: times.connectMs,
    extra,
  })
}
