import { once } from 'node:events'
import { watch } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { Client } from 'pg'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/database/embedded/embedded-postgres.ts'
import { accountFor, findBinaries, runnableBy } from '../../src/database/embedded/postgres-binaries.ts'
import { launch, shutDown } from '../../src/database/embedded/postgres-server.ts'
import { migrate } from '../../src/database/migrate.ts'
import { rollback } from '../../src/database/rollback.ts'
import { silentLogger } from '../../src/shared/logger.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'
import { skip } from '../support/programs.ts'

const MODULE = new URL('../../src/database/embedded/embedded-postgres.ts', import.meta.url).href
const LOGGER = new URL('../../src/shared/logger.ts', import.meta.url).href

describe('embedded PostgreSQL', () => {
  let home: string
  let dataDir: string
  let running: EmbeddedPostgres[] = []

  const start = async (folder = dataDir) => {
    const server = await startEmbeddedPostgres({ dataDir: folder, logger: silentLogger })
    running.push(server)
    return server
  }
  const stopAll = async () => {
    await Promise.all(running.map((server) => server.stop()))
    running = []
  }
  const postmaster = async (folder = dataDir) =>
    Number((await readFile(join(folder, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0])

  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'embedded-postgres-'))
    dataDir = join(home, 'data')
    await writeFile(
      join(home, 'holder.mts'),
      `import { startEmbeddedPostgres } from '${MODULE}'
       import { silentLogger } from '${LOGGER}'
       const server = await startEmbeddedPostgres({ dataDir: process.argv[2], logger: silentLogger })
       console.log('up at', server.url)
       setInterval(() => {}, 60_000)`,
    )
  })
  afterEach(stopAll)
  after(() => rm(home, { recursive: true, force: true }))

  /** Another process of ours that holds the folder. */
  const startHolder = (folder: string): TestProcess => startProcess(join(home, 'holder.mts'), { args: [folder] })

  it('starts from nothing: UTF-8, its own C.UTF-8 order, a private password, the loopback only', async () => {
    const server = await start()
    expect(server.adopted).to.equal(false)
    const [settings] = await query(
      server.url,
      `SELECT current_database() AS database, pg_encoding_to_char(encoding) AS encoding, datlocprovider AS provider,
              datlocale AS locale, current_setting('listen_addresses') AS listens, current_setting('server_version') AS version
         FROM pg_database WHERE datname = current_database()`,
    )
    expect(settings).to.deep.include({ database: 'chatsparty', encoding: 'UTF8', provider: 'b', locale: 'C.UTF-8' })
    expect(settings?.listens).to.equal('127.0.0.1')
    expect(settings?.version).to.match(/^18\./)
    expect((await stat(join(dataDir, 'postgres.json'))).mode & 0o777).to.equal(0o600)
    const [strangers] = await query(
      server.superUrl,
      'SELECT count(*)::int AS open FROM pg_hba_file_rules WHERE auth_method <> $1',
      ['scram-sha-256'],
    )
    expect(strangers?.open).to.equal(0)
    await query(server.url, 'CREATE TABLE kept (word text)')
    await query(server.url, `INSERT INTO kept VALUES ('first')`)
  })

  it('is used by a role that owns the database and can nothing beyond it', async () => {
    const server = await start()
    const [role] = await query(
      server.url,
      `SELECT rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
         (SELECT datdba::regrole::text = current_user FROM pg_database WHERE datname = current_database()) AS owns
       FROM pg_roles WHERE rolname = current_user`,
    )
    const none = {
      rolsuper: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
      rolbypassrls: false,
    }
    expect(role).to.deep.equal({ ...none, owns: true })
    const reads = await query(server.url, `SELECT pg_read_file('PG_VERSION')`).catch((error: Error) => error.message)
    expect(reads).to.match(/permission denied/)
  })

  it('brings a folder over whose database the superuser owned, with all that is in it', async () => {
    const folder = join(home, 'before')
    const first = await start(folder)
    // As it was before the product had a role of its own.
    const role = new URL(first.url).username
    await migrate(first.url)
    await query(first.superUrl, 'CREATE SCHEMA bullmq')
    await query(first.superUrl, 'CREATE TABLE bullmq.job (id serial PRIMARY KEY)')
    await query(first.superUrl, `CREATE TYPE bullmq.state AS ENUM ('waiting')`)
    await query(first.superUrl, `REASSIGN OWNED BY ${role} TO chatsparty`)
    await query(first.superUrl, `DROP ROLE ${role}`)
    await first.stop()
    const state = JSON.parse(await readFile(join(folder, 'postgres.json'), 'utf8'))
    await writeFile(join(folder, 'postgres.json'), JSON.stringify({ password: state.password, port: state.port }))

    const second = await start(folder)
    const left = await query(
      second.url,
      `SELECT c.oid::regclass::text AS name FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
       WHERE relowner <> current_user::regrole AND nspname IN ('public', 'bullmq')
       UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
       WHERE proowner <> current_user::regrole AND nspname IN ('public', 'bullmq')
       UNION ALL SELECT t.oid::regtype::text FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
       WHERE typowner <> current_user::regrole AND nspname IN ('public', 'bullmq')
       UNION ALL SELECT nspname FROM pg_namespace WHERE nspname = 'bullmq' AND nspowner <> current_user::regrole`,
    )
    expect(left).to.deep.equal([])
    await query(second.url, 'INSERT INTO bullmq.job DEFAULT VALUES')
    const back = await rollback(second.url, { mayLoseData: true })
    expect(await migrate(second.url)).to.deep.equal([back])
    await second.stop()
    expect((await start(folder)).url).to.equal(second.url)
  })

  it('keeps data, password and port over a clean stop, and leaves no process', async () => {
    const first = await start()
    await first.stop()
    await first.stop()
    expect(await isUp(first.url)).to.equal(false)
    expect(await readdir(join(dataDir, 'postgres'))).not.to.include('postmaster.pid')
    const second = await start()
    expect(second.url).to.equal(first.url)
    expect(await words(second)).to.deep.equal(['first'])
  })

  it('recovers after the postmaster was killed, with a session in the middle of its work', async () => {
    const before = await start()
    await query(before.url, `INSERT INTO kept VALUES ('committed')`)
    const session = new Client({ connectionString: before.url })
    const dropped = once(session, 'error')
    await session.connect()
    const busy = session.query('SELECT pg_sleep(60)').catch(() => 'dropped')
    process.kill(await postmaster(), 'SIGKILL')
    expect(await busy).to.equal('dropped')
    await dropped
    await before.stop()
    const after = await start()
    expect(after.adopted).to.equal(false)
    expect(await words(after)).to.deep.equal(['first', 'committed'])
  })

  it('refuses a folder that another process holds, and adopts its server once that process was killed', async () => {
    const holder = startHolder(dataDir)
    const [, url] = await holder.waitForLine(/^up at (.*)$/)
    const pid = await postmaster()
    const refusal = await start().catch((error: Error) => error.message)
    expect(refusal)
      .to.match(/^Another Chatsparty is running on this data folder/)
      .and.contain(`pid ${holder.pid}`)

    await holder.kill('SIGKILL')
    const adopted = await start()
    expect(adopted).to.include({ adopted: true, url })
    expect(await postmaster()).to.equal(pid)
    expect(await words(adopted)).to.deep.equal(['first', 'committed'])
    await adopted.stop()
    expect(await isUp(url ?? '')).to.equal(false)
  })

  it('gives exactly one of two simultaneous starts the folder', async () => {
    const results = await Promise.allSettled([start(), start()])
    expect(results.map((result) => result.status).sort()).to.deep.equal(['fulfilled', 'rejected'])
  })

  it('runs in a session of its own, which Ctrl-C in our terminal does not reach', async function () {
    if (process.platform !== 'linux') skip(this, 'this is no Linux')
    await start()
    const pid = await postmaster()
    const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ')
    expect(fields?.slice(2, 4)).to.deep.equal([String(pid), String(pid)])
  })

  it('is not held up by the lock file of a dead server, nor by a stranger that has got its pid', async () => {
    const ended = startProcess(join(home, 'holder.mts'), { args: ['/dev/null/nowhere'] })
    await ended.ended
    for (const pid of [ended.pid, process.pid]) {
      const stale = [pid, join(dataDir, 'postgres'), 1_700_000_000, 5432, '', '127.0.0.1', '', 'ready', '']
      await writeFile(join(dataDir, 'postgres', 'postmaster.pid'), stale.join('\n'))
      const server = await start()
      expect(server.adopted).to.equal(false)
      expect(await words(server)).to.have.length(2)
      await server.stop()
    }
  })

  /** Starts a server on the folder's cluster, `postgres` (a shell's command) in place of its program. */
  const launchFolder = async (folder: string, wrap = (postgres: string) => `exec ${postgres} "$@"`) => {
    const account = await accountFor(folder)
    const binaries = await runnableBy(account, await findBinaries())
    const bin = await mkdtemp(join(tmpdir(), 'embedded-postgres-bin-'))
    if (account.uid !== undefined) await chown(bin, account.uid, account.gid ?? account.uid)
    const postgres = join(bin, 'postgres')
    await writeFile(postgres, `#!/bin/sh\n${wrap(binaries.postgres)}\n`)
    await chmod(postgres, 0o755)
    const log = join(dataDir, `${basename(bin)}.log`)
    try {
      return await launch({ folder, postgres, account, log, port: undefined, maxConnections: 20, fsync: true })
    } finally {
      await rm(bin, { recursive: true, force: true })
    }
  }

  it('waits for a server that cannot be told by its command line yet, as none can while it is exec’d', async () => {
    await (await start()).stop()
    running = []
    const folder = join(dataDir, 'postgres')
    const server = await launchFolder(
      folder,
      (postgres) => `
        if [ $# -gt 0 ]; then
          for one in "$@"; do printf "'%s' " "$one"; done >"$0.arguments"
          exec "$0"
        fi
        sleep 0.2
        eval "exec ${postgres} $(cat "$0.arguments")"`,
    )
    expect(server.pid).to.equal(await postmaster())
    await shutDown(folder, server.pid)
  })

  it('takes over the server of another that was killed before the server had said that it runs', async () => {
    const folder = join(dataDir, 'postgres')
    const [one, other] = await Promise.all([launchFolder(folder), launchFolder(folder)])
    expect(one.pid).to.equal(other.pid)
    await shutDown(folder, one.pid)
  })

  it('chooses another port when its own is taken', async () => {
    const first = await start()
    await first.stop()
    const squatter = createServer().listen(Number(new URL(first.url).port), '127.0.0.1')
    await once(squatter, 'listening')
    const second = await start()
    squatter.close()
    expect(new URL(second.url).port).not.to.equal(new URL(first.url).port)
    expect(await words(second)).to.have.length(2)
  })

  it('does an initdb again that was killed in the middle', async () => {
    const folder = join(home, 'interrupted')
    await mkdir(folder)
    const watcher = watch(folder)
    const initdbBegan = new Promise<void>((seen) => {
      watcher.on('change', (_, name) => String(name).startsWith('postgres.init-') && seen())
    })
    const holder = startHolder(folder)
    await initdbBegan
    await holder.kill('SIGKILL')
    watcher.close()

    const server = await start(folder)
    expect(await query(server.url, 'SELECT 1 AS one')).to.deep.equal([{ one: 1 }])
    expect((await readdir(folder)).filter((name) => name.includes('init'))).to.deep.equal([])
  })

  it('works for root in a folder that is closed to everybody else', async function () {
    if (process.getuid?.() !== 0) skip(this, 'this is not root')
    const closed = join(home, 'closed')
    const folder = join(closed, 'clone', '.data')
    await mkdir(folder, { recursive: true })
    await chmod(closed, 0o700)
    const server = await start(folder)
    expect(await query(server.url, 'SELECT 1 AS one')).to.deep.equal([{ one: 1 }])
    expect((await stat(join(folder, 'postgres'))).uid).not.to.equal(0)
    expect((await stat(closed)).mode & 0o777).to.equal(0o700)
  })

  it('says what to do about data of another PostgreSQL version', async () => {
    const folder = join(home, 'old')
    await mkdir(join(folder, 'postgres'), { recursive: true })
    await writeFile(join(folder, 'postgres', 'PG_VERSION'), '17\n')
    const refusal = await start(folder).catch((error: Error) => error.message)
    expect(refusal).to.match(/written by PostgreSQL 17, this is 18\.\d+\. Restore a dump/)
  })
})

async function query(url: string, sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query(sql, values)
    return rows
  } finally {
    await client.end()
  }
}

const words = async (server: EmbeddedPostgres) =>
  (await query(server.url, 'SELECT word FROM kept')).map((row) => row.word)

const isUp = (url: string) =>
  query(url, 'SELECT 1').then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ECONNREFUSED',
  )
