import { expect } from 'chai'
import type { AuditRecord } from '../../src/audit/audit-log.ts'
import { FailedLogins } from '../../src/identity/failed-logins.ts'
import { silentLogger } from '../../src/shared/logger.ts'

function journal() {
  const written: AuditRecord[] = []
  const audit = { recordAlone: async (record: AuditRecord) => void written.push(record) }
  const failures = new FailedLogins({ audit, logger: silentLogger })
  const fail = (targetId: string | null, network: string) =>
    failures.note({ action: 'login.failed', targetId, network })
  return { failures, fail, written, counts: () => written.map(({ details }) => details?.count) }
}

describe('Failed logins', () => {
  it('are recorded at the first of an account and network, and as a number when the time is over', async () => {
    const { failures, fail, written, counts } = journal()
    for (let n = 0; n < 1_000; n++) await fail('ann', '192.0.2.1')
    await fail('ann', '192.0.2.2')
    expect(counts()).to.deep.equal([1, 1])
    await failures.tell()
    expect(counts()).to.deep.equal([1, 1, 999])
    expect(written[2]).to.deep.include({ targetId: 'ann', network: '192.0.2.1', actorId: null })
    await failures.tell()
    expect(written).to.have.length(3)
    await fail('ann', '192.0.2.1')
    expect(counts()).to.deep.equal([1, 1, 999, 1])
  })

  it('cannot fill the log, from however many networks they come, and those at nobody do not hide those at somebody', async () => {
    const { failures, fail, written, counts } = journal()
    for (let round = 0; round < 2; round++) for (let n = 0; n < 5_000; n++) await fail(null, `network ${n}`)
    await fail('ann', 'network 1')
    expect(written).to.have.length(201)
    expect(written.at(-1)).to.deep.include({ targetId: 'ann' })
    await failures.tell()
    expect(written).to.have.length(402)
    expect(counts().reduce<number>((sum, count) => sum + Number(count), 0)).to.equal(10_001)
  })
})
