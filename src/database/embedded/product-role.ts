import { Client } from 'pg'
import { z } from 'zod'

/** What is kept beside the cluster, in `postgres.json` (mode 0600). */
export const embeddedState = z.object({
  /** Of the superuser. */
  password: z.string(),
  /** Of the product's role; missing where the product was the superuser. */
  rolePassword: z.string().optional(),
  port: z.number().optional(),
})
export type EmbeddedState = z.output<typeof embeddedState>

const DATABASE = 'chatsparty'
/** Made by initdb: it sets up, and nothing else. */
export const SUPERUSER = 'chatsparty'
/** The product's: it owns the database and can nothing beyond it. */
const ROLE = 'chatsparty_app'

const address = (role: string, password: string, port: number): string =>
  `postgres://${role}:${password}@127.0.0.1:${port}/${DATABASE}`

export const superuserUrl = (password: string, port: number): string => address(SUPERUSER, password, port)
export const productUrl = (rolePassword: string, port: number): string => address(ROLE, rolePassword, port)

/** What belongs to the superuser although it is the product's; indexes and the sequences of columns follow their tables. */
const FOREIGN = `
  SELECT format('SCHEMA %I', nspname) AS what FROM pg_namespace
  WHERE nspowner = $1::regrole AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
  UNION ALL SELECT format('%s %s', CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
      ELSE 'TABLE' END, c.oid::regclass)
    FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
    WHERE relowner = $1::regrole AND relkind IN ('r', 'p', 'v', 'm', 'S') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND deptype IN ('a', 'i', 'e'))
  UNION ALL SELECT format('ROUTINE %s', p.oid::regprocedure)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
    WHERE proowner = $1::regrole AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND deptype = 'e')
  UNION ALL SELECT format('TYPE %s', t.oid::regtype)
    FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
    WHERE typowner = $1::regrole AND typtype IN ('e', 'd', 'r') AND nspname NOT LIKE 'pg\\_%' AND nspname <> 'information_schema'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND deptype = 'e')`

const objects = z.array(z.object({ what: z.string() }))

/**
 * Makes the product's role and its database; one that the superuser owned, from before there was such a role, is brought over with
 * all that is in it, in one transaction. Calling it again changes nothing.
 */
export async function setUpDatabase(superUrl: string, rolePassword: string): Promise<void> {
  const maintenance = new URL(superUrl)
  maintenance.pathname = '/postgres'
  await connected(maintenance.href, async (client) => {
    const { rowCount: roles } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [ROLE])
    // No parameters can be here; the password is of letters, digits, - and _. It is set each time, for whoever put an old one back.
    await client.query(`${roles === 0 ? 'CREATE' : 'ALTER'} ROLE ${ROLE} LOGIN PASSWORD '${rolePassword}'`)
    const { rowCount: databases } = await client.query('SELECT FROM pg_database WHERE datname = $1', [DATABASE])
    if (databases === 0) await client.query(`CREATE DATABASE ${DATABASE} OWNER ${ROLE}`)
  })
  await connected(superUrl, async (client) => {
    const { rowCount } = await client.query('SELECT FROM pg_database WHERE datname = $1 AND datdba = $2::regrole', [
      DATABASE,
      ROLE,
    ])
    if (rowCount === 0) await bringOver(client)
  })
}

async function bringOver(client: Client): Promise<void> {
  await client.query('BEGIN')
  const { rows } = await client.query(FOREIGN, [SUPERUSER])
  for (const { what } of objects.parse(rows)) await client.query(`ALTER ${what} OWNER TO ${ROLE}`)
  await client.query(`ALTER DATABASE ${DATABASE} OWNER TO ${ROLE}`)
  await client.query('COMMIT')
}

async function connected(url: string, work: (client: Client) => Promise<void>): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await work(client)
  } finally {
    await client.end()
  }
}
