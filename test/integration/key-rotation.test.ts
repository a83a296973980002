import { expect } from 'chai'
import { SealedSecrets, type SealingKey } from '../../src/connections/sealed-secret.ts'
import { sealedColumns } from '../../src/sealed-columns.ts'
import { newId } from '../../src/shared/ids.ts'
import { startApp, testSettings } from '../support/app.ts'
import { useDatabase } from '../support/database.ts'
import { startProcess } from '../support/processes.ts'

const key = (id: string, byte: number): SealingKey => ({ id, key: Buffer.alloc(32, byte) })
const ring = (...keys: SealingKey[]) => keys.map((one) => `${one.id}:${one.key.toString('base64')}`).join(',')
const [K1, K2, STRANGE] = [key('k1', 7), key('k2', 9), key('k1', 66)]
const COUNT = 450

describe('Keys that seal', function () {
  this.timeout(60_000)
  const database = useDatabase()
  const query = (sql: string, values: unknown[] = []) => database.dataSource.query(sql, values)
  const env = (keys: string) => ({ ...testSettings, DATABASE_URL: database.url, ENCRYPTION_KEYS: keys })
  const resealed = async (keys: string, ...args: string[]) => {
    const child = startProcess('src/keys.ts', { args, env: env(keys) })
    return { ...(await child.ended), output: child.output }
  }
  /** What a start says to these keys. */
  const start = (keys: string) =>
    startApp({ databaseUrl: database.url, worker: false, env: { ENCRYPTION_KEYS: keys } }).then(
      async (app) => {
        await app.close()
        return 'started'
      },
      (error: Error) => error.message,
    )
  const connections = (secrets: SealedSecrets, count: number) => {
    const ids = Array.from({ length: count }, () => newId())
    const sealed = ids.map((id) => secrets.seal(`sk-${id}`, { id, field: 'apiKey' }))
    const sql = `INSERT INTO connections (id, name, provider, model, api_key_sealed)
      SELECT id, 'Mine', 'openai', 'gpt', sealed FROM unnest($1::uuid[], $2::text[]) AS new (id, sealed)`
    return query(sql, [ids, sealed])
  }
  const underKey = (id: string): Promise<number> =>
    query(`SELECT count(*)::int AS count FROM connections WHERE starts_with(api_key_sealed, $1)`, [`v1.${id}.`]).then(
      ([{ count }]) => count,
    )

  afterEach(async () => {
    await query('TRUNCATE connections CASCADE')
    await query('DELETE FROM server_keys')
    await query('DELETE FROM key_canaries')
  })

  it('that are others than at the first start are refused in a sentence, before anything is served', async () => {
    expect(await start(ring(K1))).to.equal('started')
    expect(await start(ring(K1))).to.equal('started')
    expect(await start(ring(K2, K1))).to.equal('started')
    for (const wrong of [ring(STRANGE), ring(K2)]) {
      expect(await start(wrong)).to.match(/^ENCRYPTION_KEYS are not the keys of this database: .* the key "k1"/)
    }
  })

  it('are told from what is sealed already where nobody kept a canary, and a lost one among them is no obstacle', async () => {
    await connections(new SealedSecrets([K2]), 3)
    expect(await start(ring(K1))).to.match(/^ENCRYPTION_KEYS are not the keys of this database: .* the key "k2"/)
    await connections(new SealedSecrets([K1]), 1)
    expect(await start(ring(K1))).to.equal('started')
  })

  it('are changed while the product runs: all values come under the first, in batches, and the old key can go', async () => {
    const old = new SealedSecrets([K1])
    await connections(old, COUNT)
    expect(await start(ring(K2, K1))).to.equal('started')
    const done = await resealed(ring(K2, K1))
    expect(done.code, done.output).to.equal(0)
    expect(done.output).to.include(`${COUNT} value(s) were sealed anew`)
    expect(done.output.split('\n').filter((line) => line.includes('under the first key')).length).to.be.at.least(3)
    expect([await underKey('k1'), await underKey('k2')]).to.deep.equal([0, COUNT])
    const fresh = new SealedSecrets([K2])
    for (const { id, sealed } of await query(
      'SELECT id, api_key_sealed AS sealed FROM connections WHERE api_key_sealed IS NOT NULL',
    )) {
      expect(fresh.open(sealed, { id, field: 'apiKey' })).to.equal(`sk-${id}`)
    }
    expect(await start(ring(K2))).to.equal('started')
    const again = await resealed(ring(K2, K1))
    expect(again.output).to.include('0 value(s) were sealed anew')
  })

  it('that are gone leave what they sealed as it is, named; only who accepts that goes on without', async () => {
    await connections(new SealedSecrets([K1]), 2)
    await connections(new SealedSecrets([STRANGE]), 1)
    const done = await resealed(ring(K2, K1))
    expect(done.code).to.equal(1)
    expect(done.output).to.match(
      /No key opens 1 value\(s\): connections [0-9a-f-]{36}\n2 value\(s\) are under the first key now/,
    )
    expect(await start(ring(K2))).to.match(/^ENCRYPTION_KEYS are not/)
    expect((await resealed(ring(K2), '--accept-loss')).code).to.equal(0)
    expect(await start(ring(K2))).to.equal('started')
    expect([await underKey('k1'), await underKey('k2')]).to.deep.equal([1, 2])
  })

  it('are changed in every column that holds what they sealed', async () => {
    const found = await query(`SELECT table_name AS "table", column_name AS "column" FROM information_schema.columns
      WHERE table_schema = 'public' AND column_name LIKE '%sealed%' AND table_name <> 'key_canaries' ORDER BY 1, 2`)
    expect(sealedColumns.map(({ table, column }) => ({ table, column }))).to.have.deep.members(found)
  })
})
