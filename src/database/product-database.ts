import { databaseAddress } from '../config/database-address.ts'
import { type Env, isDistributed } from '../config/env.ts'
import type { Logger } from '../shared/logger.ts'
import type { DatabaseTimes } from './data-source.ts'
import type { Pooler } from './database-client.ts'
import { awaitServer, type ServerFacts } from './server-facts.ts'
import { SetupError } from './setup-error.ts'

/** Where the product's database is. */
export interface ProductDatabase {
  url: string
  /** For what needs sessions of its own: LISTEN, and locks that outlive a transaction. */
  directUrl: string
  pooler: Pooler
}

/** After the server's own limit, the answer may be on its way for so long, in ms. */
const ANSWER_SLACK_MS = 5_000
const IDLE_IN_TRANSACTION_MS = 30_000

export const databaseTimes = (env: Env): DatabaseTimes => ({
  connectMs: env.DATABASE_CONNECT_TIMEOUT_MS,
  statementMs: env.DATABASE_STATEMENT_TIMEOUT_MS,
  idleInTransactionMs: IDLE_IN_TRANSACTION_MS,
  answerMs: env.DATABASE_STATEMENT_TIMEOUT_MS + ANSWER_SLACK_MS,
  maxAgeMs: env.DATABASE_MAX_AGE_MS,
})

/**
 * Looks at the database of DATABASE_URL, waits for it, and decides how it is spoken to.
 * @throws SetupError in plain words when it cannot be used
 */
export async function findDatabase(env: Env & { DATABASE_URL: string }, logger: Logger): Promise<ProductDatabase> {
  const url = databaseAddress(env.DATABASE_URL, env.DATABASE_CA)
  const directUrl = env.DATABASE_DIRECT_URL ? databaseAddress(env.DATABASE_DIRECT_URL, env.DATABASE_CA) : url
  const facts = await awaitServer(url, env.DATABASE_WAIT_MS, logger)
  const pooler = poolerOf(env.DATABASE_POOLER, facts)
  if (env.DATABASE_POOLER === 'auto' && facts.isPooled) {
    logger.info(
      'DATABASE_URL leads to a connection pooler, which is taken for transaction mode (DATABASE_POOLER says otherwise)',
    )
  }
  if (facts.isSuperuser && env.NODE_ENV === 'production') {
    logger.warn('DATABASE_URL names a superuser: a role that owns the database is enough, and can do less harm')
  }
  if (!isDistributed(env)) await requireSessions(env, { url, directUrl, pooler }, logger)
  else if (pooler === 'none') tellOfConnections(env, facts, logger)
  return { url, directUrl, pooler }
}

/** Which mode a pooler is in cannot be seen; what is right in transaction mode is right in session mode too. */
function poolerOf(setting: Env['DATABASE_POOLER'], { isPooled }: ServerFacts): Pooler {
  if (setting !== 'auto') return setting
  return isPooled ? 'transaction' : 'none'
}

/** Without Redis the queue is in PostgreSQL and listens there. */
async function requireSessions(env: Env, { url, directUrl, pooler }: ProductDatabase, logger: Logger): Promise<void> {
  if (pooler !== 'transaction') return
  const leads = directUrl === url ? 'DATABASE_URL leads' : 'DATABASE_DIRECT_URL leads too'
  if (directUrl !== url && !(await awaitServer(directUrl, env.DATABASE_WAIT_MS, logger)).isPooled) return
  throw new SetupError(
    `${leads} to a connection pooler, through which the queue cannot listen. Set DATABASE_DIRECT_URL to the address of the server itself, ` +
      'REDIS_URL to have the queue there, or DATABASE_POOLER=session if that is the mode of the pooler.',
  )
}

/** Pools grow under load: that the server has places for all of them is not seen before there is some. */
function tellOfConnections(env: Env, { processes, maxConnections }: ServerFacts, logger: Logger): void {
  const all = (processes + 1) * env.DATABASE_POOL
  if (all <= maxConnections) return
  logger.warn(
    { processes: processes + 1, databasePool: env.DATABASE_POOL, maxConnections },
    `${processes + 1} processes with DATABASE_POOL=${env.DATABASE_POOL} may open ${all} connections, and PostgreSQL gives ${maxConnections}: ` +
      'lower DATABASE_POOL, raise max_connections, or put a pooler between',
  )
}
