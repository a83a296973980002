import { execFile } from 'node:child_process'
import { chown, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { Client } from 'pg'
import { databaseAddress } from '../../src/config/database-address.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { awaitServer } from '../../src/database/server-facts.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { startApp, testSettings } from '../support/app.ts'
import { runSql } from '../support/global-fixtures.ts'
import { startProcess } from '../support/processes.ts'
import { needPrograms } from '../support/programs.ts'

const run = promisify(execFile)
/** A refusal that no waiting helps comes at once; a wait of this long would be the limit of the test. */
const LONG_MS = 600_000

/** An authority, or whatever it signs, in a folder: `<name>.pem` and `<name>.key`. */
async function certificate(folder: string, name: string, signer?: string, extension = ''): Promise<void> {
  const key = ['-newkey', 'rsa:2048', '-nodes', '-keyout', `${name}.key`, '-subj', `/CN=${name}`]
  const options = { cwd: folder }
  if (!signer) {
    await run('openssl', ['req', '-x509', ...key, '-days', '2', '-out', `${name}.pem`], options)
    return
  }
  await writeFile(join(folder, `${name}.ext`), extension)
  await run('openssl', ['req', ...key, '-out', `${name}.csr`], options)
  const sign = ['-CA', `${signer}.pem`, '-CAkey', `${signer}.key`, '-CAcreateserial', '-extfile', `${name}.ext`]
  await run('openssl', ['x509', '-req', '-in', `${name}.csr`, ...sign, '-days', '2', '-out', `${name}.pem`], options)
}

describe('A database behind TLS, with an authority of its own', function () {
  this.timeout(120_000)
  let home: string
  let server: EmbeddedPostgres | undefined
  let url: string
  let ca: string
  let stranger: string

  before(async function () {
    needPrograms(this, 'openssl')
    home = await mkdtemp(join(tmpdir(), 'database-tls-'))
    await Promise.all([certificate(home, 'authority'), certificate(home, 'stranger')])
    await certificate(home, 'server', 'authority', 'subjectAltName = IP:127.0.0.1\n')
    ca = join(home, 'authority.pem')
    stranger = join(home, 'stranger.pem')
    const dataDir = join(home, 'data')
    server = await startEmbeddedPostgres({ dataDir, logger: silentLogger, fsync: false })
    const folder = join(dataDir, 'postgres')
    const { uid, gid } = await stat(folder)
    for (const [from, to] of [
      ['server.pem', 'server.crt'],
      ['server.key', 'server.key'],
    ] as const) {
      await writeFile(join(folder, to), await readFile(join(home, from)), { mode: 0o600 })
      await chown(join(folder, to), uid, gid)
    }
    // Nobody gets in without TLS.
    const rules = (await readFile(join(folder, 'pg_hba.conf'), 'utf8')).replaceAll(/^host(\s)/gm, 'hostssl$1')
    await writeFile(join(folder, 'pg_hba.conf'), rules)
    await runSql(server.superUrl, 'ALTER SYSTEM SET ssl = on', 'SELECT pg_reload_conf()')
    url = server.url
    await untilRefusedInTheOpen()
  })
  after(async () => {
    await server?.stop()
    if (home) await rm(home, { recursive: true, force: true, maxRetries: 5 })
  })

  const untilRefusedInTheOpen = async () => {
    // The server reads its settings again in its own time.
    while (!(await reasonFor(url))) await delay(20)
  }
  const encrypted = async (address: string): Promise<unknown> => {
    const client = new Client({ connectionString: address })
    await client.connect()
    const { rows } = await client.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')
    await client.end()
    return rows[0].ssl
  }
  /** Why a process that starts does not get in; undefined when it does. */
  const reasonFor = (address: string) =>
    awaitServer(address, LONG_MS, silentLogger).then(
      () => undefined,
      (error: Error) => error.message,
    )
  const withMode = (mode: string, host = '127.0.0.1') => `${url.replace('127.0.0.1', host)}?sslmode=${mode}`

  it('is reached with the authority, checked to its name; with another, or none, it is refused at once', async () => {
    expect(await encrypted(databaseAddress(url, ca))).to.equal(true)
    expect(await reasonFor(databaseAddress(url, stranger))).to.match(/^The database cannot be reached: .*certificate/)
    expect(await reasonFor(databaseAddress(withMode('verify-full')))).to.match(
      /^The database cannot be reached: .*certificate/,
    )
    expect(await reasonFor(databaseAddress(url, join(home, 'nowhere.pem')))).to.match(/ENOENT.*nowhere\.pem/)
    expect(await reasonFor(url)).to.match(/no encryption/)
  })

  it('takes sslmode as libpq does: require asks for no authority, verify-ca for no name, verify-full for both', async () => {
    expect(await encrypted(databaseAddress(withMode('require')))).to.equal(true)
    expect(await encrypted(databaseAddress(withMode('verify-ca', 'localhost'), ca))).to.equal(true)
    expect(await reasonFor(databaseAddress(withMode('verify-ca', 'localhost'), stranger))).to.match(/certificate/)
    expect(await reasonFor(databaseAddress(withMode('verify-full', 'localhost'), ca))).to.match(/altnames/)
    // A CA that is named is asked also by `require`.
    expect(await reasonFor(databaseAddress(withMode('require'), stranger))).to.match(/certificate/)
    expect(await reasonFor(databaseAddress(withMode('disable')))).to.match(/no encryption/)
  })

  it('serves the product whole: the migrations, the rows and the queue', async () => {
    const env = { ...testSettings, DATABASE_URL: url, DATABASE_CA: ca }
    const migrating = startProcess('src/db.ts', { args: ['migrate'], env })
    expect((await migrating.ended).code, migrating.output).to.equal(0)
    const app = await startApp({ databaseUrl: url, env: { DATABASE_CA: ca } })
    try {
      const user = await app.api.register()
      const agentId = await user.create('/api/agents', { name: 'Ada', instructions: 'Speak.' })
      const { runId } = await user.accept('/api/chat', { agentId, message: 'Hello' })
      expect((await user.finished(runId)).status).to.equal('completed')
    } finally {
      await app.close()
    }
  })
})
