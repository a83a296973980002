import { hostname } from 'node:os'
import { Client } from 'pg'
import { z } from 'zod'
import type { Logger } from '../shared/logger.ts'
import { patiently, unreachable } from './patience.ts'

/** What a process wants to know of its database before it begins. */
export interface ServerFacts {
  /** True when something between us and PostgreSQL gives its sessions to several clients (PgBouncer and its kind). */
  isPooled: boolean
  isReadOnly: boolean
  isSuperuser: boolean
  /** Connections that the server gives to roles like this one. */
  maxConnections: number
  /** Processes of ours that have connections now, this one not counted. */
  processes: number
}

/** Connections of a process of ours are called this and the process's own name. */
const PROCESS_NAME_PREFIX = 'chatsparty@'
/** PostgreSQL cuts longer names off. */
const MAX_NAME_BYTES = 63

/** How the sessions of this process are called at a server that they have to themselves: whose they are is seen in pg_stat_activity. */
export const processName = (): string =>
  `${PROCESS_NAME_PREFIX}${hostname().slice(0, MAX_NAME_BYTES - PROCESS_NAME_PREFIX.length - 8)}:${process.pid}`

const CONNECT_MS = 5_000

const answer = z.tuple([
  z.object({
    backendPid: z.number(),
    isReadOnly: z.boolean(),
    isSuperuser: z.boolean(),
    maxConnections: z.number(),
    processes: z.number(),
  }),
])

const FACTS = `SELECT pg_backend_pid() AS "backendPid", current_setting('transaction_read_only')::bool AS "isReadOnly",
  rolsuper AS "isSuperuser",
  current_setting('max_connections')::int - CASE WHEN rolsuper THEN 0 ELSE
    current_setting('superuser_reserved_connections')::int
    + coalesce(current_setting('reserved_connections', true)::int, 0) END AS "maxConnections",
  (SELECT count(DISTINCT application_name)::int FROM pg_stat_activity
   WHERE application_name LIKE '${PROCESS_NAME_PREFIX}%' AND application_name <> $1) AS processes
  FROM pg_roles WHERE rolname = current_user`

/** Looks at the server once. @throws Error of pg */
export async function lookAtServer(url: string): Promise<ServerFacts> {
  const client = new Client({
    connectionString: url,
    application_name: 'chatsparty',
    connectionTimeoutMillis: CONNECT_MS,
  })
  // A server that ends the session meanwhile fails the query; the event besides would end the process.
  client.on('error', () => {})
  await client.connect()
  try {
    const [{ backendPid, ...facts }] = answer.parse((await client.query(FACTS, [processName()])).rows)
    // PostgreSQL names the process that serves the session when it begins. A pooler gives a number of its own, because
    // it does not know yet which process that will be, or it will be another one each time.
    return { ...facts, isPooled: Reflect.get(client, 'processID') !== backendPid }
  } finally {
    await client.end().catch(() => {})
  }
}

/** A standby, or a primary that became one: another may take its place. */
class OnlyReads extends Error {
  readonly code = '25006'
}

/**
 * Looks at the server, with patience: it may start later than we do, or be on its way to another place.
 * @throws SetupError in one line, after `waitMs` or at once when no waiting helps (a wrong password)
 */
export function awaitServer(url: string, waitMs: number, logger: Logger): Promise<ServerFacts> {
  const look = async () => {
    const facts = await lookAtServer(url).catch((error: unknown) => {
      throw unreachable(error)
    })
    if (facts.isReadOnly) throw new OnlyReads('it is read-only, as a standby is')
    return facts
  }
  return patiently(look, waitMs, logger)
}
