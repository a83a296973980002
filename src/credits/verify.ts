import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { type Env, readProcessEnv } from '../config/env.ts'
import { createDataSource } from '../database/data-source.ts'
import { startEmbeddedPostgres } from '../database/embedded-postgres.ts'
import { SetupError } from '../database/setup-error.ts'
import { messageOf } from '../shared/errors.ts'
import { createLogger } from '../shared/logger.ts'
import { type LedgerAudit, verifyLedger } from './ledger-audit.ts'

/** What the embedded server's keeper writes down beside its data. */
const embeddedState = z.object({ password: z.string(), port: z.number() })

interface OpenDatabase {
  url: string
  close(): Promise<void>
}

/** The database of this installation, also while the application is running on its embedded one. */
async function openDatabase(env: Env): Promise<OpenDatabase> {
  if (env.DATABASE_URL) return { url: env.DATABASE_URL, close: async () => {} }
  try {
    const server = await startEmbeddedPostgres({ dataDir: env.DATA_DIR, logger: createLogger('warn') })
    return { url: server.url, close: () => server.stop() }
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    // The folder is locked by the running application: its server is asked.
    const file = join(env.DATA_DIR, 'postgres.json')
    const state = embeddedState.safeParse(JSON.parse(await readFile(file, 'utf8').catch(() => 'null')))
    if (!state.success) throw error
    const { password, port } = state.data
    return { url: `postgres://chatsparty:${password}@127.0.0.1:${port}/chatsparty`, close: async () => {} }
  }
}

const LABELS: [string, string][] = [
  ['accounts', 'accounts'],
  ['entries', 'entries'],
  ['chargedCalls', 'charged calls'],
  ['lostCalls', 'lost calls'],
  ['pendingHolds', 'pending holds'],
  ['available', 'users available'],
  ['held', 'users held'],
  ['grants', 'platform grants'],
  ['revenue', 'platform revenue'],
  ['losses', 'platform losses'],
  ['sum', 'sum of all accounts'],
]

/** The audit in lines for a terminal. */
function report({ figures, differences }: LedgerAudit): string {
  const lines = LABELS.map(([name, label]) => `${label.padEnd(20)} ${(figures[name] ?? '').padStart(26)}`)
  for (const { rule, count, examples } of differences) {
    lines.push(`\nNOT TRUE that ${rule}: ${count}`)
    for (const example of examples) lines.push(`  ${JSON.stringify(example)}`)
  }
  lines.push(`\n${differences.length ? `${differences.length} rules are broken` : 'zero differences'}`)
  return lines.join('\n')
}

/** `npm run ledger:verify`: exit 0 when the ledger adds up, 1 when not (or when it could not be read). */
try {
  const database = await openDatabase(readProcessEnv())
  const db = createDataSource({ url: database.url, entities: [], poolSize: 1 })
  try {
    await db.initialize()
    const audit = await verifyLedger(db)
    process.stdout.write(`${report(audit)}\n`)
    process.exitCode = audit.differences.length ? 1 : 0
  } finally {
    if (db.isInitialized) await db.destroy()
    await database.close()
  }
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
}
