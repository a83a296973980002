import { readProcessEnv } from '../config/env.ts'
import { withDatabase } from '../database/reach-database.ts'
import { messageOf } from '../shared/errors.ts'
import { createLogger } from '../shared/logger.ts'
import { type LedgerAudit, verifyLedger } from './ledger-audit.ts'

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
  const audit = await withDatabase(readProcessEnv(), { poolSize: 1, logger: createLogger('warn') }, verifyLedger)
  process.stdout.write(`${report(audit)}\n`)
  process.exitCode = audit.differences.length ? 1 : 0
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n`)
  process.exitCode = 1
}
