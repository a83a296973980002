import { randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { Client } from 'pg'
import { z } from 'zod'
import { dumpTo } from '../../src/database/dump.ts'
import { restoreFrom } from '../../src/database/restore.ts'
import { ApiClient, TestUser } from '../support/api-client.ts'
import { createDatabase } from '../support/database.ts'
import { runSql, testServer, withDatabase } from '../support/global-fixtures.ts'
import { memoryOf } from '../support/memory.ts'
import { startProcess, type TestProcess } from '../support/processes.ts'

const START_MS = 60_000
const MEGABYTE = 1_048_576
const secretsFile = z.object({ jwtSecret: z.string(), encryptionKey: z.string() })

/** A database with nothing in it at all. */
async function emptyDatabase() {
  const { adminUrl } = await testServer()
  const name = `test_${randomBytes(6).toString('hex')}`
  await runSql(adminUrl, `CREATE DATABASE ${name} TEMPLATE template0`)
  return {
    url: withDatabase(adminUrl, name),
    drop: () => runSql(adminUrl, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  }
}

async function query(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query(sql)).rows
  } finally {
    await client.end()
  }
}

const reasonOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: Error) => error.message,
  )

describe('An installation that moves to another database', function () {
  this.timeout(120_000)
  let home: string
  const undo: (() => Promise<void>)[] = []
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'move-database-'))
    undo.push(() => rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
  })
  after(async () => {
    for (const step of undo.reverse()) await step()
  })

  const start = async (env: Record<string, string>): Promise<{ server: TestProcess; api: ApiClient }> => {
    const server = startProcess('workers/embedded.ts', {
      cwd: home,
      env: { PORT: '0', NODE_ENV: 'development', DEMO_WORDS_PER_MINUTE: '6000', ...env },
    })
    const [, url = ''] = await server.waitForLine(/listens on (http:\S+)/, START_MS)
    return { server, api: new ApiClient(url) }
  }
  const command = async (entry: string, args: string[], env: Record<string, string> = {}) => {
    const child = startProcess(entry, { cwd: home, args, env: { NODE_ENV: 'development', ...env } })
    const { code } = await child.ended
    expect(code, child.output).to.equal(0)
    return child.output
  }

  it('takes all of it along while a party goes on, and goes on itself: the conversation, the sign-in, the ledger', async () => {
    const before = await start({})
    const user = await before.api.register()
    const agentIds = await Promise.all(
      ['Ada', 'Blaise'].map((name) => user.create('/api/agents', { name, instructions: 'Speak.' })),
    )
    const body = { agentIds, message: 'Tea\tor\ncoffee? \\. "quoted" Zoë 🥊', maxTurns: 3 }
    const { runId, conversationId } = await user.accept('/api/chat/multi-agent', body)
    await user.finished(runId)
    const underWay = await user.accept('/api/chat/multi-agent', body)
    const dumped = await command('src/db.ts', ['dump', 'moved.sql.gz'])
    expect(dumped).to.match(/wrote \d+ rows of \d+ tables to moved\.sql\.gz\nkeep .*secrets\.json with it/)
    expect((await stat(join(home, 'moved.sql.gz'))).mode & 0o777).to.equal(0o600)
    await user.finished(underWay.runId)
    const spoken = await user.messages(conversationId)
    expect(await before.server.kill('SIGTERM')).to.deep.equal({ code: 0, signal: null })

    const secrets = secretsFile.parse(JSON.parse(await readFile(join(home, '.data', 'secrets.json'), 'utf8')))
    const target = await emptyDatabase()
    undo.push(() => target.drop())
    const env = {
      DATABASE_URL: target.url,
      JWT_SECRET: secrets.jwtSecret,
      ENCRYPTION_KEYS: `generated:${secrets.encryptionKey}`,
    }
    expect(await command('src/db.ts', ['restore', 'moved.sql.gz'], env)).to.match(
      /\nusers: 2 rows\n[\s\S]*restored \d+ rows/,
    )
    const after = await start(env)
    undo.push(async () => void (await after.server.kill('SIGKILL')))
    const same = new TestUser(after.api, { user: { id: user.id, email: user.email }, token: user.token })
    expect(await same.messages(conversationId)).to.deep.equal(spoken)
    // What was under way is brought to its end from the rows.
    expect((await same.finished(underWay.runId)).status).to.equal('completed')
    const next = await same.accept('/api/chat/multi-agent', { ...body, conversationId })
    expect((await same.finished(next.runId)).status).to.equal('completed')
    expect(await same.messages(conversationId)).to.have.length(spoken.length + 4)
    await after.server.kill('SIGTERM')
    expect(await command('src/credits/verify.ts', [], env)).to.include('zero differences')
  })
})

describe('A dump', function () {
  this.timeout(120_000)
  let home: string
  let source: Awaited<ReturnType<typeof createDatabase>>
  let target: Awaited<ReturnType<typeof emptyDatabase>>
  before(async () => {
    home = await mkdtemp(join(tmpdir(), 'dump-'))
    source = await createDatabase()
    await runSql(
      source.url,
      `INSERT INTO users (id, email, email_key, name, password_hash, role)
       SELECT gen_random_uuid(), n || '@example.com', n || '@example.com', E'tab\\t line\\n \\\\. end', 'x', 'user'
       FROM generate_series(1, 2000) AS n`,
    )
  })
  beforeEach(async () => {
    target = await emptyDatabase()
  })
  afterEach(() => target.drop())
  after(async () => {
    await source.drop()
    await rm(home, { recursive: true, force: true })
  })

  it('is restored to the letter, compressed or not, rows, constraints and triggers', async () => {
    for (const name of ['plain.sql', 'small.sql.gz']) {
      const { rows } = await dumpTo(join(home, name), source.url)
      expect(rows.users).to.equal(2_000)
      await target.drop()
      target = await emptyDatabase()
      expect(await restoreFrom(join(home, name), target.url)).to.deep.equal(rows)
      const all = 'SELECT md5(string_agg(u::text, chr(10) ORDER BY id)) AS sum FROM users u'
      expect(await query(target.url, all)).to.deep.equal(await query(source.url, all))
      const schema = `SELECT conname || pg_get_constraintdef(oid) AS line FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace
        UNION ALL SELECT tgname || tgenabled::text FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1`
      expect(await query(target.url, schema)).to.deep.equal(await query(source.url, schema))
    }
  })

  it('that is cut off or changed is refused, and nothing of it is left', async () => {
    const whole = join(home, 'whole.sql')
    await dumpTo(whole, source.url)
    const text = await readFile(whole, 'utf8')
    const broken = {
      'cut.sql': [text.slice(0, text.length - 300), /its end is missing/],
      'changed.sql': [text.replace('2@example.com', '3@example.org'), /its sum is another one/],
      'bad.sql': [text.replace('2@example.com', '2@example.com\tmore'), /was not restored, and nothing of it is left/],
      'other.sql': ['SELECT 1;\n', /is no dump/],
    } as const
    for (const [name, [content, why]] of Object.entries(broken)) {
      await writeFile(join(home, name), content)
      expect(await reasonOf(restoreFrom(join(home, name), target.url)), name).to.match(why)
    }
    const gz = join(home, 'torn.sql.gz')
    await dumpTo(gz, source.url)
    await writeFile(gz, (await readFile(gz)).subarray(0, 5_000))
    expect(await reasonOf(restoreFrom(gz, target.url))).to.match(/unexpected end of file/)
    expect(await query(target.url, 'SELECT count(*)::int AS count FROM users')).to.deep.equal([{ count: 0 }])
  })

  it('is not put over what is there, nor into a schema that is newer', async () => {
    const file = join(home, 'once.sql.gz')
    await dumpTo(file, source.url)
    expect(await reasonOf(restoreFrom(file, source.url))).to.match(/has users already/)
    const older = gunzipSync(await readFile(file)).toString()
    const last = /"(\w+)"\]}\n/.exec(older)?.[1] ?? ''
    await writeFile(join(home, 'older.sql'), older.replace(`,"${last}"]`, ']'))
    await restoreFrom(file, target.url)
    await runSql(target.url, 'DELETE FROM users')
    expect(await reasonOf(restoreFrom(join(home, 'older.sql'), target.url))).to.include(
      `a newer schema than the dump (${last}`,
    )
    await writeFile(join(home, 'newer.sql'), older.replace(`"${last}"]`, `"${last}","Later1999999999999"]`))
    expect(await reasonOf(restoreFrom(join(home, 'newer.sql'), target.url))).to.match(
      /newer version .* Later1999999999999/,
    )
  })

  it('takes no more memory for a large database than for a small one', async () => {
    await runSql(source.url, 'UPDATE users SET password_hash = repeat(md5(random()::text), 1000)')
    const file = join(home, 'large.sql')
    const before = (await memoryOf('self')).now
    await dumpTo(file, source.url)
    await restoreFrom(file, target.url)
    const { size } = await stat(file)
    expect(size).to.be.greaterThan(50 * MEGABYTE)
    // Whoever held the file would grow by all of it; what is collected late, on a busy machine, is some 45 MB.
    expect((await memoryOf('self')).now - before).to.be.lessThan(0.75 * size)
  })
})
