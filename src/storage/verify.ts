import { readProcessEnv } from '../config/env.ts'
import { withDatabase } from '../database/reach-database.ts'
import { messageOf } from '../shared/errors.ts'
import { createLogger } from '../shared/logger.ts'
import { FileRepository } from './file.repository.ts'
import { auditStorage } from './storage-audit.ts'
import { createStore } from './store/create-store.ts'

/** What is younger may belong to an upload that is going on. */
const GRACE_MS = 24 * 3_600_000
const HELP = `Compares the files table with the store, both ways.
  npm run storage:verify            report what does not fit together; exit code 1 when anything does not
  npm run storage:verify -- --fix   also remove objects without a file that are older than a day`

/** Prints a report as JSON. */
async function main(): Promise<void> {
  if (process.argv.includes('--help')) return console.log(HELP)
  const env = readProcessEnv()
  const report = await withDatabase(env, { poolSize: 2, logger: createLogger('warn') }, async (db) => {
    const deps = { files: new FileRepository(db), store: await createStore(env) }
    return auditStorage(deps, { fix: process.argv.includes('--fix'), graceMs: GRACE_MS })
  })
  console.log(JSON.stringify(report, null, 2))
  const left = report.orphans.length - report.removed + report.missing.length
  process.exitCode = left === 0 ? 0 : 1
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
}
