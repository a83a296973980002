import { expect } from 'chai'
import type { DataSource } from 'typeorm'
import { verifyLedger } from '../../src/credits/ledger-audit.ts'
import { rows } from '../../src/database/query.ts'

/** What must hold after a run is over, whatever happened to it on the way. */
export async function expectSettledOnce(db: DataSource, runId: string): Promise<void> {
  const [counts] = await rows(
    db.manager,
    `SELECT
       (SELECT count(*)::int FROM turns WHERE run_id = $1 AND status NOT IN ('completed', 'cancelled', 'failed')) AS "openTurns",
       (SELECT count(*)::int FROM turns WHERE run_id = $1 AND status = 'completed' AND NOT passed) AS spoken,
       (SELECT count(*)::int FROM messages WHERE run_id = $1 AND role = 'agent' AND status = 'complete') AS messages,
       (SELECT count(*)::int FROM (SELECT 1 FROM messages WHERE run_id = $1 AND role = 'agent' GROUP BY turn HAVING count(*) > 1) d) AS doubled,
       (SELECT count(*)::int FROM (SELECT 1 FROM metered_calls WHERE run_id = $1 AND outcome = 'charged' GROUP BY turn, call HAVING count(*) > 1) d) AS "chargedTwice",
       (SELECT count(*)::int FROM holds WHERE run_id = $1 AND status = 'pending') AS holds`,
    [runId],
  )
  const { spoken, ...rest } = Object(counts)
  expect(rest).to.deep.equal({ openTurns: 0, messages: spoken, doubled: 0, chargedTwice: 0, holds: 0 })
  const { differences } = await verifyLedger(db)
  expect(differences).to.deep.equal([])
}
