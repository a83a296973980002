import { expect } from 'chai'
import { clean } from '../../workers/cleaning.ts'
import { startReconciling } from '../../workers/reconciling.ts'
import { useApp } from '../support/app.ts'
import { eventually } from '../support/pace.ts'

describe('Housekeeping, one part of which fails', () => {
  const app = useApp({ worker: false })
  const sql = (text: string, parameters: unknown[] = []) => app.container.db.query(text, parameters)
  /** Does `work` while nobody finds these tables. */
  const without = async (tables: string[], work: () => Promise<void>) => {
    for (const table of tables) await sql(`ALTER TABLE ${table} RENAME TO ${table}_away`)
    try {
      await work()
    } finally {
      for (const table of tables) await sql(`ALTER TABLE ${table}_away RENAME TO ${table}`)
    }
  }

  it('is told of it, in health and metrics: mails and welcome credits too', async () => {
    await without(['mails', 'signup_grants'], async () => {
      const { health, stop } = startReconciling(app.container)
      await eventually(() => health.reason !== undefined)
      await stop()
      expect(health.reason).to.equal('welcome credits, mails')
    })
    const counted = await app.container.metrics.reconcilerFailures.get()
    expect(counted.values.map(({ labels }) => labels.step)).to.have.members(['welcome credits', 'mails'])
  })

  it('cleans the rest all the same', async () => {
    await sql(`INSERT INTO breakers (subject, code, changed_at) VALUES ('own a', '', now() - interval '2 days')`)
    await without(['erasures', 'webhooks'], async () => {
      expect(await clean(app.container)).to.deep.equal([
        'networks of erased users',
        'deliveries of webhooks that are off',
      ])
    })
    expect(await sql('SELECT FROM breakers')).to.deep.equal([])
    expect(await clean(app.container)).to.deep.equal([])
  })

  it('gives back the stale holds of titles that it can', async () => {
    const { choreHolds } = app.container
    const users = await Promise.all([app.api.register(), app.api.register(), app.api.register()])
    for (const user of users) {
      const chore = { kind: 'title' as const, userId: user.id, conversationId: user.id }
      expect(await choreHolds.place(chore, 1_000n)).to.not.equal(undefined)
    }
    await sql(`UPDATE holds SET created_at = created_at - interval '1 day'`)
    const held = async () =>
      (await sql('SELECT held::text FROM accounts WHERE user_id = ANY($1::uuid[]) ORDER BY held', [
        users.map(({ id }) => id),
      ])) as Array<{ held: string }>
    const refused = users[0]?.id ?? ''
    await sql(`CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$`)
    await sql(
      `CREATE TRIGGER refuse BEFORE UPDATE ON accounts FOR EACH ROW WHEN (OLD.user_id = '${refused}') EXECUTE FUNCTION refuse()`,
    )
    const failure = await choreHolds.releaseStale().then(
      () => undefined,
      (error: Error) => error.message,
    )
    expect(failure).to.equal('not this one')
    expect(await held()).to.deep.equal([{ held: '0' }, { held: '0' }, { held: '1000' }])
    await sql('DROP TRIGGER refuse ON accounts')
    await choreHolds.releaseStale()
    expect(await held()).to.deep.equal(Array(3).fill({ held: '0' }))
  })
})
