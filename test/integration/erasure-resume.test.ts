import { expect } from 'chai'
import { ErasureRepository } from '../../src/erasure/erasure.repository.ts'
import { ErasureService } from '../../src/erasure/erasure.service.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { ADA } from '../architecture/route-table.ts'
import { useApp } from '../support/app.ts'

const MESSAGES = 45_000

describe('An erasure that is interrupted', () => {
  const app = useApp({ worker: false })
  const sql = (text: string, parameters: unknown[] = []) => app.container.db.query(text, parameters)

  it('goes on where the rows say: after a request that has done its part, a store that is away, and another worker', async function () {
    this.timeout(120_000)
    const { db, feed, storage } = app.container
    const user = await app.api.register()
    const fileId = await user.upload('a.txt', 'text/plain', 'words')
    const { conversationId } = await user.accept('/api/chat', { agentId: ADA, message: 'Hello' })
    await sql(
      `INSERT INTO messages (id, conversation_id, seq, role, content, status)
       SELECT gen_random_uuid(), $1, n + 1000, 'user', 'word', 'complete' FROM generate_series(1, $2) AS n`,
      [conversationId, MESSAGES],
    )
    expect((await user.delete(`/api/users/${user.id}`)).status).to.equal(204)
    const state = async () =>
      (await sql('SELECT phase, failures, error, counts FROM erasures WHERE user_id = $1', [user.id]))[0]
    const count = async (text: string) => (await sql(`SELECT count(*)::int AS n FROM ${text}`, [user.id]))[0].n
    // More batches than a request does itself: bounded, and the account is nobody's all the same.
    expect((await state()).phase).to.equal('rows')
    expect((await state()).counts.messages).to.be.within(1_000, MESSAGES - 1)
    expect((await user.get('/api/auth/me')).status).to.equal(401)
    expect((await app.api.register(user.email)).id).not.to.equal(user.id)

    let isAway = true
    let removed = 0
    const erasures = new ErasureRepository(db)
    const worker = () =>
      new ErasureService({
        erasures,
        feed,
        objects: {
          removeEverything: async (id) => {
            if (isAway) throw new TypeError(`the store is away, and says ${user.email}`)
            removed += 1
            await storage.objects.removeEverything(id)
          },
        },
        revokeTokens: async () => {},
        settleMs: 0,
        logger: silentLogger,
      })
    await worker().work()
    expect(await count('users WHERE id = $1')).to.equal(0)
    expect(await state()).to.deep.include({ phase: 'objects', failures: 1, error: 'TypeError' })
    expect(await storage.store.head(`files/${fileId.slice(-2)}/${fileId}/original`)).to.not.equal(undefined)
    // It waits before it tries again, whoever asks.
    await worker().work()
    expect((await state()).failures).to.equal(1)
    isAway = false
    await sql('UPDATE erasures SET due_at = now() WHERE user_id = $1', [user.id])
    await Promise.all([worker().work(), worker().work()])
    expect(await state()).to.deep.include({ phase: 'done', failures: 0, error: null })
    expect(removed, 'once, and once more').to.be.at.least(2)
    expect(await storage.store.head(`files/${fileId.slice(-2)}/${fileId}/original`)).to.equal(undefined)
    expect(await count('erasure_files f JOIN erasures e ON e.id = f.erasure_id WHERE e.user_id = $1')).to.equal(0)
  })

  it('forgets where the user came from when a month has gone by, and not before', async () => {
    const user = await app.api.register()
    await user.delete(`/api/users/${user.id}`)
    await app.container.erasures.work()
    const networks = async () =>
      (await sql('SELECT count(network)::int AS n FROM audit_entries WHERE actor_id = $1', [user.id]))[0].n
    await sql(`UPDATE erasures SET phase = 'done', done_at = now() WHERE user_id = $1`, [user.id])
    await app.container.erasures.eraseNetworks()
    expect(await networks()).to.be.greaterThan(0)
    await sql(`UPDATE erasures SET done_at = now() - interval '31 days' WHERE user_id = $1`, [user.id])
    await app.container.erasures.eraseNetworks()
    expect(await networks()).to.equal(0)
  })
})
