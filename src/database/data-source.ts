import {
  DataSource,
  DefaultNamingStrategy,
  type EntitySchema,
  type MigrationInterface,
  type NamingStrategyInterface,
} from 'typeorm'
import { messageOf } from '../shared/errors.ts'
import { PreparedClient } from './prepared-client.ts'
import { SetupError } from './setup-error.ts'

const snake = (name: string): string => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toLowerCase()

/** Property `userId` is column `user_id`. */
class SnakeNaming extends DefaultNamingStrategy implements NamingStrategyInterface {
  override columnName(property: string, custom: string | undefined, prefixes: string[]): string {
    return snake([...prefixes, custom ?? property].join('_'))
  }
}

/** What a data source needs to know. `poolSize` bounds the connections of this process. */
export interface DataSourceOptions {
  url: string
  entities: EntitySchema[]
  migrations?: Array<new () => MigrationInterface>
  poolSize?: number
}

/**
 * A data source that is ready for use.
 * @throws SetupError when the database cannot be reached
 */
export async function openDataSource(options: DataSourceOptions): Promise<DataSource> {
  try {
    return await createDataSource(options).initialize()
  } catch (error) {
    throw new SetupError(`The database cannot be reached: ${messageOf(error)}. Check DATABASE_URL.`)
  }
}

/** A TypeORM data source on PostgreSQL; call `initialize()` before use. It never changes the schema by itself. */
export const createDataSource = ({ url, entities, migrations = [], poolSize = 20 }: DataSourceOptions): DataSource =>
  new DataSource({
    type: 'postgres',
    url,
    entities,
    migrations,
    synchronize: false,
    logging: false,
    namingStrategy: new SnakeNaming(),
    applicationName: 'chatsparty',
    poolSize,
    connectTimeoutMS: 5_000,
    extra: {
      Client: PreparedClient,
      keepAlive: true,
      idle_in_transaction_session_timeout: 30_000,
      statement_timeout: 30_000,
    },
  })
